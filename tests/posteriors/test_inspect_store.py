"""Stores made by a stranger who knows how to write a manifest: every hash is right."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

from taskroy.errors import StoreError
from taskroy.posteriors.manifest import record_files, seal, unseal
from taskroy.posteriors.store import open_posterior, save_posterior, verify

ARRAY = "posterior/x/zarr.json"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    data = {"x": (("chain", "draw"), np.ones((2, 3))), "title": ("occupation", ["a", "bc"])}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(data), "prior": xr.Dataset()})
    return save_posterior(tree, tmp_path / "posterior")


def zarr_folder(store: Path) -> Path:
    (folder,) = (p for p in store.iterdir() if p.is_dir())
    return folder


def reseal(store: Path, **changes: object) -> None:
    """Make the manifest agree with whatever the store now holds."""
    path = store / "manifest.json"
    manifest = unseal(path.read_bytes(), where=path)
    update = {"files": record_files(zarr_folder(store)), **changes}
    path.write_bytes(seal(manifest.model_copy(update=update)))


def edit(store: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    path = zarr_folder(store) / name
    metadata = json.loads(path.read_text())
    change(metadata)
    path.write_text(json.dumps(metadata))
    reseal(store)


def test_the_stranger_can_make_a_store_that_opens(store: Path) -> None:
    edit(store, ARRAY, lambda m: m["attributes"].update(units="log points"))
    assert open_posterior(store)["posterior/x"].attrs == {"units": "log points"}


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}


@pytest.mark.parametrize(
    "codecs",
    [
        [{"name": "numcodecs.pickle"}],
        [BYTES, {"name": "numcodecs.zlib", "configuration": {}}, {"name": "crc32c"}],
        [BYTES, {"name": "zstd", "configuration": {"level": 0}}],
        [BYTES, {"name": "zstd", "configuration": {"level": 0}}, {"name": "crc32c"}],
        [{"name": "vlen-utf8"}, {"name": "crc32c"}],
        [{"name": "transpose", "configuration": {"order": [1, 0]}}, BYTES, {"name": "crc32c"}],
        [{"name": "sharding_indexed", "configuration": {}}, {"name": "crc32c"}],
        [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "crc32c"}],
        [BYTES],
        [],
        "bytes",
    ],
)
def test_no_other_codec_is_let_through(store: Path, codecs: object) -> None:
    edit(store, ARRAY, lambda m: m.update(codecs=codecs))
    with pytest.raises(StoreError, match=f"'{ARRAY}' is not let through at 'codecs"):
        open_posterior(store)


@pytest.mark.parametrize(
    "data_type",
    [
        "string",
        "bytes",
        "complex128",
        "object",
        "numpy.datetime64",
        {"name": "fixed_length_utf32", "configuration": {"length_bytes": 0}},
        {"name": "fixed_length_utf32", "configuration": {"length_bytes": 7}},
        {"name": "null_terminated_bytes", "configuration": {"length_bytes": 8}},
        {"name": "structured", "configuration": {"fields": [["a", "float64"]]}},
        None,
    ],
)
def test_no_other_data_type_is_let_through(store: Path, data_type: object) -> None:
    edit(store, ARRAY, lambda m: m.update(data_type=data_type))
    with pytest.raises(StoreError, match=f"'{ARRAY}' (is not let through at|has) '?data.type"):
        open_posterior(store)


def grid(*chunk: int) -> dict[str, object]:
    return {"name": "regular", "configuration": {"chunk_shape": chunk}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": [10**6, 10**6]}, "takes the store over 8,589,934,592 bytes"),
        ({"shape": [10**40, 10**40]}, "takes the store over"),
        ({"shape": [1, 1], "chunk_grid": grid(10**6, 10**6)}, "takes the store over"),
        ({"shape": [1000, 1000], "chunk_grid": grid(1, 1)}, "declares 1,000,000 chunks"),
        ({"shape": [2, 4]}, "'posterior/x/c/0/1' does not hold a chunk"),
        ({"chunk_grid": grid(2, 2)}, "'posterior/x/c/0/0' does not hold a chunk"),
        ({"data_type": "float32"}, "'posterior/x/c/0/0' does not hold a chunk"),
        ({"shape": [0, 3]}, "'posterior/x/c/0/0' belongs to no array"),
        ({"shape": [-2, 3]}, "not let through at 'shape.0'"),
        ({"shape": [2.0, 3]}, "not let through at 'shape.0'"),
        ({"shape": [1] * 33}, "not let through at 'shape'"),
        ({"shape": [6]}, "does not name each dimension"),
        ({"dimension_names": ["draw"]}, "does not name each dimension"),
        ({"dimension_names": None}, "not let through at 'dimension_names'"),
        ({"chunk_grid": grid(0, 3)}, "not let through at 'chunk_grid"),
        ({"chunk_key_encoding": {"name": "v2"}}, "not let through at 'chunk_key_encoding"),
        ({"storage_transformers": [{"name": "x"}]}, "not let through at 'storage_transformers'"),
        ({"zarr_format": 2}, "not let through at 'zarr_format'"),
        ({"node_type": "gr\x1b[31m"}, "is not let through"),
        ({"\x1b[31mnew": {"must_understand": False}}, r"not let through at '\\x1b\[31mnew'"),
        ({"attributes": []}, "not let through at 'attributes'"),
        ({"fill_value": []}, "not let through at 'fill_value"),
        ({"fill_value": "none"}, "cannot be read"),
        ({"dimension_names": ["chain", "chain"]}, "cannot be read"),
        ({"dimension_names": ["chain", "occupation"]}, "cannot be read: .*conflicting sizes"),
    ],
)
def test_what_the_metadata_declare_must_fit(
    store: Path, change: dict[str, object], message: str
) -> None:
    edit(store, ARRAY, lambda m: m.update(change))
    with pytest.raises(StoreError, match=message):
        open_posterior(store)


@pytest.mark.parametrize("text", ["", "null", "{}", "[" * 100_000, '{"node_type": "group"}', "\0"])
def test_metadata_that_are_none_are_refused(store: Path, text: str) -> None:
    (zarr_folder(store) / ARRAY).write_text(text)
    reseal(store)
    with pytest.raises(StoreError, match=f"'{ARRAY}' is not let through"):
        verify(store)


def test_consolidated_metadata_are_refused(store: Path) -> None:
    edit(store, "zarr.json", lambda m: m.update(consolidated_metadata={"metadata": {}}))
    with pytest.raises(StoreError, match="not let through at 'consolidated_metadata'"):
        verify(store)


def test_metadata_are_not_read_without_end(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskroy.posteriors.inspect_store._MAX_METADATA_BYTES", 10)
    with pytest.raises(StoreError, match="bytes, too many for metadata"):
        verify(store)


def test_a_missing_chunk_is_no_chunk_of_fill_values(store: Path) -> None:
    shutil.rmtree(zarr_folder(store) / "posterior/x/c")
    reseal(store)
    with pytest.raises(StoreError, match="'posterior/x/c/0/0' does not hold a chunk"):
        verify(store)


def test_the_checksum_of_a_chunk_is_looked_at(store: Path) -> None:
    path = zarr_folder(store) / "posterior/x/c/0/0"
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    reseal(store)
    with pytest.raises(StoreError, match=r"cannot be read: .*checksum"):
        open_posterior(store)


def test_bytes_that_are_no_text_are_refused(store: Path) -> None:
    title = zarr.open_array(zarr_folder(store) / "posterior/title", mode="r+")
    title[...] = np.full(4, 0x110000, np.uint32).view("U2")
    reseal(store)
    with pytest.raises(StoreError, match="'/posterior/title' is not Unicode text"):
        open_posterior(store)


def test_an_array_in_no_group_is_refused(store: Path) -> None:
    (zarr_folder(store) / "posterior/zarr.json").unlink()
    reseal(store)
    with pytest.raises(StoreError, match="lies in '/posterior', which is no group"):
        verify(store)


def test_a_store_without_root_is_refused(store: Path) -> None:
    (zarr_folder(store) / "zarr.json").unlink()
    reseal(store)
    with pytest.raises(StoreError, match="lies in '/', which is no group"):
        verify(store)


@pytest.mark.parametrize(
    "groups",
    [
        {"/": (), "/posterior": ("x",), "/prior": ()},
        {"/": (), "/posterior": ("x", "title", "y"), "/prior": ()},
        {"/": (), "/posterior": ("x", "title")},
        {"/": ("posterior/x", "posterior/title"), "/posterior": (), "/prior": ("../../x",)},
    ],
)
def test_the_manifest_must_list_what_is_there(store: Path, groups: dict[str, object]) -> None:
    reseal(store, groups=groups)
    with pytest.raises(StoreError, match="lists other variables than the store holds"):
        verify(store)
