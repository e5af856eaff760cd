"""Blocks of a counterfactual that are done, kept in a folder so that a killed run goes on.

A block's file is named by a fingerprint of everything that its numbers depend on, its draws
included: what is found under the name is the block, of whatever posterior, scenario or run::

    posterior.zarr.blocks/5f…0c.block   SHA-256 of name and content, then the arrays as npz

Every file is written beside its place and renamed into it. One that is damaged, or is another
block's, is computed again; none is unpickled.
"""

from __future__ import annotations

import hashlib
import io
import platform
import re
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import jax
import numpy as np
from numpy.typing import NDArray

from taskroy import models, posteriors
from taskroy.posteriors.draw_blocks import Block
from taskroy.posteriors.files import write_atomically
from taskroy.posteriors.scenario_questions import Common, Question

#: Whose versions the last digit depends on.
VERSIONS = ("taskroy", "jax", "jaxlib", "numpy")
_OURS = re.compile(r"\.?[0-9a-f]{64}\.block(\.[0-9a-f]+\.saving)?")
_SEAL_BYTES = 32


class FinishedBlocks:
    """Keeps blocks in a folder, which is made when the first is done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: str) -> dict[str, NDArray[np.float64]] | None:
        """Return a block that was kept whole, or None."""
        try:
            data = (self._folder / f"{name}.block").read_bytes()
        except FileNotFoundError:
            return None
        seal, content = data[:_SEAL_BYTES], data[_SEAL_BYTES:]
        if seal != _seal(name, content):
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return dict(file)

    def save(self, name: str, block: dict[str, NDArray[np.float64]]) -> None:
        """Keep a block; when this returns, no kill and no power cut can lose it."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **block)
        content = buffer.getvalue()
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._folder / f"{name}.block", _seal(name, content) + content)


def delete_blocks(folder: Path) -> None:
    """Delete the blocks in a folder, and the folder if it holds nothing else."""
    if not folder.is_dir():
        return
    for entry in list(folder.iterdir()):
        if _OURS.fullmatch(entry.name):
            entry.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def fingerprint(common: Common, question: Question, block: Block) -> str:
    """Return the SHA-256 of all that the last digit of a block's effects depends on."""
    digest = hashlib.sha256()
    for part in _parts(common, question, block):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()


def _parts(common: Common, question: Question, block: Block) -> Iterator[bytes | memoryview]:
    device = jax.devices()[0]
    yield _program()
    yield ", ".join(f"{name} {metadata.version(name)}" for name in VERSIONS).encode()
    yield f"{device.platform} {device.device_kind} {platform.machine()}".encode()
    for step in question.steps:
        yield f"{type(step).__qualname__} {step.model_dump_json()}".encode()
    yield repr(question.only).encode()
    named = ("shock", "discount", "tasks", "groups", "held_shocks")
    yield repr([getattr(common, name) for name in named]).encode()
    arrays = {
        **{name: getattr(common, name) for name in ("task_weights", "labor_share")},
        **{name: getattr(common, name) for name in ("worker_weight", "members")},
        "headline_weight": common.headline_weight,
        **{"shares": question.shares, "by": question.by, "index": block.index},
        **block.draws._asdict(),
    }
    for name, array in arrays.items():
        if array is not None:
            yield f"{name} {array.dtype} {array.shape}".encode()
            yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


@cache
def _program() -> bytes:
    """Return the SHA-256 of what computes blocks, which changes between releases, too."""
    digest = hashlib.sha256()
    for package in (models, posteriors):
        for file in sorted(Path(package.__path__[0]).glob("*.py")):
            digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()


def _seal(name: str, content: bytes) -> bytes:
    return hashlib.sha256(name.encode() + content).digest()
