"""Where the posterior density of θ is highest, skills integrated out: L-BFGS on Laplace's method.

Of a few dozen parameters a variational fit finds the posterior by itself. Of hundreds, those of a
wide task space, it may end far short of it: its skills are independent of each other, and stay near
where they were whitened. The density with skills integrated out has neither fault, and no noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree
from jaxtyping import Int
from scipy import optimize

from taskroy.errors import FitError
from taskroy.inference.density import density_of
from taskroy.inference.problem import Problem
from taskroy.inference.replace_skills import WHITENED
from taskroy.progress import Progress

# Pairs of steps and gradients that stand for the Hessian.
_MEMORY = 30
_STEPS = 1000
# The ascent ends where a step gains less, in log units.
_LEAST_GAIN = 1e-3
_TOLD = 10
# Below anything that is finite: a point that is not is left again.
_NOWHERE = 1e6


def highest_density(
    problem: Problem,
    progress: Progress,
    start: Mapping[str, Array],
    workers: Int[Array, " B"] | None = None,
) -> dict[str, Array]:
    """Return values of the sites of `Problem.marginal` where its density is highest.

    It is the density of unconstrained sites, whose maximum a change of units does not move to the
    edge of a scale's support.

    Parameters
    ----------
    problem
        Ready for Laplace's method.
    progress
        Told how far it is.
    start
        Constrained values of sites to start from; others start at the problem's own.
    workers
        Those that stand for all; all of them when left out.

    Returns
    -------
    dict
        Constrained values by site.

    Raises
    ------
    FitError
        If the density is not finite at the start.
    """
    density = density_of(partial(problem.marginal, workers))
    begin = problem.start() | dict(start)
    begin.pop(WHITENED, None)
    flat, unravel = ravel_pytree(jax.jit(density.to_real)(begin))
    evaluate = jax.jit(jax.value_and_grad(lambda x: density.potential(unravel(x))))
    first = float(evaluate(flat)[0])
    if not np.isfinite(first):
        raise FitError(
            "The density with skills integrated out is not finite where the pilot ends.",
            expected="a finite density there",
            remedy="run it with float64 and another seed; if it stays, use tighter priors",
        )

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = evaluate(jnp.asarray(x, flat.dtype))
        slope = np.asarray(gradient, float)
        if np.isfinite(value) and np.isfinite(slope).all():
            return float(value), slope
        return abs(first) + _NOWHERE, np.zeros_like(slope)

    done = 0

    def tell(intermediate_result: optimize.OptimizeResult) -> None:
        nonlocal done
        done += 1
        if done % _TOLD == 0:
            progress.advance(done, f"log density {-intermediate_result.fun:.1f}")

    progress.start("highest density", _STEPS)
    best = optimize.minimize(
        objective,
        np.asarray(flat, float),
        jac=True,
        method="L-BFGS-B",
        callback=tell,
        options={
            "maxiter": _STEPS,
            "maxfun": 2 * _STEPS,
            "maxcor": _MEMORY,
            # SciPy's is relative to the value.
            "ftol": _LEAST_GAIN / max(abs(first), 1.0),
            "gtol": 0.0,
        },
    )
    progress.finish()
    found: dict[str, Array] = jax.jit(density.from_real)(unravel(jnp.asarray(best.x, flat.dtype)))
    return found
