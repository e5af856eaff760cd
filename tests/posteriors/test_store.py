import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from taskroy.errors import StoreError
from taskroy.posteriors.store import open_posterior, save_posterior, verify
from taskroy.posteriors.write_groups import chunk_shape

TITLES = ["<script>alert(1)</script>", "line\nbreak", "=1+1", "Ünïcode 日本 🧑‍🏭", "../../etc", ""]
PROVENANCE = {
    "study": "[panel]\nsource = 'wagepan'\n",
    "seeds": [1, 2, 3],
    "versions": {"jax": "0.12.0.1", "taskroy": None},
    "seconds": 12.25,
    "<b>": "größer\x1b[31m",
}


def a_posterior(seed: int = 0) -> xr.DataTree:
    """All groups, all kinds of values, every kind of coordinate."""
    rng = np.random.default_rng(seed)
    sample = {"chain": [0, 1], "draw": np.arange(5)}
    occupation = {"occupation": TITLES, "soc": ("occupation", list("abcdef"))}
    draws = xr.Dataset(
        {
            "wage_shock_scale": (("chain", "draw"), rng.normal(size=(2, 5))),
            "taste_scale": (("chain", "draw"), rng.normal(size=(2, 5)).astype("float32")),
            "mean_wage": (
                ("chain", "draw", "occupation"),
                rng.normal(size=(2, 5, 6)),
                {"units": "days since 2000-01-01", "long_name": "Ø log wage"},
            ),
            "A": ((), np.float64(seed)),
        },
        coords=sample | occupation | {"level": "minor"},
        attrs={"inference_library": "numpyro", "sampling_time": 1.5},
    )
    draws["mean_wage"][0, 0, :3] = [np.nan, np.inf, -0.0]
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((2, 5), bool)),
            "n_steps": (("chain", "draw"), np.zeros((2, 5), int)),
        },
        coords=sample,
    )
    observed = xr.Dataset(
        {
            "occupation_code": (("worker", "year"), rng.integers(0, 6, (3, 2)).astype("int8")),
            "seen": (("worker", "year"), rng.random((3, 2)) < 0.5),
            "nobody": (("empty",), np.zeros(0)),
        },
        coords={"year": [1980, 1981], "worker": [7, 3, 5]},
    )
    effects = xr.Dataset(
        {"change": (("chain", "draw", "scenario"), rng.normal(size=(2, 5, 1)))},
        coords=sample | {"scenario": ["automate exposed tasks"]},
    )
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs=PROVENANCE),
            "posterior": draws,
            "sample_stats": stats,
            "prior": draws.isel(chain=[0]),
            "posterior_predictive": stats[["n_steps"]],
            "prior_predictive": stats[["n_steps"]].isel(chain=[0]),
            "observed_data": observed,
            "constant_data": xr.Dataset(),
            "counterfactual": effects,
            "counterfactual/decomposition": effects.rename(change="selection"),
        }
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that no test changes."""
    return save_posterior(a_posterior(), tmp_path_factory.mktemp("run") / "posterior")


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    """A store to be spoilt; opening it also shows that a folder can be moved."""
    return Path(shutil.copytree(saved, tmp_path / "moved here"))


def files_of(store: Path) -> list[Path]:
    return sorted(p for p in store.rglob("*") if p.is_file())


def zarr_folder(store: Path) -> Path:
    (folder,) = (p for p in store.iterdir() if p.is_dir())
    return folder


def test_comes_back_exactly(saved: Path) -> None:
    original, opened = a_posterior(), open_posterior(saved)
    xr.testing.assert_identical(opened, original)
    for group in original.subtree:
        for name, variable in group.dataset.variables.items():
            back = opened[group.path].dataset.variables[name]
            assert back.dtype == variable.dtype, name
            assert back.values.tobytes() == variable.values.tobytes(), name


def test_keeps_the_order_of_groups_and_variables(saved: Path) -> None:
    original, opened = a_posterior(), open_posterior(saved)
    assert opened.groups == original.groups
    for group in original.groups:
        assert list(opened[group].dataset.variables) == list(original[group].dataset.variables)


def test_is_in_memory_and_independent_of_the_folder(copy: Path) -> None:
    opened = open_posterior(copy)
    shutil.rmtree(copy)
    xr.testing.assert_identical(opened, a_posterior())
    assert not any(v.chunks for g in opened.subtree for v in g.dataset.variables.values())


def test_a_moved_store_opens(copy: Path) -> None:
    xr.testing.assert_identical(open_posterior(copy), a_posterior())
    verify(copy)


def test_what_was_opened_can_be_saved_again(saved: Path, tmp_path: Path) -> None:
    again = save_posterior(open_posterior(saved), tmp_path / "again")
    xr.testing.assert_identical(open_posterior(again), a_posterior())


def test_xarray_alone_can_open_the_inner_store(saved: Path) -> None:
    with xr.open_datatree(
        zarr_folder(saved), engine="zarr", consolidated=False, decode_times=False
    ) as tree:
        xr.testing.assert_equal(tree["posterior"].load(), a_posterior()["posterior"])


def test_manifest_tells_the_provenance(saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_bytes())["manifest"]
    assert manifest["provenance"] == PROVENANCE
    assert manifest["taskroy_version"]
    assert set(manifest["files"]) == {
        p.relative_to(zarr_folder(saved)).as_posix() for p in files_of(zarr_folder(saved))
    }


def test_leaves_no_file_open(saved: Path, tmp_path: Path) -> None:
    before = len(os.listdir("/dev/fd"))
    save_posterior(open_posterior(saved), tmp_path / "again")
    assert len(os.listdir("/dev/fd")) <= before


def test_needs_no_jax() -> None:
    code = "import sys, taskroy.posteriors.store as s; sys.exit('jax' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@settings(deadline=None)  # files take as long as the disk is busy
@given(
    values=hnp.arrays(
        dtype=st.one_of(
            hnp.boolean_dtypes(),
            hnp.integer_dtypes(endianness="="),
            hnp.unsigned_integer_dtypes(endianness="="),
            hnp.floating_dtypes(endianness="=", sizes=(16, 32, 64)),
            hnp.unicode_string_dtypes(endianness="=", min_len=1, max_len=4),
        ),
        shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
def test_any_array_comes_back(values: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    dims = [f"d{i}" for i in range(values.ndim)]
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({"x": (dims, values)})})
    path = save_posterior(tree, tmp_path_factory.mktemp("any") / "store")
    back = open_posterior(path)["posterior"]["x"]
    assert back.dims == tuple(dims)
    assert back.dtype.kind == values.dtype.kind
    np.testing.assert_array_equal(back.values, values)


def test_a_store_of_an_earlier_version_opens(tmp_path: Path) -> None:
    shutil.unpack_archive(Path(__file__).parent / "stores/format_1.zip", tmp_path)
    expected = xr.Dataset(
        {
            "mean_log_wage": (
                ("chain", "draw", "occupation"),
                np.arange(12.0).reshape(2, 3, 2) / 8,
                {"units": "log dollars"},
            ),
            "diverging": (("chain", "draw"), np.zeros((2, 3), bool)),
        },
        coords={"occupation": ["<chief>", "Bäcker"], "soc": ("occupation", ["11", "51"])},
    )
    opened = open_posterior(tmp_path / "posterior")
    assert opened.attrs == {"seed": 7}
    xr.testing.assert_identical(opened["posterior"].to_dataset(), expected)


# ---- damage ----------------------------------------------------------------------------------


def test_a_flipped_bit_in_any_file_is_found(copy: Path) -> None:
    rng = np.random.default_rng(20261122)
    for file in files_of(copy):
        intact = file.read_bytes()
        spoilt = bytearray(intact)
        spoilt[rng.integers(len(spoilt))] ^= 1 << int(rng.integers(8))
        file.write_bytes(spoilt)
        with pytest.raises(StoreError, match="To do:"):
            verify(copy)
        file.write_bytes(intact)
    verify(copy)


def test_any_missing_file_is_found(copy: Path) -> None:
    for file in files_of(copy):
        intact = file.read_bytes()
        file.unlink()
        missing = "no manifest.json" if file.parent == copy else f"{file.name}' is missing"
        with pytest.raises(StoreError, match=missing):
            verify(copy)
        file.write_bytes(intact)
    verify(copy)


def test_any_shortened_file_is_found(copy: Path) -> None:
    for file in files_of(copy):
        intact = file.read_bytes()
        file.write_bytes(intact[:-1])
        with pytest.raises(StoreError, match="restore the folder"):
            verify(copy)
        file.write_bytes(intact)
    verify(copy)


def add_file(store: Path) -> str:
    (zarr_folder(store) / "posterior/extra\x1b[31m").write_text("")
    return r"'posterior/extra\\x1b\[31m' is not part"


def add_file_at_top(store: Path) -> str:
    (store / "notes.txt").write_text("")
    return "'notes.txt' is not part"


def add_empty_folder(store: Path) -> str:
    (zarr_folder(store) / "posterior/new").mkdir()
    return "'posterior/new/' is not part"


def link_chunk(store: Path) -> str:
    chunk = zarr_folder(store) / "posterior/A/c"
    outside = shutil.copy(chunk, store.parent / "outside")
    chunk.unlink()
    chunk.symlink_to(outside)
    return "'posterior/A/c' is a symbolic link"


def link_group(store: Path) -> str:
    group = zarr_folder(store) / "prior"
    outside = shutil.move(group, store.parent / "outside")
    group.symlink_to(outside, target_is_directory=True)
    return "'prior' is a symbolic link"


def link_zarr(store: Path) -> str:
    folder = zarr_folder(store)
    outside = shutil.move(folder, store.parent / "outside.zarr")
    folder.symlink_to(outside, target_is_directory=True)
    return "is a symbolic link"


def link_manifest(store: Path) -> str:
    outside = shutil.move(store / "manifest.json", store.parent / "manifest.json")
    (store / "manifest.json").symlink_to(outside)
    return "'manifest.json' is a symbolic link"


def add_pipe(store: Path) -> str:
    os.mkfifo(zarr_folder(store) / "pipe")
    return "'pipe' is no plain file"


def pipe_for_manifest(store: Path) -> str:
    (store / "manifest.json").unlink()
    os.mkfifo(store / "manifest.json")
    return "is no manifest"


def remove_zarr(store: Path) -> str:
    shutil.rmtree(zarr_folder(store))
    return "cannot be read: .*No such file"


@pytest.mark.parametrize(
    "spoil",
    [
        add_file,
        add_file_at_top,
        add_empty_folder,
        link_chunk,
        link_group,
        link_zarr,
        link_manifest,
        add_pipe,
        pipe_for_manifest,
        remove_zarr,
    ],
)
def test_damage_is_named(copy: Path, spoil: Callable[[Path], str]) -> None:
    message = spoil(copy)
    for read in (verify, open_posterior):
        with pytest.raises(StoreError, match=message) as caught:
            read(copy)
        assert str(copy) in str(caught.value)
        assert caught.value.remedy


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no posterior here"):
        open_posterior(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"has no manifest\.json"):
        open_posterior(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="this is a file"):
        open_posterior(tmp_path / "file")


def test_more_than_the_limit_is_refused(saved: Path) -> None:
    with pytest.raises(StoreError, match="over 100 bytes"):
        open_posterior(saved, max_bytes=100)


# ---- places ----------------------------------------------------------------------------------


def test_what_stands_is_kept_unless_told(copy: Path) -> None:
    with pytest.raises(StoreError, match="something already stands here"):
        save_posterior(a_posterior(1), copy)
    xr.testing.assert_identical(open_posterior(copy), a_posterior())


def test_overwrite_replaces_and_leaves_nothing(copy: Path) -> None:
    number = len(files_of(copy))
    save_posterior(a_posterior(1), copy, overwrite=True)
    xr.testing.assert_identical(open_posterior(copy), a_posterior(1))
    assert len(files_of(copy)) == number
    assert {p.name for p in copy.parent.iterdir()} == {copy.name, f".{copy.name}.lock"}


def test_overwrite_mends_a_damaged_store(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    save_posterior(a_posterior(1), copy, overwrite=True)
    xr.testing.assert_identical(open_posterior(copy), a_posterior(1))


def test_overwrite_deletes_nothing_that_is_not_a_posterior(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("more work")
    for name in ("folder", "file"):
        with pytest.raises(StoreError, match="is no part of a posterior, and is not deleted"):
            save_posterior(a_posterior(), tmp_path / name, overwrite=True)
    assert (tmp_path / "folder/thesis.tex").read_text() == "years of work"
    assert (tmp_path / "file").read_text() == "more work"


def test_makes_parents_and_takes_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    for path in (tmp_path / "a/b", tmp_path / "c/d/e"):
        assert save_posterior(a_posterior(), path) == path
        verify(path)


def test_a_disk_that_cannot_be_written_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(StoreError, match="No space left on device"):
        save_posterior(a_posterior(), tmp_path / "posterior")
    assert [p.name for p in tmp_path.iterdir()] == [".posterior.lock"]


# ---- chunks ----------------------------------------------------------------------------------


@given(
    shape=st.lists(st.integers(0, 50), max_size=4).map(tuple),
    item_bytes=st.sampled_from([1, 4, 8, 400]),
    limit=st.integers(1, 5000),
)
def test_chunks_are_small_and_cut_one_dimension(
    shape: tuple[int, ...], item_bytes: int, limit: int
) -> None:
    dims = ("chain", "draw", "occupation", "task")[: len(shape)]
    chunk = chunk_shape(dims, shape, item_bytes, limit=limit)
    whole = tuple(max(1, n) for n in shape)
    cut = [i for i, (c, n) in enumerate(zip(chunk, whole, strict=True)) if c != n]
    assert cut in ([], [min(1, len(shape) - 1)])
    assert all(1 <= c <= n for c, n in zip(chunk, whole, strict=True))
    size = int(np.prod(chunk)) * item_bytes
    assert size <= limit or not cut or chunk[cut[0]] == 1


def test_large_arrays_are_cut_into_chunks_that_come_back(tmp_path: Path) -> None:
    draws = np.random.default_rng(0).normal(size=(2, 700, 1000))
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"skill": (("chain", "draw", "worker"), draws)})}
    )
    path = save_posterior(tree, tmp_path / "posterior")
    chunks = [p for p in files_of(zarr_folder(path)) if p.name != "zarr.json"]
    assert len(chunks) == 2
    np.testing.assert_array_equal(open_posterior(path)["posterior/skill"].values, draws)
