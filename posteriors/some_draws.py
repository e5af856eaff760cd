"""Some draws of a posterior, evenly spaced: of them is kept what is dear to compute or to store."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from taskroy.inference.draws import Draws
from taskroy.inference.problem import Problem

#: So many of all chains together, or a few more.
DRAWS = 400


def kept_draws(chains: int, count: int) -> np.ndarray:
    """Return which of each chain's draws are kept: evenly spaced, 400 or so of all chains."""
    number = min(count, math.ceil(DRAWS / chains))
    return np.linspace(0, count - 1, number).round().astype(int)


@dataclass(frozen=True)
class SomeDraws:
    """Some draws of θ.

    Attributes
    ----------
    chains
        How many chains there are.
    kept
        Which of each chain's draws these are.
    sites
        θ's sites of the generative model, chains and draws stacked in one leading dimension.
    """

    chains: int
    kept: np.ndarray
    sites: dict[str, Array]

    @classmethod
    def of(cls, problem: Problem, draws: Draws, posterior: Mapping[str, np.ndarray]) -> SomeDraws:
        """Take some draws of a route, with the mean skills that were drawn after the others."""
        sites = {
            k: np.asarray(posterior[k] if k in posterior else draws.sites[k])
            for k in problem.sites(skills=False)
        }
        chains, count = np.shape(sites["taste_scale"])
        kept = kept_draws(chains, count)
        some = {k: jnp.asarray(v[:, kept].reshape(-1, *v.shape[2:])) for k, v in sites.items()}
        return cls(chains, kept, some)

    def dataset(self, values: Mapping[str, np.ndarray], *dimensions: str) -> xr.Dataset:
        """Name the dimensions of what was computed of each draw, leading dimension as `sites`."""
        shape = (self.chains, len(self.kept))
        variables: dict[str, Any] = {
            k: (("chain", "draw", *dimensions), v.reshape(shape + v.shape[1:]))
            for k, v in values.items()
        }
        return xr.Dataset(variables, {"chain": np.arange(self.chains), "draw": self.kept})
