import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskroy.errors import StoreError
from taskroy.posteriors.manifest import (
    FORMAT_VERSION,
    FileRecord,
    Manifest,
    check_files,
    list_files,
    record_files,
    seal,
    unseal,
)

HERE = Path("run/posterior/manifest.json")
MANIFEST = Manifest(
    taskroy_version="0.1.0",
    created="2026-11-22T05:00:00+00:00",
    generation=f"{'0' * 32}.zarr",
    provenance={"seed": 7, "study": "größer", "seconds": 0.1},
    groups={"/": (), "/posterior": ("wage_shock_scale",)},
    files={"zarr.json": FileRecord(bytes=3, sha256="0" * 64)},
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Lone surrogates are not text; the store refuses them before they get here.
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=4))
def test_any_provenance_comes_back(provenance: dict[str, object]) -> None:
    manifest = MANIFEST.model_copy(update={"provenance": provenance})
    assert unseal(seal(manifest), where=HERE) == manifest
    assert list(unseal(seal(manifest), where=HERE).provenance) == list(provenance)


def test_every_flipped_bit_is_found() -> None:
    data = seal(MANIFEST)
    for i in range(len(data)):
        for bit in range(8):
            spoilt = data[:i] + bytes([data[i] ^ (1 << bit)]) + data[i + 1 :]
            with pytest.raises(StoreError, match=r"manifest\.json: "):
                unseal(spoilt, where=HERE)


def test_every_cut_is_found() -> None:
    data = seal(MANIFEST)
    for i in range(len(data)):
        with pytest.raises(StoreError, match="damaged"):
            unseal(data[:i], where=HERE)


@pytest.mark.parametrize("data", [b"", b"null", b"{}", b"[" * 100_000, b'{"manifest": 1}', b"\xff"])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="damaged or was edited"):
        unseal(data, where=HERE)


def test_a_newer_format_is_named_even_if_its_layout_is_unknown() -> None:
    newer = {"manifest": {"format_version": FORMAT_VERSION + 1, "what": "ever"}, "seal": "new"}
    with pytest.raises(StoreError, match="update taskroy"):
        unseal(json.dumps(newer).encode(), where=HERE)


@pytest.mark.parametrize("name", ["../../etc", "/etc", f"{'0' * 32}.zarr/x", f"{'0' * 32}.zarr\n"])
def test_a_store_outside_the_folder_is_refused(name: str) -> None:
    sealed = seal(Manifest.model_construct(**{**dict(MANIFEST), "generation": name}))
    with pytest.raises(StoreError, match="damaged or was edited"):
        unseal(sealed, where=HERE)


def test_files_are_listed_with_their_sizes(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a/b/c").write_text("123")
    (tmp_path / "z").write_text("")
    assert list_files(tmp_path) == {"a/b/c": 3, "empty/": 0, "z": 0}


def test_a_change_of_the_same_length_is_found(tmp_path: Path) -> None:
    (tmp_path / "draws").write_text("123")
    recorded = record_files(tmp_path)
    check_files(tmp_path, recorded)
    (tmp_path / "draws").write_text("124")
    with pytest.raises(StoreError, match="'draws' was changed after it was saved"):
        check_files(tmp_path, recorded)


def test_a_change_of_length_is_told_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "draws").write_text("123")
    recorded = record_files(tmp_path)
    (tmp_path / "draws").write_text("12")
    with pytest.raises(StoreError, match=r"'draws' has 2 bytes\.\nExpected: 3 bytes"):
        check_files(tmp_path, recorded)
