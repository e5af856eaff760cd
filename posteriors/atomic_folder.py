"""A folder that is whole or absent: locked, built beside its place, and renamed into it.

It holds a manifest and the one subfolder that the manifest names, its *generation*. Each save takes
a new name for its generation, so that replacing the manifest, one rename, replaces everything.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from taskroy.errors import StoreError
from taskroy.posteriors.files import flush_to_disk, sole_holder
from taskroy.posteriors.manifest import GENERATION, MANIFEST, RESTORE

LOCK_SECONDS = 30.0

# A manifest takes about 150 bytes a file.
_MAX_MANIFEST_BYTES = 64 * 2**20
_GENERATION = re.compile(GENERATION)


@contextmanager
def replacing_folder(place: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a new generation to fill, and put it in its place if the block ends without an error.

    Parameters
    ----------
    place
        The absolute path of the folder to make. An empty folder counts as absent.
    overwrite
        Replace the posterior that stands there, which remains until the new one is complete.

    Yields
    ------
    Path
        The generation, a folder yet to be made. The block makes it, and writes the manifest, which
        names it, beside it.

    Raises
    ------
    StoreError
        If something stands there (with `overwrite`: something other than a posterior), or if
        another process keeps saving there.
    OSError
        If the disk is full or not writable.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with _sole_writer(place):
        _remove_unfinished(place)
        _check_replaceable(place, overwrite=overwrite)
        building = place.with_name(f".{place.name}.{uuid4().hex}.saving")
        building.mkdir()
        try:
            generation = building / f"{uuid4().hex}.zarr"
            yield generation
            _flush_all(building)
            _publish(generation, place)
        finally:
            shutil.rmtree(building, ignore_errors=True)


def read_steadily[T](place: Path, read: Callable[[bytes], T]) -> T:
    """Read a folder, and read it again if it was replaced meanwhile.

    Parameters
    ----------
    place
        The absolute path of the folder.
    read
        Takes the content of the manifest and reads the generation that it names.

    Returns
    -------
    T
        What `read` returns.

    Raises
    ------
    StoreError
        If the folder is missing or holds what it should not; or as `read` does.
    """
    while True:
        sealed = _read_manifest(place)
        try:
            return read(sealed)
        except StoreError:
            # A save that ended meanwhile has deleted the generation being read: read the new one.
            if _read_manifest(place) == sealed:
                raise


@contextmanager
def _sole_writer(place: Path) -> Iterator[None]:
    busy = StoreError(
        "another process is saving a posterior here.",
        where=str(place),
        remedy="wait until it has ended, or choose another folder",
    )
    with sole_holder(place.with_name(f".{place.name}.lock"), busy=busy, seconds=LOCK_SECONDS):
        yield


def _remove_unfinished(place: Path) -> None:
    # We hold the lock, so whoever began these is dead.
    unfinished = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{32}}\.saving")
    for entry in list(place.parent.iterdir()):
        if unfinished.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)


def _check_replaceable(place: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(place):
        return
    held = sorted(os.listdir(place)) if place.is_dir() else [place.name]
    if held and not overwrite:
        raise StoreError(
            "something already stands here.",
            where=str(place),
            remedy="choose another folder, or say overwrite=True to replace a posterior",
        )
    foreign = [name for name in held if name != MANIFEST and not _GENERATION.fullmatch(name)]
    if foreign:
        raise StoreError(
            f"{foreign[0]!r} is no part of a posterior, and is not deleted.",
            where=str(place),
            remedy="choose another folder, or move it away yourself",
        )


def _flush_all(folder: Path) -> None:
    for root, _, names in os.walk(folder, topdown=False):
        for name in names:
            flush_to_disk(os.path.join(root, name))
        flush_to_disk(root)


def _publish(generation: Path, place: Path) -> None:
    building = generation.parent
    if not place.exists() or not any(place.iterdir()):
        building.rename(place)
        flush_to_disk(place.parent)
        return
    generation.rename(place / generation.name)
    flush_to_disk(place)
    (building / MANIFEST).replace(place / MANIFEST)
    flush_to_disk(place)
    for entry in list(place.iterdir()):
        if _GENERATION.fullmatch(entry.name) and entry.name != generation.name:
            shutil.rmtree(entry)


def _read_manifest(place: Path) -> bytes:
    def refusal(what: str, remedy: str) -> StoreError:
        expected = "a folder made by save_posterior"
        return StoreError(what, where=str(place), expected=expected, remedy=remedy)

    if not place.exists():
        raise refusal("there is no posterior here.", "check the path, or run the fit")
    if not place.is_dir():
        raise refusal("this is a file.", "name the folder of the posterior")
    try:
        with os.scandir(place) as found:
            entries = {entry.name: entry for entry in found}
        if MANIFEST not in entries:
            what = f"this is no posterior of taskroy: it has no {MANIFEST}."
            raise refusal(what, "check the path, or run the fit")
        for name, entry in entries.items():
            if entry.is_symlink():
                raise refusal(f"{name!r} is a symbolic link.", f"do not trust this copy; {RESTORE}")
            if name != MANIFEST and not _GENERATION.fullmatch(name):
                raise refusal(
                    f"{name!r} is not part of a posterior.",
                    "move it elsewhere and open the posterior again",
                )
        manifest = entries[MANIFEST]
        if not manifest.is_file() or manifest.stat().st_size > _MAX_MANIFEST_BYTES:
            raise refusal(f"{MANIFEST!r} is no manifest.", f"do not trust this copy; {RESTORE}")
        return (place / MANIFEST).read_bytes()
    except OSError as error:
        raise refusal(f"the posterior cannot be read: {error}.", RESTORE) from error
