"""The manifest of a stored posterior: what it holds, whence it came, and the hash of every file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt, ValidationError

from taskroy.errors import StoreError

MANIFEST = "manifest.json"
GENERATION = r"^[0-9a-f]{32}\.zarr$"
FORMAT_VERSION = 1
RESTORE = "restore the folder from a copy, or run the fit again"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Generation = Annotated[str, Field(pattern=GENERATION)]


class StrictModel(BaseModel):
    """JSON of a fixed layout: nothing is converted, and an unknown key is an error."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class FileRecord(StrictModel):
    """Size in bytes and SHA-256 of one file."""

    bytes: NonNegativeInt
    sha256: Sha256


class Manifest(StrictModel):
    """Everything that is known of a stored posterior without opening it.

    Attributes
    ----------
    format, format_version
        Name and version of the layout of the folder.
    taskroy_version, created
        The version that wrote it, and when (ISO 8601, UTC).
    generation
        Name of the folder beside the manifest that holds the zarr store. Each save takes a new
        name, so that replacing the manifest switches from the old posterior to the new in one step.
    provenance
        The attributes of the tree's root.
    groups
        The variables of each group, in the order of the saved tree; folders keep no order.
    files
        Size and hash of each file in ``generation``, by its relative POSIX path.
    """

    format: Literal["taskroy posterior"] = "taskroy posterior"
    format_version: int = FORMAT_VERSION
    taskroy_version: str
    created: str
    generation: Generation
    provenance: dict[str, JsonValue]
    groups: dict[str, tuple[str, ...]]
    files: dict[str, FileRecord]


class _Sealed(StrictModel):
    sha256: Sha256
    manifest: Manifest


class _Version(BaseModel):
    format_version: int


class _Versioned(BaseModel):
    manifest: _Version


def seal(manifest: Manifest) -> bytes:
    """Return a manifest as JSON together with the hash of that JSON.

    Parameters
    ----------
    manifest
        What to write.

    Returns
    -------
    bytes
        Content of the manifest file. The same manifest gives the same bytes.
    """
    body = manifest.model_dump_json(indent=1).encode()
    return b'{"sha256": "%s", "manifest": %s}\n' % (hashlib.sha256(body).hexdigest().encode(), body)


def unseal(data: bytes, *, where: Path) -> Manifest:
    """Parse a manifest and check it against its own hash.

    Parameters
    ----------
    data
        Content of the manifest file.
    where
        Its path, for the error.

    Returns
    -------
    Manifest
        The manifest whose ``seal`` is `data`.

    Raises
    ------
    StoreError
        If a byte was changed, if it is no manifest, or if its format is newer than this version's.
    """
    damaged = StoreError("the manifest is damaged or was edited.", where=str(where), remedy=RESTORE)
    try:
        version = _Versioned.model_validate_json(data).manifest.format_version
        if version > FORMAT_VERSION:
            raise StoreError(
                f"the posterior is stored in format {version}; this taskroy reads formats up to "
                f"{FORMAT_VERSION}.",
                where=str(where),
                remedy="update taskroy, or run the fit again with this version",
            )
        manifest = _Sealed.model_validate_json(data).manifest
    except ValidationError as error:
        raise damaged from error
    # Sealing is deterministic, so one comparison covers every byte: values, spaces and the hash.
    if seal(manifest) != data:
        raise damaged
    return manifest


def list_files(folder: Path) -> dict[str, int]:
    """List what a folder holds, following no link.

    Parameters
    ----------
    folder
        An existing folder.

    Returns
    -------
    dict[str, int]
        Size in bytes of each file, by its relative POSIX path, sorted. An empty folder is listed
        with a trailing slash and size 0, so that it is not overlooked.

    Raises
    ------
    StoreError
        If there is a symbolic link, a socket, a pipe or a device.
    """
    sizes: dict[str, int] = {}
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(folder / prefix) as entries:
            found = list(entries)
        if prefix and not found:
            sizes[prefix] = 0
        for entry in found:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                pending.append(name + "/")
            elif entry.is_file(follow_symlinks=False):
                sizes[name] = entry.stat(follow_symlinks=False).st_size
            else:
                kind = "a symbolic link" if entry.is_symlink() else "no plain file"
                raise StoreError(
                    f"{name!r} is {kind}.",
                    where=str(folder),
                    expected="plain files and folders only",
                    remedy=f"do not trust this copy; {RESTORE}",
                )
    return dict(sorted(sizes.items()))


def record_files(folder: Path) -> dict[str, FileRecord]:
    """Return size and hash of every file in a folder, by its relative POSIX path."""
    return {
        name: FileRecord(bytes=size, sha256=_sha256(folder / name))
        for name, size in list_files(folder).items()
    }


def check_files(folder: Path, recorded: Mapping[str, FileRecord]) -> None:
    """Check that a folder holds exactly the recorded files, unchanged.

    Parameters
    ----------
    folder
        The folder.
    recorded
        Size and hash of each file, by its relative POSIX path.

    Raises
    ------
    StoreError
        Naming the first file that is missing, extra, or differs.
    """
    found = list_files(folder)
    for name, record in recorded.items():
        if name not in found:
            raise StoreError(f"the file {name!r} is missing.", where=str(folder), remedy=RESTORE)
        if found[name] != record.bytes:
            raise StoreError(
                f"the file {name!r} has {found[name]:,} bytes.",
                where=str(folder),
                expected=f"{record.bytes:,} bytes, as the manifest says",
                remedy=RESTORE,
            )
    for name in found:
        if name not in recorded:
            raise StoreError(
                f"{name!r} is not part of this posterior.",
                where=str(folder),
                expected="only the files that the manifest lists",
                remedy="move it elsewhere and open the posterior again",
            )
    for name, record in recorded.items():
        if _sha256(folder / name) != record.sha256:
            raise StoreError(
                f"the file {name!r} was changed after it was saved.",
                where=str(folder),
                expected="the SHA-256 that the manifest records",
                remedy=RESTORE,
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
