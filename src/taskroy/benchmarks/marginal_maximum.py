"""The likelihood with skills integrated out, maximised over θ without a prior: what is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from scipy import optimize

from taskroy.inference.seen import Seen
from taskroy.inference.skill_posterior import laplace
from taskroy.inference.theta import Theta, careers
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

_GRID = Grid(nodes=72, terms=24, knots=112)
# From skills at their mean, without a pilot.
_NEWTON_STEPS = 8
_SETTINGS = ModelSettings()


class Sizes(NamedTuple):
    """Occupations and tasks."""

    occupations: int
    tasks: int


class Maximum(NamedTuple):
    """θ where the likelihood is highest, and 2·(highest − at the start)."""

    theta: Theta
    statistic: float


def maximizer(sizes: Sizes) -> Callable[[Seen, Float[np.ndarray, " P"]], Maximum]:
    """Return a function that maximises the likelihood of a panel, compiled once for panels alike.

    Its arguments are what was seen, and where to start: every number of θ, unconstrained (`flat`).
    """

    def minus_log_likelihood(point: Array, known: Seen) -> Array:
        theta = theta_of(point, sizes)
        start = jnp.zeros((len(known.career), sizes.tasks))
        there = laplace(theta, known, start, _SETTINGS, _GRID, steps=_NEWTON_STEPS)
        joint = careers(theta, known, there.mode, _SETTINGS, _GRID).log_prob(known.career)
        return -(joint - 0.5 * (there.mode**2).sum(-1) - 0.5 * there.log_determinant).sum()

    value_and_gradient = jax.jit(jax.value_and_grad(minus_log_likelihood))

    def maximize(known: Seen, start: Float[np.ndarray, " P"]) -> Maximum:
        def objective(x: Any) -> tuple[float, np.ndarray]:
            value, gradient = value_and_gradient(jnp.asarray(x), known)
            return float(value), np.asarray(gradient)

        best = optimize.minimize(objective, start, jac=True, method="BFGS")
        statistic = 2 * (objective(start)[0] - float(best.fun))
        return Maximum(theta_of(jnp.asarray(best.x), sizes), statistic)

    return maximize


def flat(truth: dict[str, Any]) -> Float[np.ndarray, " P"]:
    """Return every number of θ, unconstrained, of a simulated panel's truth."""
    root = np.linalg.cholesky(truth["skill_cov"])
    return np.concatenate(
        [
            np.log([truth["taste_scale"], truth["wage_shock_scale"]]),
            truth["mean_potential"],
            truth["amenity"][:-1],
            np.log(np.diag(root)),
            root[np.tril_indices(len(root), -1)],
            truth["coefficients"],
        ]
    )


def theta_of(point: Float[Array, " P"], sizes: Sizes) -> Theta:
    """Return θ of which `flat` gives the numbers."""
    occupations, tasks = sizes
    lower = tasks * (tasks - 1) // 2
    parts = jnp.split(point, np.cumsum([2, occupations, occupations - 1, tasks, lower]).tolist())
    scales, mean_potential, free, log_diagonal, below, coefficient = parts
    tril = jnp.diag(jnp.exp(log_diagonal)).at[np.tril_indices(tasks, -1)].set(below)
    return Theta(
        wage_shock_scale=jnp.exp(scales[1]),
        taste_scale=jnp.exp(scales[0]),
        mean_potential=mean_potential,
        amenity=jnp.concatenate([free, -free.sum()[None]]),
        coefficient=coefficient,
        skill_scale_tril=tril,
    )
