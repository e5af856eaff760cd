"""Files that are whole or absent, and folders that one process holds at a time.

A file is written beside its place, flushed to disk, and renamed into it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from taskroy.errors import TaskroyError


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a file so that its name only ever shows the old content or the whole new one.

    Parameters
    ----------
    path
        The file; its folder must exist. What stands there is replaced.
    content
        Text is stored as UTF-8, byte for byte (line ends are not translated).

    Returns
    -------
    Path
        The path as given.

    Raises
    ------
    OSError
        If the folder is missing, full or not writable; the old content then still stands.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.saving")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    flush_to_disk(path.parent)
    return path


def flush_to_disk(path: str | os.PathLike[str]) -> None:
    """Return once the file or folder has reached the disk.

    A rename is durable only after its *folder* is flushed; and unless the files were flushed before
    it, a power cut may leave the new name on empty files.

    Parameters
    ----------
    path
        An existing file or folder.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def sole_holder(lock: Path, *, busy: TaskroyError, seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock, which the system frees when the process ends, however it ends.

    Parameters
    ----------
    lock
        A file of its own; made if it is missing, and left behind.
    busy
        Raised if another process holds it.
    seconds
        How long to wait before that.
    """
    held = FileLock(lock, timeout=seconds)
    try:
        held.acquire()
    except Timeout as error:
        raise busy from error
    try:
        yield
    finally:
        held.release()
