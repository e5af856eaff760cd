"""A checkpoint in a folder: what a fit keeps of its work, whole after every kill.

What is in the folder::

    manifest.json      which fit it is of; without it nothing else counts
    start.npz          what NUTS starts from
    draws-000250.npz   the draws of a block of iterations, once warm-up is over
    state.npz          the sampler after the last block; names no draws that are not there yet
    skills.room/       arrays that do not fit into memory, made again by whoever goes on
    .lock              held while a process fits

Every file is written beside its place and renamed into it. The format is NumPy's, without pickles:
reading a checkpoint runs no code of whoever wrote it.
"""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from pydantic import ValidationError

from taskroy.data.panel import Panel
from taskroy.data.task_table import TaskTable
from taskroy.errors import FitError
from taskroy.inference.checkpoint import Room
from taskroy.inference.settings import InferenceSettings
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.files import sole_holder, write_atomically
from taskroy.posteriors.manifest import MANIFEST, StrictModel
from taskroy.posteriors.room import room_on_disk

_LOCK = ".lock"
_ROOM = "skills.room"
_OURS = re.compile(r"(start|state|draws-[0-9]+)\.npz|manifest\.json|skills\.room|\..+\.saving")
_SECONDS = "seconds"
_VERSIONS = ("taskroy", "jax", "jaxlib", "numpyro", "numpy", "optax")
_REMEDY = (
    "choose another folder, or delete this one to fit from the start (on the command line: "
    "--overwrite)"
)


class _Manifest(StrictModel):
    format: Literal["taskroy checkpoint"] = "taskroy checkpoint"
    # Raised whenever what a state's numbers mean changes: sites, or the map that whitens skills.
    format_version: Literal[2] = 2
    fit: dict[str, str]


def describe_fit(
    panel: Panel, tasks: TaskTable, model: ModelSettings, inference: InferenceSettings
) -> dict[str, str]:
    """Return all that the last digit of a fit's draws depends on, by what a person calls it."""
    devices = jax.local_devices()
    return {
        "the panel": panel.sha256,
        "the tasks": tasks.sha256,
        "[model]": model.model_dump_json(),
        "[inference]": inference.model_dump_json(),
        "versions": ", ".join(f"{name} {metadata.version(name)}" for name in _VERSIONS),
        "devices": f"{len(devices)} x {devices[0].device_kind}, {platform.machine()}",
    }


class FolderCheckpoint:
    """Keeps groups of arrays in a folder; made by `open_checkpoint`."""

    def __init__(self, folder: Path, fit: Mapping[str, str]) -> None:
        self._folder, self._manifest = folder, _Manifest(fit=dict(fit))
        self._begun, self._earlier, self._opened = _of_this_fit(folder, fit), 0.0, time.monotonic()
        self._own: set[str] = set()  # groups saved since then

    @property
    def seconds(self) -> float:
        """Seconds of work so far, those of earlier processes that was not lost included."""
        return self._earlier + time.monotonic() - self._opened

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        """Return a group that was saved, or None."""
        path = self._path(name)
        if not self._begun or not path.exists():
            return None
        try:
            # From memory: of a damaged file NumPy would leave the handle open.
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                arrays = dict(file)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise FitError(
                f"The checkpoint is damaged: {error}.", where=str(path), remedy=_REMEDY
            ) from error
        seconds = float(arrays.pop(_SECONDS))
        if name not in self._own:
            self._earlier = max(self._earlier, seconds)
        return arrays

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a group; when this returns, no kill and no power cut can lose it."""
        if not self._begun:
            _clear(self._folder)  # what a deletion left that was cut short
            write_atomically(self._folder / MANIFEST, self._manifest.model_dump_json(indent=1))
            self._begun = True
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **{_SECONDS: np.asarray(self.seconds)}, **arrays)
        write_atomically(self._path(name), content.getvalue())
        self._own.add(name)

    def room(self, name: str, shape: tuple[int, ...], dtype: Any) -> Room:
        """Make room on disk for an array (chain, draw, …)."""
        return room_on_disk(self._folder / _ROOM / name, shape, dtype)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.npz"


@contextmanager
def open_checkpoint(folder: Path, fit: Mapping[str, str]) -> Iterator[FolderCheckpoint]:
    """Hold the checkpoint of a fit, to go on from it or to begin it.

    Parameters
    ----------
    folder
        Made if it is missing.
    fit
        What `describe_fit` says of the fit.

    Raises
    ------
    FitError
        If the folder holds the checkpoint of another fit or other things, or another process uses
        it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _require_own(folder)
    busy = FitError(
        "Another fit is using this checkpoint.",
        where=str(folder),
        remedy="wait until it has ended, or choose another folder",
    )
    with sole_holder(folder / _LOCK, busy=busy):
        for entry in folder.glob(".*.saving"):  # of a process that was killed: we hold the lock
            entry.unlink()
        yield FolderCheckpoint(folder, fit)


def stands(folder: Path, fit: Mapping[str, str]) -> bool:
    """Tell whether a folder holds the checkpoint of this very fit."""
    try:
        return _of_this_fit(folder, fit)
    except FitError:
        return False


def delete_checkpoint(folder: Path) -> None:
    """Delete a checkpoint's files, and its folder if it holds nothing else.

    A deletion that is cut short leaves no checkpoint: the manifest goes first.
    """
    if not folder.is_dir():
        return
    _clear(folder)
    if os.listdir(folder) in ([], [_LOCK]):
        (folder / _LOCK).unlink(missing_ok=True)
        folder.rmdir()


def delete_room(folder: Path) -> None:
    """Delete what a fit that was killed has no use for any more, wherever it is to go on from."""
    shutil.rmtree(folder / _ROOM, ignore_errors=True)


def _require_own(folder: Path) -> None:
    foreign = [name for name in os.listdir(folder) if name != _LOCK and not _OURS.fullmatch(name)]
    if foreign:
        raise FitError(
            f"The folder of the checkpoint holds other things ('{min(foreign)}').",
            where=str(folder),
            expected="a new or empty folder, or a checkpoint",
            remedy="choose another folder",
        )


def _clear(folder: Path) -> None:
    (folder / MANIFEST).unlink(missing_ok=True)
    for entry in list(folder.iterdir()):
        if entry.name == _ROOM:
            shutil.rmtree(entry)
        elif _OURS.fullmatch(entry.name):
            entry.unlink()


def _of_this_fit(folder: Path, fit: Mapping[str, str]) -> bool:
    """Tell whether a checkpoint stands here; raise if it is of another fit."""
    path = folder / MANIFEST
    if not path.exists():
        return False
    try:
        found = _Manifest.model_validate_json(path.read_bytes()).fit
    except ValidationError as error:
        raise FitError(
            "This is no checkpoint that this version of taskroy can read.",
            where=str(path),
            remedy=_REMEDY,
        ) from error
    names = [name for name in {**found, **fit} if found.get(name) != fit.get(name)]
    if names:
        raise FitError(
            f"The checkpoint that stands here is of another fit; not the same: {', '.join(names)}.",
            where=str(folder),
            remedy=_REMEDY,
        )
    return True
