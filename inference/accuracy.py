"""The error of a fit's quadrature, measured: against the reference, worker-year by worker-year."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.careers import Careers
from taskroy.models.choice import log_choice_probability
from taskroy.models.choice_grid import Grid

_WORKERS = 100
_REFINEMENTS = 5


class GridError(NamedTuple):
    """Errors in log P: the largest of a worker-year, and the sum over the panel."""

    largest: Any
    summed: Any


def accurate_grid(
    careers: Careers, career: Float[Array, "N T 2"], grid: Grid, tolerance: float
) -> tuple[Grid, GridError]:
    """Refine a grid until its error is within a tolerance, and say what the error is.

    Up to 100 workers, evenly spaced, are compared with
    :func:`taskroy.models.choice.log_choice_probability`; the sum is scaled to the whole panel.
    Where five refinements do not do, the last grid is returned: its error tells.

    Parameters
    ----------
    careers
        Distribution of careers at the pilot's values.
    career
        What was seen.
    grid
        The first to try.
    tolerance
        Largest error wanted in the log P of a worker-year.
    """
    if careers.shock == "worker":
        return grid, GridError(0.0, 0.0)
    exact = _reference(careers, career)
    for attempt in range(_REFINEMENTS + 1):
        found = GridError(*map(float, _against(exact, careers.replace(grid=grid), career)))
        if found.largest <= tolerance or attempt == _REFINEMENTS:
            break
        grid = replace(
            grid,
            nodes=8 * round(1.15 * grid.nodes / 8 + 0.5),
            terms=grid.terms + 6,
            knots=8 * round(1.3 * grid.knots / 8),
        )
    return grid, found


def grid_error(careers: Careers, career: Float[Array, "N T 2"]) -> GridError:
    """Measure the error of the careers' own grid, as arrays: `accurate_grid` without the search."""
    if careers.shock == "worker":
        return GridError(jnp.zeros(()), jnp.zeros(()))
    return _against(_reference(careers, career), careers, career)


def _some(workers: int) -> np.ndarray:
    return np.unique(np.linspace(0, workers - 1, min(_WORKERS, workers)).astype(int))


@jax.jit
def _reference(careers: Careers, career: Float[Array, "N T 2"]) -> Float[Array, "S T"]:
    """Return the log choice factors of some workers, by the reference."""
    workers, years = careers.common.shape
    some = _some(workers)
    potential = careers.potential[some, None, :]
    return log_choice_probability(
        jnp.broadcast_to(potential, (len(some), years, potential.shape[-1])),
        (career[..., 0] - careers.common)[some],
        career[some, :, 1].astype(jnp.int32),
        wage_shock_scale=careers.wage_shock_scale,
        taste_scale=careers.taste_scale,
        amenity=careers.amenity,
    )


@jax.jit
def _against(exact: Float[Array, "S T"], careers: Careers, career: Array) -> GridError:
    some = _some(len(career))
    # On all workers, whose spread sets the nodes and the domain of the series.
    fast = careers.factors(career)[1][some]
    error = jnp.where(careers.observed[some], fast - exact, 0.0)
    return GridError(jnp.abs(error).max(), error.sum() * (len(career) / len(some)))
