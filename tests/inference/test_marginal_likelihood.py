"""Log densities of draws: the prior's against NumPyro and SciPy, a career's against quadrature."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import handlers
from numpyro.infer.util import log_density
from scipy.special import log_softmax, logsumexp
from scipy.stats import halfnorm, lognorm, norm

from few_careers import few_careers
from taskroy.inference.marginal_likelihood import log_likelihood, log_prior
from taskroy.inference.theta import theta_at
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

YEARS = (3, 1, 2, 3, 2, 1)
WEIGHTS = np.array([[0.7, 0.3], [0.2, 0.8], [0.45, 0.55]])
LABOR_SHARE = np.array([0.7, 0.6, 0.8])
SOFTMAX = ModelSettings(shock="worker", intercept="known", amenities="none")
VALUES: dict[str, Any] = {
    "wage_shock_scale": jnp.asarray(0.4),
    "taste_scale": jnp.asarray(0.3),
    "skill_mean": jnp.array([2.0, 2.5]),
    "skill_sd": jnp.array([1.5, 0.8]),
    "skill_corr_cholesky": jnp.array([[1.0, 0.0], [0.6, 0.8]]),
    "coefficient": jnp.array([0.2]),
}


def by_quadrature(career: np.ndarray, observed: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Integrate each worker's skills out on a grid; shares no code with the model."""
    labour, machine = WEIGHTS * LABOR_SHARE[:, None], 1 - LABOR_SHARE
    known = ((labour * np.log(labour)).sum(1) + machine * np.log(machine)) / LABOR_SHARE
    node, weight = np.polynomial.hermite_e.hermegauss(160)
    e = np.stack(np.meshgrid(node, node, indexing="ij"), -1).reshape(-1, 2)
    log_weight = np.log(np.outer(weight, weight).ravel() / (2 * np.pi))
    tril = np.array([1.5, 0.8])[:, None] * np.array([[1.0, 0.0], [0.6, 0.8]])
    potential = known + (np.array([2.0, 2.5]) + e @ tril.T) @ WEIGHTS.T
    choice = log_softmax(potential / 0.3, axis=1)
    found = []
    for i in range(len(career)):
        total = log_weight.copy()
        for t in np.flatnonzero(observed[i]):
            held = int(career[i, t, 1])
            mean = potential[:, held] + design[i, t, 0] * 0.2
            total += norm.logpdf(career[i, t, 0], mean, 0.4) + choice[:, held]
        found.append(logsumexp(total))
    return np.array(found)


def test_a_careers_likelihood_is_the_integral_over_skills() -> None:
    problem = few_careers(SOFTMAX, Grid(), YEARS).skills()
    known = problem.seen
    exact = by_quadrature(
        *(np.asarray(x) for x in (known.career, known.economy.observed, known.economy.design))
    )

    @jax.jit
    def found(values: dict[str, Any]) -> tuple[Any, Any]:
        theta, key = theta_at(problem.model, values), jax.random.key(0)
        return log_likelihood(problem, theta, key, 4000), log_likelihood(problem, theta, key)

    many, few = map(np.asarray, found(VALUES))
    # Weights of 4,000 proposals have an sd of 0.5 at most: 0.04 are five standard errors.
    np.testing.assert_allclose(many, exact, atol=0.04)
    assert np.abs(few - exact).max() < 1.0
    assert np.abs(many - exact).sum() < np.abs(few - exact).sum()


def test_what_laplaces_method_misses_is_estimated_without_bias() -> None:
    """As a weight of draws of θ with their skills, an estimate has to be right on average."""
    problem = few_careers(SOFTMAX, Grid(), YEARS).skills()
    known = problem.seen
    exact = by_quadrature(
        *(np.asarray(x) for x in (known.career, known.economy.observed, known.economy.design))
    )

    theta = theta_at(problem.model, VALUES)

    def found(key: jax.Array) -> jax.Array:
        return log_likelihood(problem, theta, key).sum()

    each = jax.jit(lambda k: jax.lax.map(found, k))(jax.random.split(jax.random.key(1), 2000))
    ratio = np.exp(np.asarray(each) - exact.sum())
    error = ratio.std() / np.sqrt(len(ratio))
    assert error < 0.05
    assert abs(ratio.mean() - 1) < 4 * error  # a false alarm in 16,000


@pytest.mark.parametrize(
    ("model", "more"),
    [
        (
            ModelSettings(shock="worker"),
            {
                "mean_potential": jnp.array([2.1, 2.4, 2.2]),
                "intercept_scale": jnp.asarray(0.3),
                "amenity_scale": jnp.asarray(0.2),
                "amenity": jnp.array([0.1, 0.1, -0.2]),
            },
        ),
        (
            ModelSettings(shock="worker", intercept="known", covariance="factor", factors=1),
            {
                "amenity_scale": jnp.asarray(0.2),
                "amenity": jnp.array([0.1, 0.1, -0.2]),
                "loading_scale": jnp.asarray(1.2),
                "loading_triangle": jnp.array([[0.5]]),
                "loading_rest": jnp.array([[-0.3]]),
                "unique_sd": jnp.array([0.9, 1.1]),
            },
        ),
    ],
)
def test_log_priors_add_up_to_the_density_of_the_prior(
    model: ModelSettings, more: dict[str, Any]
) -> None:
    problem = few_careers(model, Grid(), YEARS)
    names = problem.sites(skills=False)
    values = {k: v for k, v in (VALUES | more).items() if k in names}
    found = jax.jit(lambda v: log_prior(problem.skills(), v))(values)
    assert set(found) == set(names)
    prior = handlers.block(problem.generative(), hide=["skill_deviation", "career"])
    total = jax.jit(lambda v: log_density(handlers.seed(prior, 0), (), {}, v)[0])(values)
    np.testing.assert_allclose(sum(found.values()), total, rtol=1e-12)
    np.testing.assert_allclose(found["wage_shock_scale"], lognorm.logpdf(0.4, 0.5, scale=0.35))
    np.testing.assert_allclose(found["amenity_scale"], halfnorm.logpdf(0.2, scale=0.5))
