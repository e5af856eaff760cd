"""One function of many draws, block by block on all devices: compiled once, progress told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from taskroy.inference.spread_chains import compile_in_turns
from taskroy.progress import Progress

# Of all workers' skills with 93 occupations and 37 tasks so many draws take 100 MB.
_BLOCK = 40


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
    parts = list(blocks_over_draws(one, inputs, progress, name))
    return jax.tree.map(lambda *p: np.concatenate(p), *parts)


def blocks_over_draws(
    one: Callable[[Any], Any], inputs: Any, progress: Progress, name: str
) -> Iterator[Any]:
    """Give what `over_draws` returns block by block, in order, for results that are large.

    Of the inputs the first has a length; the others need only give rows for an array of indices.
    """
    number = len(jax.tree.leaves(inputs)[0])
    devices = len(jax.local_devices())
    size = min(_BLOCK, number)
    size = size // devices * devices or size
    starts = range(0, number, size)
    blocks = (np.arange(first, min(first + size, number)) for first in starts)
    rows = (jax.tree.map(lambda x, i=index: x[i], inputs) for index in blocks)
    return map_blocks(one, rows, size, number, progress, name)


def map_blocks(
    one: Callable[[Any], Any],
    blocks: Iterable[Any],
    size: int,
    number: int,
    progress: Progress,
    name: str,
) -> Iterator[Any]:
    """Give what a function of one draw gives for each draw of each block.

    Parameters
    ----------
    one
        As for `over_draws`.
    blocks
        Trees of arrays with a leading dimension of draws, `size` at most.
    size
        For which it is compiled.
    number
        Of draws, in all.
    progress, name
        As for `over_draws`.
    """
    progress.start(name, number)
    program, done = None, 0
    for block in blocks:
        count = len(jax.tree.leaves(block)[0])
        if count > size:
            raise ValueError(f"a block of {count} draws is longer than {size}")
        # A shorter block is filled up with repetitions: one shape, one compilation.
        index = np.minimum(np.arange(size), count - 1)
        whole = block if count == size else jax.tree.map(lambda x, i=index: x[i], block)
        program = program or compile_in_turns(one, whole, size)
        found = program.run(whole)
        done += count
        progress.advance(done, "")
        yield jax.tree.map(lambda x, n=count: np.asarray(x)[:n], found)
    if done != number:
        raise ValueError(f"blocks of {done} draws, and not of {number}")
    progress.finish()
