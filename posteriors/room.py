"""Arrays that are on disk while a fit runs: made there, and read from there piece by piece."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.storage import LocalStore

from taskroy.inference.checkpoint import Room
from taskroy.posteriors.write_groups import chunk_shape

_DIMENSIONS = ("chain", "draw", "worker", "task")
_NAME = "values"


def room_on_disk(folder: Path, shape: tuple[int, ...], dtype: Any) -> Room:
    """Make room for an array (chain, draw, worker, task) in a folder, in place of what is there.

    What is written is not durable: it is to be made again after a kill.
    """
    shutil.rmtree(folder, ignore_errors=True)
    of_a_chain = chunk_shape(_DIMENSIONS[1:], shape[1:], np.dtype(dtype).itemsize)
    room: Room = zarr.create_group(LocalStore(folder)).create_array(
        _NAME,
        shape=shape,
        dtype=dtype,
        # Chains are written one after the other as well as together.
        chunks=(1, *of_a_chain),
        dimension_names=_DIMENSIONS,
        compressors=None,
        config={"write_empty_chunks": True},
    )
    return room


def values_in(room: Room) -> Any:
    """Return an array's values as xarray takes them; what is on disk stays there until it is read.

    Parameters
    ----------
    room
        In memory, or made by `room_on_disk`.
    """
    if not isinstance(room, zarr.Array):
        return room
    place: Any = room.store
    found = xr.open_dataset(place, engine="zarr", consolidated=False, decode_cf=False, cache=False)
    return found[_NAME].variable
