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
    # The last block is filled up with repetitions: one shape, one compilation.
    indices = [np.minimum(np.arange(k, k + size), number - 1) for k in range(0, number, size)]
    blocks = (jax.tree.map(lambda x, i=index: x[i], inputs) for index in indices)
    progress.start(name, number)
    program, parts = None, []
    for block in blocks:
        program = program or compile_in_turns(one, block, size)
        parts.append(jax.tree.map(np.asarray, program.run(block)))
        progress.advance(min(len(parts) * size, number), "")
    progress.finish()
    return jax.tree.map(lambda *p: np.concatenate(p)[:number], *parts)
