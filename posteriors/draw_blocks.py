"""Draws in blocks: read from the posterior as they are needed, never all at once in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from taskroy.models.world import Parameters

_DRAWS = 100
_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Block:
    """Some draws, numbered, chains one after the other.

    Attributes
    ----------
    index
        Numbers of the draws. A last block is filled up with its last draw, so that all blocks have
        one shape, which compiles once.
    count
        How many of them count.
    draws
        Plain arrays with a leading dimension of draws.
    """

    index: NDArray[np.int64]
    count: int
    draws: Parameters


class DrawBlocks:
    """The draws of a posterior, cut into blocks of at most 100 draws and, of many workers, 64 MB.

    Parameters
    ----------
    draws
        Group ``posterior``, in memory or on disk (``open_posterior(lazy=True)``).
    """

    def __init__(self, draws: xr.Dataset) -> None:
        values = {"amenity": xr.zeros_like(draws["intercept"]), **draws.data_vars}
        self._variables = {k: values[k].variable for k in Parameters._fields if k in values}
        self.chains, self.draws = draws.sizes["chain"], draws.sizes["draw"]
        numbers = sum(math.prod(variable.shape[2:]) for variable in self._variables.values())
        self._size = max(1, min(_DRAWS, self.total, _BYTES // (8 * numbers)))

    @property
    def total(self) -> int:
        """Draws of all chains."""
        return self.chains * self.draws

    def __iter__(self) -> Iterator[Block]:
        """Read block after block."""
        for first in range(0, self.total, self._size):
            count = min(self._size, self.total - first)
            index = np.minimum(np.arange(first, first + self._size), self.total - 1)
            read: dict[str, Any] = {
                k: self._read(v, first, count) for k, v in self._variables.items()
            }
            yield Block(index, count, Parameters(**read))

    def by_chain(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what was computed of all draws its dimensions of chains and draws."""
        return values.reshape(self.chains, self.draws, *values.shape[1:])

    def _read(self, variable: xr.Variable, first: int, count: int) -> NDArray[np.float64]:
        last = first + count
        found = np.empty((self._size, *variable.shape[2:]))
        for chain in range(first // self.draws, (last - 1) // self.draws + 1):
            begin = chain * self.draws
            low, high = max(first, begin), min(last, begin + self.draws)
            part = variable.isel(chain=chain, draw=slice(low - begin, high - begin))
            found[low - first : high - first] = part.to_numpy()
        found[count:] = found[count - 1]
        return found
