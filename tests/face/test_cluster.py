"""Counterfactuals on a cluster: what the command line hands on, and says where it cannot."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taskroy import cluster
from taskroy.cluster import connected, versions
from taskroy.errors import StudyError
from taskroy.posteriors.finished_blocks import FinishedBlocks

COMMANDS = (["run"], ["sensitivity"], ["counterfactual", "report"])


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_missing_is_named(
    stand_ins: Any, taskroy: Any, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    taskroy("run")
    stand_ins.calls.clear()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "distributed" else find(name)
    )
    told = taskroy(*command, "--cluster", "tcp://somewhere:8786")
    assert told.exit_code == 2
    assert "needs the package 'distributed'" in told.stderr
    assert "pip install 'taskroy[cluster]'" in told.stderr
    assert stand_ins.calls == []


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "nonsense://x:1"])
def test_an_address_without_a_cluster_is_explained(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """No client is made: one that fails would be closed at any time, while another starts."""
    monkeypatch.setattr(cluster, "_SECONDS", 0.2)
    monkeypatch.setattr("distributed.Client", None)
    with pytest.raises(StudyError, match=f"--cluster {address}: No cluster answers"):
        connected(address).__enter__()


def test_workers_of_other_versions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, dict[str, str]] = {}

    class Client:
        def __init__(self, address: str, timeout: float) -> None: ...

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        def run(self, of: Any) -> dict[str, dict[str, str]]:
            assert of is versions
            return found

    async def reached(address: str) -> None: ...

    monkeypatch.setattr("distributed.Client", Client)
    monkeypatch.setattr(cluster, "_reach", reached)
    with pytest.raises(StudyError, match="no workers"):
        connected("a").__enter__()
    found |= {"one": versions(), "two": versions() | {"jax": "0.1", "numpy": "1.0"}}
    with pytest.raises(StudyError, match=r"The worker two has jax 0\.1, numpy 1\.0\."):
        connected("a").__enter__()
    del found["two"]
    with connected("a") as client:
        assert isinstance(client, Client)
    with connected(None) as client:
        assert client is None


@pytest.mark.parametrize("command", COMMANDS)
def test_counterfactuals_are_given_the_cluster_and_a_folder(
    stand_ins: Any, taskroy: Any, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    told: list[tuple[Any, Any]] = []
    taskroy("run")

    @contextmanager
    def connected_to(address: str | None) -> Iterator[str | None]:
        yield address

    def counterfactual(*given: Any, client: Any, blocks: Any = None, **others: Any) -> Any:
        told.append((client, blocks))
        if blocks:
            FinishedBlocks(blocks).save("0" * 64, {"x": np.ones(1)})
        return stand_ins.counterfactual(*given, **others)

    monkeypatch.setattr(cluster, "connected", connected_to)
    module = sys.modules["taskroy.posteriors.counterfactual"]
    monkeypatch.setattr(module, "counterfactual", counterfactual)
    quick = ["--quick"] if command == ["sensitivity"] else []
    stand_ins.broken = "counterfactual"
    assert taskroy(*command, *quick, "--cluster", "tcp://a:1").exit_code == 130
    blocks = Path("report/posterior.zarr.blocks").absolute()
    assert [(client, Path(folder).absolute()) for client, folder in told] == [("tcp://a:1", blocks)]
    assert [place.name for place in blocks.iterdir()] == [f"{'0' * 64}.block"]
    stand_ins.broken = ""
    if not quick:
        assert taskroy(*command, "--cluster", "tcp://a:1").exit_code == 0
        assert not blocks.exists()
