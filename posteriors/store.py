"""A posterior on disk, whole or absent, whatever kills the process that writes it.

The folder holds ``manifest.json`` and, beside it, a zarr store (format 3) under a name that is new
for each save. Both are built in a hidden folder next to their place, flushed to the disk, and moved
in by rename; when a posterior is replaced, the last rename swaps the manifest, so that the old one
stands until the new one does. At every moment the manifest names a store that is complete::

    run/posterior/manifest.json       hashes, provenance, and the name of the store
    run/posterior/3f…e1.zarr/         an ordinary zarr store, which xarray and ArviZ open too
    run/.posterior.lock               held while a process saves; the empty file stays
    run/.posterior.9c…07.saving/      being built; the next save removes what a killed one left
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath

import numpy as np
import xarray as xr
import zarr
from zarr.storage import LocalStore

from taskroy.errors import StoreError
from taskroy.posteriors.atomic_folder import read_steadily, replacing_folder
from taskroy.posteriors.inspect_store import Layout, inspect_store
from taskroy.posteriors.manifest import (
    MANIFEST,
    RESTORE,
    Manifest,
    check_files,
    record_files,
    seal,
    unseal,
)
from taskroy.posteriors.storable import storable_groups
from taskroy.posteriors.stored_array import stays_on_disk, stored_variable
from taskroy.posteriors.write_groups import write_groups

MAX_BYTES = 8 * 2**30


def save_posterior(
    tree: xr.DataTree, path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Store a posterior so that its folder is whole or absent at every moment.

    Parameters
    ----------
    tree
        Groups of variables with named dimensions; the attributes of its root are the provenance.
    path
        The folder to make; missing parents are made too. An empty folder counts as absent.
    overwrite
        Replace the posterior that stands there, which remains until the new one is complete.

    Returns
    -------
    Path
        The path as given.

    Raises
    ------
    StoreError
        If something stands at `path` (with `overwrite`: something other than a posterior), if
        another process keeps saving there, if the tree holds what cannot be stored, or if the disk
        is full or not writable.

    Notes
    -----
    Chunks carry a CRC-32C and are not compressed: draws are noise to a compressor (real numbers
    shrink by 4 to 8 %), and thus the size of every file is known before it is read.
    """
    place = Path(path).resolve()
    groups = storable_groups(tree)
    try:
        with replacing_folder(place, overwrite=overwrite) as generation:
            write_groups(groups, generation)
            manifest = Manifest(
                taskroy_version=version("taskroy"),
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                generation=generation.name,
                provenance=groups["/"].attrs,
                groups={group: tuple(map(str, data.variables)) for group, data in groups.items()},
                files=record_files(generation),
            )
            (generation.parent / MANIFEST).write_bytes(seal(manifest))
    except OSError as error:
        raise StoreError(
            f"the posterior could not be saved: {error}.",
            where=str(place),
            remedy="choose a folder that can be written, on a disk with room, and save again",
        ) from error
    return Path(path)


def open_posterior(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, lazy: bool = False
) -> xr.DataTree:
    """Return a stored posterior once every byte of it has been checked.

    Parameters
    ----------
    path
        The folder that `save_posterior` made. It may have been moved.
    max_bytes
        The most that its arrays may take.
    lazy
        Leave large arrays of draws on disk, to be read, and checked again, when they are asked for.

    Returns
    -------
    xr.DataTree
        The tree as saved, in memory: it is what was checked, whatever happens to the folder later.
        With `lazy`, what is on disk can be read until the posterior is replaced or changed; from
        then on reading it raises a StoreError.

    Raises
    ------
    StoreError
        If there is none, if any file is missing, extra, changed or cut short, if a newer taskroy
        wrote it, or if it asks zarr for anything that `save_posterior` does not write.
    """
    place = Path(path).resolve()

    def load(sealed: bytes) -> xr.DataTree:
        manifest, layout = _inspect(place, sealed, max_bytes)
        return _load(place / manifest.generation, manifest, layout, lazy=lazy)

    return read_steadily(place, load)


def verify(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> None:
    """Check every byte of a stored posterior without loading it.

    Parameters
    ----------
    path, max_bytes
        As in `open_posterior`.

    Raises
    ------
    StoreError
        As `open_posterior` does.
    """
    place = Path(path).resolve()

    def inspect(sealed: bytes) -> None:
        _inspect(place, sealed, max_bytes)

    read_steadily(place, inspect)


def _inspect(place: Path, sealed: bytes, max_bytes: int) -> tuple[Manifest, Layout]:
    manifest = unseal(sealed, where=place / MANIFEST)
    store = place / manifest.generation
    try:
        check_files(store, manifest.files)
        sizes = {name: record.bytes for name, record in manifest.files.items()}
        layout = inspect_store(store, sizes, max_bytes=max_bytes)
    except OSError as error:
        raise _unreadable(store, error) from error
    listed = {
        _array_path(group, name) for group in manifest.groups for name in manifest.groups[group]
    }
    if set(manifest.groups) != set(layout.groups) or listed != set(layout.arrays):
        raise StoreError(
            "the manifest lists other variables than the store holds.",
            where=str(store),
            remedy=f"do not trust this copy; {RESTORE}",
        )
    return manifest, layout


def _load(store: Path, manifest: Manifest, layout: Layout, *, lazy: bool) -> xr.DataTree:
    local = LocalStore(store, read_only=True)
    datasets = {}

    def read(path: str) -> xr.Variable:
        if lazy and stays_on_disk(layout.arrays[path]):
            return stored_variable(store, path, layout.arrays[path], manifest.files)
        return _read_array(local, path, layout)

    try:
        for group, names in manifest.groups.items():
            variables = {name: read(_array_path(group, name)) for name in names}
            # Of xarray's conventions only one is in use: which variables are coordinates.
            datasets[group] = xr.decode_cf(
                xr.Dataset(variables, attrs=layout.groups[group].attributes),
                decode_coords=True,
                mask_and_scale=False,
                decode_times=False,
                decode_timedelta=False,
                concat_characters=False,
            )
        return xr.DataTree.from_dict(datasets)
    except Exception as error:  # a stranger's store may make zarr and xarray raise anything
        raise _unreadable(store, error) from error


def _read_array(store: LocalStore, path: str, layout: Layout) -> xr.Variable:
    # Opened one by one, because only so can zarr be told, for this array alone and not for the
    # whole process, that a missing chunk is an error and not a chunk of fill values.
    array = zarr.open_array(
        store, path=path.strip("/"), mode="r", config={"read_missing_chunks": False}
    )
    values = np.asarray(array[...])
    if values.dtype.kind == "U":
        code_points = np.frombuffer(values.tobytes(), np.uint32)
        if code_points.max(initial=0) > sys.maxunicode:  # NumPy would make strings of them
            raise ValueError(f"{path!r} is not Unicode text")
    metadata = layout.arrays[path]
    return xr.Variable(metadata.dimension_names, values, metadata.attributes)


def _array_path(group: str, name: str) -> str:
    return PurePosixPath(group, name).as_posix()


def _unreadable(store: Path, error: Exception) -> StoreError:
    return StoreError(f"the posterior cannot be read: {error}.", where=str(store), remedy=RESTORE)
