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
# Root mean square over workers, of a score in log ν whose sd is one or more: errors of this size
# move an estimate by hundredths of its posterior sd.
_SLOPE_TOLERANCE = 0.05
_SLOPE_REFERENCE = Grid(nodes=160, terms=64, knots=512)
# Of what is worth from next year on, which has no reference of its own.
_FINE = Grid(nodes=240, terms=96, knots=960)


class GridError[T: (float, Array)](NamedTuple):
    """Errors in log P: the largest of a worker-year, and the sum over the panel."""

    largest: T
    summed: T


def accurate_grid(
    careers: Careers, career: Float[Array, "N T 2"], grid: Grid, tolerance: float
) -> tuple[Grid, GridError[float]]:
    """Refine a grid until its error is within a tolerance, and say what the error is.

    Up to 100 workers, evenly spaced, are compared with
    :func:`taskroy.models.choice.log_choice_probability`; the sum is scaled to the whole panel.
    Nodes, terms and knots are refined together; then terms and knots are as at first, if that does.
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

    def error(grid: Grid) -> GridError[float]:
        return GridError(*map(float, _against(exact, careers.replace(grid=grid), career)))

    first, found = grid, error(grid)
    for _ in range(_REFINEMENTS):
        if found.largest <= tolerance:
            break
        grid = _refined(grid)
        found = error(grid)
    if grid != first and found.largest <= tolerance:
        # More often than not nodes were wanting, and the series was good as it was.
        fewer = replace(grid, terms=first.terms, knots=first.knots)
        without = error(fewer)
        if without.largest <= tolerance:
            return fewer, without
    return grid, found


def accurate_for_derivatives(
    careers: Careers,
    career: Float[Array, "N T 2"],
    task_weights: Float[Array, "O K"],
    metric: Float[Array, "N K K"],
    grid: Grid,
) -> Grid:
    """Refine a grid until the derivative of each worker's log determinant is right with it.

    That is what Laplace's method asks most of a grid: a third derivative of the log choice factor,
    of which a series has the fewer digits, the wider skills are.

    Parameters
    ----------
    careers
        At the mode of each worker's skills.
    career
        What was seen.
    task_weights
        A, (O, K).
    metric
        W_i, covariance of each worker's skills about the mode: d log|P_i| = tr(W_i·dP_i).
    grid
        The first to try.
    """
    if careers.shock == "worker":
        return grid
    some = _some(len(career))
    part = careers.replace(
        potential=careers.potential[some],
        common=careers.common[some],
        observed=careers.observed[some],
        grid=_SLOPE_REFERENCE,
    )
    exact = _determinant_slope(part, career[some], task_weights, metric[some])
    for _ in range(_REFINEMENTS):
        # On all workers, whose spread sets the nodes and the domain of the series.
        found = _determinant_slope(careers.replace(grid=grid), career, task_weights, metric)[some]
        if jnp.sqrt(jnp.mean((found - exact) ** 2)) <= _SLOPE_TOLERANCE:
            break
        grid = _refined(grid)
    return grid


def grid_error(careers: Careers, career: Float[Array, "N T 2"]) -> GridError[Array]:
    """Return the error of the careers' own grid, as in `accurate_grid`, in a way JAX can trace."""
    if careers.shock == "worker":
        return GridError(jnp.zeros(()), jnp.zeros(()))
    return _against(_reference(careers, career), careers, career)


def _refined(grid: Grid) -> Grid:
    return replace(
        grid,
        nodes=8 * round(1.15 * grid.nodes / 8 + 0.5),
        terms=grid.terms + 4,
        knots=8 * round(1.3 * grid.knots / 8),
    )


@jax.jit
def _determinant_slope(
    careers: Careers, career: Array, task_weights: Array, metric: Array
) -> Float[Array, " N"]:
    """Return the derivative in log ν of what choices add to tr(W_i·P_i)."""

    def along(taste_scale: Array) -> Array:
        changed = careers.replace(taste_scale=taste_scale)
        return changed.choice_curvature_along(career, task_weights, metric)

    scale = careers.taste_scale
    return jax.jvp(along, (scale,), (scale,))[1]


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
) -> GridError[Array]:
    """Return the errors, the sum scaled to the whole panel."""
    some = _some(len(career))
    # On all workers, whose spread sets the nodes and the domain of the series.
    fast = careers.factors(career)[1][some]
    error = jnp.where(careers.observed[some], fast - exact, 0.0)
    return GridError(jnp.abs(error).max(), error.sum() * (len(career) / len(some)))
