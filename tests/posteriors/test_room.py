"""Arrays on disk while a fit runs: read piece by piece, never whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from taskroy.posteriors.room import room_on_disk, values_in
from taskroy.posteriors.store import open_posterior, save_posterior

SHAPE = (2, 50, 400, 37)  # a chain is 6 MB
DIMENSIONS = ("chain", "draw", "worker", "task")


def test_values_stay_on_disk_until_they_are_read(tmp_path: Path) -> None:
    room = room_on_disk(tmp_path / "skill", SHAPE, np.float64)
    room[1, 3] = 2.0
    data = xr.Dataset({"skill": (DIMENSIONS, values_in(room))})
    room[0, 4] = 5.0  # seen by who reads later: nothing was read before
    part = data["skill"].isel(chain=0, draw=slice(3, 5))
    assert part.shape == (2, 400, 37)
    np.testing.assert_array_equal(part[:, 0, 0], [0.0, 5.0])
    assert float(data["skill"].isel(chain=1).sum()) == 2.0 * 400 * 37


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


def test_room_is_made_anew(tmp_path: Path) -> None:
    room_on_disk(tmp_path / "skill", (1, 2, 3, 4), np.float64)[:] = 1.0
    other = room_on_disk(tmp_path / "skill", (1, 2, 5, 4), np.float32)
    assert other.shape == (1, 2, 5, 4)
    assert (other[:] == 0).all()


def test_what_is_in_memory_is_left_there() -> None:
    values = np.ones(SHAPE[:2])
    assert values_in(values) is values
