"""A problem looked at again from where a fit of it ends, until the two are near."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from taskroy.inference.problem import Problem, generated_values
from taskroy.inference.variational import Approximation

# A first fit whitens skills for wages only, and may end far from the posterior where choices say
# more than wages do. Whitened there, skills hold the next fit back: so look again from where it
# ends, as long as a scale of shocks moves by a fifth.
_FAR, _AT_MOST = 0.2, 4


def look_again(
    problem: Problem, fit: Callable[[Problem], Approximation], tolerance: float
) -> tuple[Problem, Approximation]:
    """Return the problem as it looks from near its posterior, and its fit.

    Parameters
    ----------
    problem
        As the pilot found it.
    fit
        Approximates the posterior of `Problem.joint`.
    tolerance
        Of the quadrature, in the log P of a worker-year.
    """
    guide = fit(problem)
    for _ in range(_AT_MOST):
        median = guide.median()
        if not _moved(problem.pilot.values, median):
            break
        at = partial(generated_values, problem.joint, problem.sites(skills=False))
        values = jax.jit(at)(problem.start() | median)
        problem = problem.looked_at_from(values, tolerance)
        guide = fit(problem)
    return problem, guide


def _moved(before: dict[str, Array], after: dict[str, Array]) -> bool:
    gap = [abs(jnp.log(after[k] / before[k])) for k in ("wage_shock_scale", "taste_scale")]
    return bool(max(gap) > _FAR)
