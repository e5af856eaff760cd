"""A density that chains sample, computed as exactly as the places they come to ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, replace

import numpy as np
from jax import Array

from taskroy.inference.nuts import Sites
from taskroy.models.choice_grid import Grid

type Grids = tuple[Grid, ...]


def _keep(draws: Sites, grids: Grids) -> Grids:
    return grids


@dataclass(frozen=True)
class Target:
    """A density of unconstrained sites, and the grids it is computed with.

    Grids are sized where a first fit ends. Chains may go on to where integrands are wider: there
    the same grids give another density, and a rough one, on which steps become tiny.

    Attributes
    ----------
    density
        Minus the log density, of given grids.
    grids
        Those in use.
    refine
        Grids that do for some draws, (chain, draw, …), and are at least as fine as the given.
    """

    density: Callable[[Grids], Callable[[Sites], Array]]
    grids: Grids = ()
    refine: Callable[[Sites, Grids], Grids] = _keep

    @property
    def potential(self) -> Callable[[Sites], Array]:
        """Minus the log density."""
        return self.density(self.grids)

    def refined(self, draws: Sites) -> Target:
        """Return the target with grids that do for some draws, (chain, draw, …)."""
        return replace(self, grids=self.refine(draws, self.grids))

    @property
    def sizes(self) -> np.ndarray:
        """What tells the grids from others, as an array of numbers."""
        return np.asarray([astuple(grid) for grid in self.grids], dtype=np.int64)

    def sized(self, sizes: np.ndarray) -> Target:
        """Return the target with the grids of which `sizes` gave the numbers."""
        return replace(self, grids=tuple(Grid(*map(int, row)) for row in sizes))
