"""Large arrays that stay on disk: the same numbers, checked when they are read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from taskroy.errors import StoreError
from taskroy.posteriors.store import open_posterior, save_posterior
from taskroy.posteriors.write_groups import chunk_shape


def a_posterior(seed: int = 0) -> xr.DataTree:
    rng = np.random.default_rng(seed)
    coords = {"chain": [0, 1], "draw": np.arange(7), "worker": np.arange(4)}
    draws = xr.Dataset(
        {
            "skill": (("chain", "draw", "worker", "task"), rng.normal(size=(2, 7, 4, 3))),
            "taste_scale": (("chain", "draw"), rng.normal(size=(2, 7))),
        },
        coords | {"title": ("task", ["a", "b", "c"])},
    )
    draws["skill"][:, 2] = 0  # a chunk of what stands in for large arrays at first
    flags = xr.Dataset({"skill": (("draw", "worker"), rng.random((7, 4)) < 0.5)})
    tree = xr.DataTree.from_dict({"posterior": draws, "redrawn_skills": flags.astype("f4")})
    tree.attrs = {"seed": seed}
    return tree


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of one draw of both chains."""
    monkeypatch.setitem(chunk_shape.__kwdefaults__, "limit", 200)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return save_posterior(a_posterior(), tmp_path / "posterior")


def hashes(folder: Path) -> dict[str, str]:
    (store,) = folder.glob("*.zarr")
    return {
        path.relative_to(store).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in store.rglob("*")
        if path.is_file()
    }


def on_disk(tree: xr.DataTree) -> list[str]:
    return [
        f"{group}/{name}"
        for group, node in tree.children.items()
        for name, variable in node.to_dataset().variables.items()
        if not variable._in_memory
    ]


def test_only_large_arrays_stay_on_disk(stored: Path) -> None:
    opened = open_posterior(stored, lazy=True)
    assert on_disk(opened) == ["posterior/skill"]
    xr.testing.assert_identical(opened, a_posterior())
    assert on_disk(opened) == ["posterior/skill"]
    assert on_disk(open_posterior(stored)) == []


@pytest.mark.parametrize(
    "where",
    [
        {"chain": 1, "draw": slice(1, 5)},
        {"draw": 3},
        {"draw": np.array([6, 0, 0, 3])},
        {"draw": [1, 4], "worker": [3, 1], "task": slice(None, None, -2)},
        {"draw": slice(0, 0)},
        {"chain": [], "worker": 0},
        {"chain": -1, "draw": -1, "worker": -1, "task": -1},
        {"draw": xr.DataArray([1, 5], dims="z"), "chain": xr.DataArray([0, 1], dims="z")},
    ],
)
def test_any_part_is_that_of_the_whole(stored: Path, where: dict[str, object]) -> None:
    found = open_posterior(stored, lazy=True)["posterior"]["skill"].isel(where)
    xr.testing.assert_identical(found, a_posterior()["posterior"]["skill"].isel(where))
    then = {name: slice(1) for name in found.dims}
    xr.testing.assert_identical(
        found.isel(then), a_posterior()["posterior"]["skill"].isel(where).isel(then)
    )


def test_what_is_on_disk_is_saved_to_the_same_bytes(stored: Path, tmp_path: Path) -> None:
    before = hashes(stored)
    assert len([name for name in before if name.startswith("posterior/skill/c/")]) == 7
    again = save_posterior(open_posterior(stored, lazy=True), tmp_path / "again")
    assert hashes(again) == before
    save_posterior(open_posterior(stored, lazy=True), stored, overwrite=True)
    assert hashes(stored) == before


def test_what_is_on_disk_is_never_read_changed(stored: Path) -> None:
    opened = open_posterior(stored, lazy=True)["posterior"]["skill"]
    chunk = next(stored.glob("*.zarr/posterior/skill/c/0/1/0/0"))
    data = chunk.read_bytes()
    chunk.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    xr.testing.assert_identical(opened.isel(draw=0), a_posterior()["posterior"]["skill"][:, 0])
    with pytest.raises(StoreError, match="'posterior/skill/c/0/1/0/0' was changed or removed"):
        opened.isel(draw=1).load()


def test_a_replaced_posterior_is_not_read_in_part(stored: Path) -> None:
    opened = open_posterior(stored, lazy=True)["posterior"]["skill"]
    save_posterior(a_posterior(1), stored, overwrite=True)
    with pytest.raises(StoreError, match="open the posterior again"):
        opened.load()
