"""One function of many draws, block by block: compiled once, its progress told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

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
    block = jax.jit(lambda inputs: jax.lax.map(one, inputs))
    number = len(jax.tree.leaves(inputs)[0])
    size = min(_BLOCK, number)
    progress.start(name, number)
    parts = []
    for first in range(0, number, size):
        # The last block is filled up with repetitions: one shape, one compilation.
        index = np.minimum(np.arange(first, first + size), number - 1)
        result = block(jax.tree.map(lambda x, i=index: x[i], inputs))
        parts.append(jax.tree.map(np.asarray, result))
        progress.advance(min(first + size, number), "")
    progress.finish()
    return jax.tree.map(lambda *p: np.concatenate(p)[:number], *parts)
