"""A large array of a store that stays on disk: each chunk is read when needed, and checked then."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from taskroy.errors import StoreError
from taskroy.posteriors.inspect_store import CHECKSUM_BYTES, ArrayMetadata
from taskroy.posteriors.manifest import FileRecord


def stays_on_disk(metadata: ArrayMetadata) -> bool:
    """Tell whether an array is numbers in several chunks that are cut along its draws only."""
    cut = [name for name, n in _chunks_along(metadata).items() if n > 1]
    return cut == ["draw"] and isinstance(metadata.data_type, str)


def stored_variable(
    store: Path, path: str, metadata: ArrayMetadata, files: Mapping[str, FileRecord]
) -> xr.Variable:
    """Return a variable whose values are read when they are asked for.

    Parameters
    ----------
    store, path
        The zarr store, and the array in it.
    metadata
        Of an array that `stays_on_disk`.
    files
        Size and hash of each file of the store. A chunk that no longer has them is a StoreError.
    """
    lazy = indexing.LazilyIndexedArray(_StoredArray(store, path, metadata, files))
    return xr.Variable(metadata.dimension_names, lazy, metadata.attributes)


class _StoredArray(BackendArray):
    def __init__(
        self, store: Path, path: str, metadata: ArrayMetadata, files: Mapping[str, FileRecord]
    ) -> None:
        assert isinstance(metadata.data_type, str)
        self.shape, self.dtype = metadata.shape, np.dtype(metadata.data_type).newbyteorder("<")
        self._store, self._path, self._files = store, path.strip("/"), files
        self._chunk, self._cut = metadata.chunk_shape, metadata.dimension_names.index("draw")

    def __getitem__(self, key: indexing.ExplicitIndexer) -> NDArray[np.generic]:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[int | slice | NDArray[np.int64], ...]) -> NDArray[np.generic]:
        chosen = [np.arange(n)[one] for n, one in zip(self.shape, key, strict=True)]
        rows, length = np.atleast_1d(chosen[self._cut]), self._chunk[self._cut]
        parts = []
        for number, run in groupby(rows, lambda row: int(row) // length):
            within: list[NDArray[np.int64]] = [np.atleast_1d(one) for one in chosen]
            within[self._cut] = np.array(list(run)) - number * length
            parts.append(self._read_chunk(number)[_cheaply(within)])
        empty = np.empty([len(np.atleast_1d(one)) for one in chosen], self.dtype)
        found = np.concatenate(parts, self._cut) if parts else empty
        return found[tuple(0 if np.ndim(one) == 0 else slice(None) for one in chosen)]

    def _read_chunk(self, number: int) -> NDArray[np.generic]:
        place = [0] * len(self.shape)
        place[self._cut] = number
        name = "/".join([self._path, "c", *map(str, place)])
        try:
            data = (self._store / name).read_bytes()
        except OSError as error:
            raise _changed(self._store, name) from error
        if hashlib.sha256(data).hexdigest() != self._files[name].sha256:
            raise _changed(self._store, name)
        return np.frombuffer(data[:-CHECKSUM_BYTES], self.dtype).reshape(self._chunk)


def _cheaply(within: list[NDArray[np.int64]]) -> Any:
    """Return indices of each dimension's own choice, as slices where all are consecutive."""
    if all(len(one) and (np.diff(one) == 1).all() for one in within):
        return tuple(slice(int(one[0]), int(one[-1]) + 1) for one in within)
    return np.ix_(*within)


def _chunks_along(metadata: ArrayMetadata) -> dict[str, int]:
    return dict(zip(metadata.dimension_names, metadata.chunk_grid_shape, strict=True))


def _changed(store: Path, name: str) -> StoreError:
    return StoreError(
        f"the file {name!r} was changed or removed after the posterior was opened.",
        where=str(store),
        remedy="open the posterior again; if it is refused, restore it from a copy",
    )
