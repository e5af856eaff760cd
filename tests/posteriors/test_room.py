"""Arrays on disk while a fit runs: read piece by piece, never whole."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from zarr.errors import ChunkNotFoundError

from taskroy.errors import FitError
from taskroy.inference.drawn_skills import DrawnSkills
from taskroy.posteriors.forward_draws import levels_of_skills
from taskroy.posteriors.room import room_on_disk, values_in
from taskroy.posteriors.store import open_posterior, save_posterior

SHAPE = (2, 50, 400, 37)  # a chain is 6 MB
DIMENSIONS = ("chain", "draw", "worker", "task")


def test_values_stay_on_disk_until_they_are_read(tmp_path: Path) -> None:
    room = room_on_disk(tmp_path / "skill", SHAPE, np.float64)
    data = xr.Dataset({"skill": (DIMENSIONS, values_in(room))})
    values = np.random.default_rng(0).normal(size=SHAPE)
    room[:] = values  # seen by who reads later: nothing was read before
    for part in (
        {"chain": 0, "draw": slice(3, 5)},
        {"draw": [7, 2], "worker": [0, 3]},
        {"chain": [1], "task": slice(None, None, -1)},
    ):
        read = data["skill"].isel(part)
        np.testing.assert_array_equal(read, xr.DataArray(values, dims=DIMENSIONS).isel(part))


def test_what_was_never_written_or_is_gone_is_not_zeros(tmp_path: Path) -> None:
    room = room_on_disk(tmp_path / "skill", SHAPE, np.float64)
    room[0] = 1.0
    data = xr.Dataset({"skill": (DIMENSIONS, values_in(room))})
    with pytest.raises(ChunkNotFoundError):
        data["skill"].load()
    other = room_on_disk(tmp_path / "skill", SHAPE, np.float64)
    other[:] = 2.0
    with pytest.raises(ChunkNotFoundError):
        data["skill"].isel(chain=0).load()


def test_they_are_stored_with_a_posterior(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=SHAPE)
    room = room_on_disk(tmp_path / "skill", SHAPE, np.float64)
    room[:] = values
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"skill": (DIMENSIONS, values_in(room))})}
    )
    save_posterior(tree, tmp_path / "posterior")
    found = open_posterior(tmp_path / "posterior")["posterior/skill"]
    assert found.dims == DIMENSIONS
    np.testing.assert_array_equal(found, values)


def test_skills_become_levels_in_little_memory(tmp_path: Path) -> None:
    """Of arrays of 189 MB each never more than 40 draws, or a few chunks, are in memory."""
    shape = (2, 800, 400, 37)
    deviation, skills = (room_on_disk(tmp_path / name, shape, np.float64) for name in "ab")
    for chain in range(2):
        for draw in range(0, 800, 40):
            deviation[chain, draw : draw + 40] = chain + 0.01 * draw
    mean = np.arange(2.0 * 800 * 37).reshape(2, 800, 37)
    tracemalloc.start()
    levels_of_skills(mean, DrawnSkills(deviation), DrawnSkills(skills))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.5 * 8 * math.prod(shape)
    np.testing.assert_allclose(skills[1, 83, 7], mean[1, 83] + 1 + 0.01 * 80)


def test_levels_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    deviation = np.zeros((1, 50, 2, 3))
    deviation[0, 49, 1, 1] = np.nan
    skills = DrawnSkills(np.empty_like(deviation))
    with pytest.raises(FitError, match="draws are not finite"):
        levels_of_skills(np.zeros((1, 50, 3)), DrawnSkills(deviation), skills)


def test_what_is_in_memory_is_left_there() -> None:
    values = np.ones(SHAPE[:2])
    assert values_in(values) is values
