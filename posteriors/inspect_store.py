"""What a zarr store declares, read and checked by us before zarr is let near it.

A store may come from a stranger, and zarr trusts what it opens: it runs whichever codec the
metadata name and allocates whatever they declare. So the metadata are parsed here, and only the one
layout that `taskroy.posteriors.store` writes passes: plain numbers and fixed-length text,
little-endian, uncompressed, with a CRC-32C on each chunk. As nothing is compressed, the metadata
fix the name and the size of every file, and no file can unpack to more than it weighs.

Source: the zarr format, version 3, core specification.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    Field,
    JsonValue,
    NonNegativeInt,
    PositiveInt,
    TypeAdapter,
    ValidationError,
)

from taskroy.errors import StoreError
from taskroy.posteriors.manifest import RESTORE, StrictModel

METADATA = "zarr.json"

# Bytes of one value; also the list of the kinds of numbers that a store may hold.
ITEM_BYTES = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "float16": 2,
    "float32": 4,
    "float64": 8,
}
CHECKSUM_BYTES = 4
_MAX_METADATA_BYTES = 16 * 2**20
_MAX_DIMENSIONS = 32


class _TextLength(StrictModel):
    length_bytes: Annotated[int, Field(gt=0, multiple_of=4)]


class _Text(StrictModel):
    name: Literal["fixed_length_utf32"]
    configuration: _TextLength


class _ChunkShape(StrictModel):
    chunk_shape: Annotated[tuple[PositiveInt, ...], Field(max_length=_MAX_DIMENSIONS)]


class _RegularGrid(StrictModel):
    name: Literal["regular"]
    configuration: _ChunkShape


class _Separator(StrictModel):
    separator: Literal["/"]


class _ChunkKeys(StrictModel):
    name: Literal["default"]
    configuration: _Separator


class _Endian(StrictModel):
    endian: Literal["little"]


class _BytesCodec(StrictModel):
    name: Literal["bytes"]
    configuration: _Endian | None = None


class _ChecksumCodec(StrictModel):
    name: Literal["crc32c"]


class GroupMetadata(StrictModel):
    """A zarr group."""

    zarr_format: Literal[3]
    node_type: Literal["group"]
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class ArrayMetadata(StrictModel):
    """A zarr array of the one layout that is let through."""

    zarr_format: Literal[3]
    node_type: Literal["array"]
    shape: Annotated[tuple[NonNegativeInt, ...], Field(max_length=_MAX_DIMENSIONS)]
    data_type: str | _Text
    chunk_grid: _RegularGrid
    chunk_key_encoding: _ChunkKeys
    fill_value: bool | int | float | str
    codecs: tuple[_BytesCodec, _ChecksumCodec]
    attributes: dict[str, JsonValue] = Field(default_factory=dict)
    dimension_names: tuple[str, ...] = ()
    storage_transformers: tuple[()] = ()

    @property
    def item_bytes(self) -> int | None:
        """Bytes of one value, or None where the data type is not allowed."""
        if isinstance(self.data_type, str):
            return ITEM_BYTES.get(self.data_type)
        return self.data_type.configuration.length_bytes

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Shape of a chunk; those at the edges are stored whole as well."""
        return self.chunk_grid.configuration.chunk_shape

    @property
    def chunk_grid_shape(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunk_shape, strict=True))


_NODE: TypeAdapter[GroupMetadata | ArrayMetadata] = TypeAdapter(
    Annotated[GroupMetadata | ArrayMetadata, Field(discriminator="node_type")]
)


@dataclass(frozen=True)
class Layout:
    """The groups and arrays of a store, by absolute path in it; the root is ``"/"``."""

    groups: dict[str, GroupMetadata]
    arrays: dict[str, ArrayMetadata]


def inspect_store(folder: Path, files: Mapping[str, int], *, max_bytes: int) -> Layout:
    """Parse a store's own metadata and check that they fit the files and the limit.

    Parameters
    ----------
    folder
        The zarr store.
    files
        Size in bytes of each file in it, by relative POSIX path; none is a link.
    max_bytes
        The most that all arrays together may declare.

    Returns
    -------
    Layout
        What zarr may be asked for.

    Raises
    ------
    StoreError
        If metadata cannot be parsed or name a codec, data type or other feature that is not
        allowed, if they do not fit the files, or if they declare more than `max_bytes`.
    """
    groups: dict[str, GroupMetadata] = {}
    arrays: dict[str, ArrayMetadata] = {}
    for name in files:
        if PurePosixPath(name).name == METADATA:
            node = _parse(folder, name, files[name])
            path = PurePosixPath("/", name).parent.as_posix()
            if isinstance(node, ArrayMetadata):
                arrays[path] = node
            else:
                groups[path] = node

    expected = {_metadata_name(path) for path in (*groups, *arrays)}
    declared = 0
    for path, array in arrays.items():
        chunk_bytes = math.prod(array.chunk_shape) * _item_bytes(folder, path, array)
        chunks = math.prod(array.chunk_grid_shape)
        declared += chunks * chunk_bytes
        if declared > max_bytes:
            raise _refusal(
                folder,
                _metadata_name(path),
                f"declares shape {array.shape}, which takes the store over {max_bytes:,} bytes",
                remedy="open it with a larger max_bytes if you trust it and have the memory",
            )
        # Counted before they are listed: a shape costs nothing to write, a list of chunks does.
        if chunks > len(files):
            raise _refusal(folder, _metadata_name(path), f"declares {chunks:,} chunks")
        for key in _chunk_names(path, array):
            expected.add(key)
            if files.get(key) != chunk_bytes + CHECKSUM_BYTES:
                raise _refusal(folder, key, f"does not hold a chunk of {array.chunk_shape} values")

    for name in files:
        if name not in expected:
            raise _refusal(folder, name, "belongs to no array of the store")
    for path in (*groups, *arrays):
        if (parent := PurePosixPath(path).parent.as_posix()) not in groups:
            raise _refusal(folder, _metadata_name(path), f"lies in {parent!r}, which is no group")
    return Layout(groups, arrays)


def _parse(folder: Path, name: str, size: int) -> GroupMetadata | ArrayMetadata:
    if size > _MAX_METADATA_BYTES:
        raise _refusal(folder, name, f"has {size:,} bytes, too many for metadata")
    try:
        node = _NODE.validate_json((folder / name).read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        raise _refusal(folder, name, f"is not let through at {where!r}: {first['msg']}") from error
    if isinstance(node, ArrayMetadata):
        ranks = {len(node.shape), len(node.chunk_shape), len(node.dimension_names)}
        if len(ranks) > 1:
            raise _refusal(folder, name, "does not name each dimension of the array once")
    return node


def _item_bytes(folder: Path, path: str, array: ArrayMetadata) -> int:
    if (size := array.item_bytes) is None:
        raise _refusal(
            folder, _metadata_name(path), f"has data type {array.data_type!r}, which is not allowed"
        )
    return size


def _metadata_name(path: str) -> str:
    return PurePosixPath(path, METADATA).relative_to("/").as_posix()


def _chunk_names(path: str, array: ArrayMetadata) -> list[str]:
    folder = PurePosixPath(path, "c").relative_to("/")
    indices = product(*(range(n) for n in array.chunk_grid_shape))
    return [folder.joinpath(*map(str, index)).as_posix() for index in indices]


def _refusal(folder: Path, name: str, what: str, *, remedy: str | None = None) -> StoreError:
    return StoreError(
        f"the file {name!r} {what}.",
        where=str(folder),
        expected="a store as taskroy writes it",
        remedy=remedy or f"do not trust this copy; {RESTORE}",
    )
