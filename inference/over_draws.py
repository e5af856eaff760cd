"""One function of many draws, block by block on all devices: compiled once, progress told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from taskroy.inference.spread_chains import compile_in_turns
from taskroy.progress import Progress

_BLOCK = 100


def over_draws(one: Callable[[Any], Any], inputs: Any, progress: Progress, name: str) -> Any:
    """Return what a function gives for each draw.

    Parameters
    ----------
    one
        Of one draw; arrays in, arrays out. It is compiled.
    inputs
        Arrays with a leading dimension D, as one tree.
    progress, name
        Told how far the work of this name is.

    Returns
    -------
    tree of arrays
        As `one` gives them, in NumPy, with a leading dimension D.
    """
    number = len(jax.tree.leaves(inputs)[0])
    devices = len(jax.local_devices())
    size = min(_BLOCK, number)
    size = size // devices * devices or size

    def block(first: int) -> Any:
        # The last block is filled up with repetitions: one shape, one compilation.
        index = np.minimum(np.arange(first, first + size), number - 1)
        return jax.tree.map(lambda x: x[index], inputs)

    progress.start(name, number)
    program, parts = compile_in_turns(one, block(0), size), []
    for first in range(0, number, size):
        parts.append(jax.tree.map(np.asarray, program.run(block(first))))
        progress.advance(min(first + size, number), "")
    progress.finish()
    return jax.tree.map(lambda *p: np.concatenate(p)[:number], *parts)
