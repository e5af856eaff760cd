"""One device, four, or two processes that share the workers: the same answer to rounding."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import taskroy

PROGRAM = Path(__file__).with_name("on_devices.py")
# Of this taskroy, and of what tests share.
SOURCES = (Path(taskroy.__file__).parents[1], PROGRAM.parents[1] / "support")
# Of one density or gradient. Draws drift apart as every rounding is carried on by 50 trajectories.
ROUNDING, DRIFT = 1e-11, 1e-4


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, SOURCES))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(*processes: subprocess.Popen[str]) -> list[dict[str, Any]]:
    found = []
    try:
        for process in processes:
            told, errors = process.communicate(timeout=600)
            assert process.returncode == 0, errors
            found.append(json.loads(told.splitlines()[-1]))
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return found


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return str(found.getsockname()[1])


def require_same_densities(one: dict[str, Any], other: dict[str, Any]) -> None:
    for name in one.keys() & {"joint", "marginal"}:
        assert len(one[name]) == len(other[name]) > 5
        for x, y in zip(one[name], other[name], strict=True):
            np.testing.assert_allclose(x, y, rtol=ROUNDING, atol=ROUNDING)


def test_four_devices_give_what_one_gives() -> None:
    alone, shared = answers(*(started("occupation", count) for count in "14"))
    assert (alone["devices"], shared["devices"]) == (1, 4)
    assert {"joint", "marginal"} <= alone.keys() & shared.keys()
    require_same_densities(alone, shared)


def test_two_processes_give_what_one_gives() -> None:
    place = f"localhost:{free_port()}"
    processes = [started("worker", "1", place, "2", index) for index in "01"]
    processes.append(started("worker", "1"))
    first, second, alone = answers(*processes)
    assert (first["devices"], second["devices"], alone["devices"]) == (2, 2, 1)
    assert first == second
    assert {"joint", "draws"} <= first.keys()
    require_same_densities(alone, first)
    for name, values in alone["draws"].items():
        np.testing.assert_allclose(first["draws"][name], values, rtol=DRIFT, atol=DRIFT)
        assert np.ptp(values) > 100 * DRIFT
