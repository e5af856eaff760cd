"""Arrays that are on disk while a fit runs: made there, and read from there piece by piece."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import (
    ExplicitIndexer,
    IndexingSupport,
    LazilyIndexedArray,
    explicit_indexing_adapter,
)
from zarr.storage import LocalStore

from taskroy.inference.checkpoint import Room
from taskroy.posteriors.write_groups import chunk_shape

_DIMENSIONS = ("chain", "draw", "worker", "task")


def room_on_disk(folder: Path, shape: tuple[int, ...], dtype: Any) -> Room:
    """Make room for an array (chain, draw, worker, task) in a folder, in place of what is there.

    What is written is not durable: it is to be made again after a kill. What was never written, or
    is there no more, cannot be read: it is an error, and not zeros.
    """
    shutil.rmtree(folder, ignore_errors=True)
    of_a_chain = chunk_shape(_DIMENSIONS[1:], shape[1:], np.dtype(dtype).itemsize)
    room: Room = zarr.create_array(
        # Under a new name: who still reads what was there finds nothing, and not something else.
        LocalStore(folder.resolve() / secrets.token_hex(8)),
        shape=shape,
        dtype=dtype,
        # Chains are written one after the other as well as together.
        chunks=(1, *of_a_chain),
        compressors=None,
        config={"write_empty_chunks": True, "read_missing_chunks": False},
    )
    return room


def values_in(room: Room) -> Any:
    """Return an array's values as xarray takes them; what is on disk stays there until it is read.

    Parameters
    ----------
    room
        In memory, or made by `room_on_disk`.
    """
    return LazilyIndexedArray(_OnDisk(room)) if isinstance(room, zarr.Array) else room


class _OnDisk(BackendArray):
    def __init__(self, room: zarr.Array[Any]) -> None:
        self._room, self.shape, self.dtype = room, room.shape, room.dtype

    def __getitem__(self, key: ExplicitIndexer) -> NDArray[np.generic]:
        return explicit_indexing_adapter(
            key, self.shape, IndexingSupport.OUTER, lambda outer: self._room.oindex[outer]
        )
