"""A second look at draws of θ: one by one, and the same densities and skills as elsewhere."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import lognorm

from few_careers import few_careers
from taskroy.inference.draw_skills import SkillProblem, draw_skills
from taskroy.inference.drawn_skills import DrawnSkills
from taskroy.inference.marginal_likelihood import log_likelihood
from taskroy.inference.second_look import SecondLook, look_again
from taskroy.inference.theta import theta_at
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings
from taskroy.progress import Silent

YEARS = (3, 1, 2, 3, 2, 1)
VALUES: dict[str, Any] = {
    "wage_shock_scale": jnp.asarray(0.4),
    "taste_scale": jnp.asarray(0.3),
    "skill_mean": jnp.array([2.0, 2.5]),
    "skill_sd": jnp.array([1.5, 0.8]),
    "skill_corr_cholesky": jnp.array([[1.0, 0.0], [0.6, 0.8]]),
    "coefficient": jnp.array([0.2]),
}
SCALES = np.repeat([0.3, 0.5], 200)


@pytest.fixture(scope="module")
def problem() -> SkillProblem:
    settings = ModelSettings(shock="worker", intercept="known", amenities="none")
    return few_careers(settings, Grid(), YEARS).skills()


@pytest.fixture(scope="module")
def draws() -> dict[str, Any]:
    each = {k: jnp.broadcast_to(v, (len(SCALES), *jnp.shape(v))) for k, v in VALUES.items()}
    return each | {"taste_scale": jnp.asarray(SCALES)}


@pytest.fixture(scope="module")
def found(problem: SkillProblem, draws: dict[str, Any]) -> SecondLook:
    parts = list(look_again(problem, draws, jax.random.key(0), Silent()))
    assert len(parts) > 1
    return jax.tree.map(lambda *p: np.concatenate(p), *parts)


def test_draws_are_evaluated_one_by_one(found: SecondLook) -> None:
    assert found.likelihood.shape == (len(SCALES), len(YEARS))
    # Proposals are shared: the same θ has the same density, to the last digit.
    assert (np.unique(found.likelihood, axis=0).shape[0], len(np.unique(found.correction))) == (
        2,
        2,
    )
    np.testing.assert_array_equal(found.likelihood[0], found.likelihood[199])
    assert (found.likelihood[0] != found.likelihood[-1]).all()
    density = lognorm.logpdf(SCALES, 0.6, scale=0.25)
    np.testing.assert_allclose(found.prior["taste_scale"], density, rtol=1e-10)


def test_likelihoods_are_those_of_their_own_function(
    problem: SkillProblem, draws: dict[str, Any], found: SecondLook
) -> None:
    """By many proposals: what eight leave is noise of the third digit."""
    theta = theta_at(problem.model, jax.tree.map(lambda x: x[0], draws))
    known = log_likelihood(problem, theta, jax.random.key(1), 4000)
    np.testing.assert_allclose(found.likelihood[0], known, rtol=0, atol=0.02)


def test_skills_are_new_at_every_draw_and_of_the_same_posterior(
    problem: SkillProblem, draws: dict[str, Any], found: SecondLook
) -> None:
    """Means and sds of 200 draws at one θ; 48 comparisons, a false alarm once in 300 seeds."""
    other = np.empty_like(found.deviation)
    room = DrawnSkills(other.reshape(2, 200, *other.shape[1:]))
    decrement = draw_skills(problem, draws, jax.random.key(2), room, Silent())
    assert decrement.shape == (len(SCALES),)
    assert len(np.unique(found.deviation[:, 0, 0])) == len(SCALES)
    for some in (slice(0, 200), slice(200, None)):
        a, b = (np.asarray(x[some]) for x in (found.deviation, other))
        error = np.sqrt((a.var(0) + b.var(0)) / 200)
        assert (np.abs(a.mean(0) - b.mean(0)) / error).max() < 4
        # Of log sds of normal variables.
        assert np.abs(np.log(a.std(0) / b.std(0))).max() < 4 / np.sqrt(200)
