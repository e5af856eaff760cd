"""The likelihood weighted by importance: its gradient, and that it mends Laplace's error."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import handlers
from numpyro.infer.util import log_density

from few_careers import few_careers
from taskroy.inference.problem import Problem
from taskroy.inference.skill_importance import log_mean
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

MODEL = ModelSettings(shock="worker", intercept="known", amenities="none")
PROPOSALS = 4000
STEP = 1e-4


def log_likelihood(problem: Problem, proposals: int, scales: Array) -> Array:
    """Return the log density at three scales: of wage shocks, of tastes, and of a skill."""
    values = {
        "wage_shock_scale": scales[0],
        "taste_scale": scales[1],
        "skill_mean": jnp.array([2.0, 2.5]),
        "skill_sd": jnp.stack([scales[2], jnp.asarray(0.8)]),
        "skill_corr_cholesky": jnp.array([[1.0, 0.0], [0.6, 0.8]]),
        "coefficient": jnp.array([0.2]),
    }
    model = partial(problem.marginal, proposals=proposals)
    return log_density(handlers.seed(model, 0), (), {}, values)[0]


def test_gradient_is_that_of_the_likelihood_and_near_laplaces() -> None:
    scales = jnp.array([0.4, 0.3, 1.5])
    problem = few_careers(MODEL, Grid(), (3, 1, 2, 3, 2, 1))

    @partial(jax.jit, static_argnums=0)
    def found(proposals: int) -> tuple[Array, Array]:
        of = partial(log_likelihood, problem, proposals)
        moved = jnp.concatenate([scales + STEP * jnp.eye(3), scales - STEP * jnp.eye(3)])
        up, down = jnp.split(jax.lax.map(of, moved), 2)
        return jax.grad(of)(scales), (up - down) / (2 * STEP)

    gradient, difference = map(np.asarray, found(PROPOSALS))
    _, laplace = map(np.asarray, found(0))
    # Differences let the proposals' spread follow, the gradient does not: both are the
    # likelihood's, up to a noise of sd 0.04 in the gradient. Counting it too would add 1 and more.
    np.testing.assert_allclose(gradient, difference, atol=0.2)
    # Six workers, two of whom are seen once, where Laplace's method is at its worst.
    np.testing.assert_allclose(gradient, laplace, atol=0.5)
    assert np.abs(gradient - laplace).max() > 1e-3


def test_log_mean_is_the_log_of_the_mean() -> None:
    weight = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(log_mean(jnp.asarray(weight)), np.log(np.exp(weight).mean(0)))
