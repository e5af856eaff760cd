"""Writing a tree's groups into a zarr store; large arrays go in piece by piece."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path, PurePosixPath

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec
from zarr.storage import LocalStore

CHUNK_BYTES = 8 * 2**20


def write_groups(groups: Mapping[str, xr.Dataset], store: Path) -> None:
    """Write groups so that no array of several chunks is ever read whole.

    Parameters
    ----------
    groups
        Ready to be stored, by absolute path; large arrays may be on disk.
    store
        The zarr store, a folder yet to be made.
    """
    large = {
        (group, str(name)): variable
        for group, data in groups.items()
        for name, variable in data.variables.items()
        if _chunks(variable) != variable.shape
    }
    # xarray would read each whole. It writes the metadata of stand-ins that take no room.
    stand_ins = {
        group: data.assign({name: _stand_in(v) for (of, name), v in large.items() if of == group})
        for group, data in groups.items()
    }
    xr.DataTree.from_dict(stand_ins).to_zarr(
        LocalStore(store),
        mode="w-",
        zarr_format=3,
        consolidated=False,
        encoding={
            group: {
                name: _encoding(variable, stands_in=(group, name) in large)
                for name, variable in data.variables.items()
            }
            for group, data in stand_ins.items()
        },
    )
    for (group, name), variable in large.items():
        _write_pieces(variable, store, PurePosixPath(group, name).as_posix().strip("/"))


def chunk_shape(
    dims: Sequence[object], shape: Sequence[int], item_bytes: int, *, limit: int = CHUNK_BYTES
) -> tuple[int, ...]:
    """Return chunks that cut an array along its draws, and only where it is large.

    Parameters
    ----------
    dims, shape
        Names and lengths of the dimensions.
    item_bytes
        Bytes of one value.
    limit
        The most bytes that a chunk takes, unless a single draw (or row, where there are no draws)
        takes more.

    Returns
    -------
    tuple[int, ...]
        Length of a chunk along each dimension, at least 1.
    """
    chunk = [max(1, n) for n in shape]
    if chunk:
        cut = list(dims).index("draw") if "draw" in dims else 0
        bytes_per_step = math.prod(chunk) // chunk[cut] * item_bytes
        chunk[cut] = min(chunk[cut], max(1, limit // bytes_per_step))
    return tuple(chunk)


def _chunks(variable: xr.Variable) -> tuple[int, ...]:
    """Return the shape of a variable's chunks, its own where there is but one."""
    if not variable.size or variable.dtype.kind == "U" or variable.ndim < 2:
        return variable.shape
    return chunk_shape(variable.dims, variable.shape, variable.dtype.itemsize)


def _stand_in(variable: xr.Variable) -> xr.Variable:
    zeros = np.broadcast_to(np.zeros((), variable.dtype), variable.shape)
    return xr.Variable(variable.dims, zeros, variable.attrs)


def _encoding(variable: xr.Variable, *, stands_in: bool) -> dict[str, object]:
    encoding: dict[str, object] = {
        "chunks": chunk_shape(variable.dims, variable.shape, variable.dtype.itemsize),
        "filters": (),
        "serializer": BytesCodec(),
        "compressors": (Crc32cCodec(),),
        # A chunk of zeros must be a file as well: only then is a missing file always a fault.
        "write_empty_chunks": not stands_in,
    }
    if variable.dtype.kind == "f":
        # NaN is a value like any other here; left alone, xarray would mark it as missing.
        encoding["_FillValue"] = None
    return encoding


def _write_pieces(variable: xr.Variable, store: Path, path: str) -> None:
    array = zarr.open_array(
        LocalStore(store), path=path, mode="r+", config={"write_empty_chunks": True}
    )
    steps = (
        [slice(first, first + size) for first in range(0, length, size)]
        for length, size in zip(array.shape, array.chunks, strict=True)
    )
    for piece in product(*steps):
        array[piece] = variable[piece].to_numpy()
