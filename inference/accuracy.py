"""The error of a fit's quadrature, measured: against the reference, worker-year by worker-year."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.careers import Careers
from taskroy.models.choice import log_choice_probability
from taskroy.models.choice_grid import Grid
from taskroy.models.experience import Experience

_WORKERS = 100
_REFINEMENTS = 5
# Of what is worth from next year on, which has no reference of its own.
_FINE = Grid(nodes=240, terms=96, knots=960)


class GridError(NamedTuple):
    """Errors in log P: the largest of a worker-year, and the sum over the panel."""

    largest: float
    summed: float


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


def largest_error(careers: Careers, career: Float[Array, "N T 2"]) -> Float[Array, ""]:
    """Return the largest error of the careers' own grid, in the log P of a worker-year.

    Measured as in `accurate_grid`, without its search: JAX can trace it.
    """
    if careers.shock == "worker":
        return jnp.zeros(())
    return _against(_reference(careers, career), careers, career)[0]


def _some(workers: int) -> np.ndarray:
    return np.unique(np.linspace(0, workers - 1, min(_WORKERS, workers)).astype(int))


@jax.jit
def _reference(careers: Careers, career: Float[Array, "N T 2"]) -> Float[Array, "S T"]:
    """Return the log choice factors of some workers, by the reference."""
    workers, years = careers.common.shape
    some = _some(workers)
    held = career[some, :, 1].astype(jnp.int32)
    fine = careers.replace(grid=_FINE)
    beyond = fine.beyond_wage[some]
    potential = (careers.potential[some] + beyond)[:, None, :]
    potential = jnp.broadcast_to(potential, (len(some), years, potential.shape[-1]))
    if careers.experience_return is not None:
        past = Experience.of(held, careers.observed[some])
        here = jnp.arange(potential.shape[-1]) == past.last[..., None]
        potential = potential + careers.experience_return * (here & past.known[..., None])
    return log_choice_probability(
        potential,
        (career[..., 0] - careers.common)[some] + jnp.take_along_axis(beyond, held, axis=1),
        held,
        wage_shock_scale=careers.wage_shock_scale,
        taste_scale=careers.taste_scale,
    )


@jax.jit
def _against(
    exact: Float[Array, "S T"], careers: Careers, career: Float[Array, "N T 2"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return the largest error, and the sum scaled to the whole panel."""
    some = _some(len(career))
    # On all workers, whose spread sets the nodes and the domain of the series.
    fast = careers.factors(career)[1][some]
    error = jnp.where(careers.observed[some], fast - exact, 0.0)
    return jnp.abs(error).max(), error.sum() * (len(career) / len(some))
