"""A fit that is killed outright goes on, in another process, to the same posterior bit by bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import xarray as xr

import taskroy
from taskroy.posteriors.store import open_posterior

STUDY = """
panel = {source = "simulated", workers = 12, seed = 1}
tasks = {level = "wagepan", tasks = "gwa-category"}
# The variants that compile fastest.
model = {shock = "worker", amenities = "none", intercept = "known"}

[inference]
chains = 2
warmup = 60
draws = 1000
max_tree_depth = 3
tolerance = 1e-3
"""
PATIENCE = 900


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def fitting(study: Path, output: Path, *options: str, seed: int) -> subprocess.Popen[str]:
    # Python shuffles its sets anew in each process: no digit may hang on it. The path makes it this
    # taskroy, wherever the process starts.
    source = str(Path(taskroy.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-m", "taskroy", "fit", str(study), "--output", str(output), *options],
        env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": source},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> str:
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    return told


def files(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.glob("*.npz"))


def test_a_fit_that_is_killed_goes_on_bit_by_bit(study: Path, tmp_path: Path) -> None:
    victim = fitting(study, tmp_path / "killed", seed=1)
    checkpoint, began = tmp_path / "killed/checkpoint", time.monotonic()
    try:
        while not any(name.startswith("draws") for name in files(checkpoint)):
            assert victim.poll() is None, victim.communicate()
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.01)
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
    assert not (tmp_path / "killed/posterior.zarr").exists()
    assert 2 < len(list(files(checkpoint))) < 20

    told = ended(fitting(study, tmp_path / "killed", "--resume", seed=2))
    assert "goes on from what an earlier one kept" in told
    assert "pilot fit" not in told
    assert not checkpoint.exists()
    ended(fitting(study, tmp_path / "whole", seed=3))
    trees = [open_posterior(tmp_path / name / "posterior.zarr") for name in ("killed", "whole")]
    for tree in trees:
        assert tree.attrs.pop("seconds") > 0
    xr.testing.assert_identical(*trees)
