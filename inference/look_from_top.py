"""A problem of many parameters, looked at from where its density is highest."""

from __future__ import annotations

from functools import partial

import jax
from jax import Array
from jaxtyping import Int

from taskroy.inference.gaussian_near import gaussian_near
from taskroy.inference.highest_density import highest_density
from taskroy.inference.problem import Problem, generated_values
from taskroy.progress import Progress

# Of more parameters than these a variational fit alone may end too far from the posterior.
_MANY_PARAMETERS = 200
# The second climb is with modes sought, and quadratures sized, where the first one ended.
_CLIMBS = 2


def is_wide(problem: Problem) -> bool:
    """Tell whether θ is of so many numbers that its highest density is where to look from."""
    # Laplace's method does not know foresight.
    return problem.settings.discount == 0 and problem.parameters > _MANY_PARAMETERS


def look_from_top(
    problem: Problem,
    tolerance: float,
    progress: Progress,
    workers: Int[Array, " B"] | None = None,
) -> tuple[Problem, tuple[Array, Array]]:
    """Return the problem as it looks from its highest density, and the Gaussian of θ there.

    Parameters
    ----------
    problem
        As the pilot found it.
    tolerance
        Of the quadrature, in the log P of a worker-year.
    progress
        Told how far it is.
    workers
        Those that stand for all; all of them when left out.

    Returns
    -------
    tuple
        The problem, ready for Laplace's method; centre and Cholesky factor, as
        :func:`taskroy.inference.gaussian_near.gaussian_near` gives them.
    """
    problem = problem.ready_for_laplace()
    values: dict[str, Array] = {}
    for _ in range(_CLIMBS):
        values = highest_density(problem, progress, values, workers)
        at = partial(generated_values, problem.marginal, problem.sites(skills=False))
        problem = problem.looked_at_from(jax.jit(at)(values), tolerance).ready_for_laplace()
    return problem, gaussian_near(problem, values, workers)
