"""Of many parameters the problem is looked at from where its density is highest."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from few_careers import few_careers
from taskroy.errors import FitError
from taskroy.inference.density import density_of
from taskroy.inference.highest_density import highest_density
from taskroy.inference.latent_sites import latent_sites
from taskroy.inference.look_from_top import is_wide, look_from_top
from taskroy.inference.problem import Problem
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings
from taskroy.progress import Silent

START = {
    "wage_shock_scale": np.asarray(0.4),
    "taste_scale": np.asarray(0.3),
    "skill_sd": np.array([0.5, 0.8]),
    "skill_corr_cholesky": np.array([[1.0, 0.0], [0.6, 0.8]]),
    "coefficient": np.array([0.2]),
    "skill_mean": np.array([2.0, 2.5]),
}
SETTINGS = ModelSettings(intercept="known", amenities="none")
ELSEWHERE = {"wage_shock_scale": np.asarray(0.8), "skill_mean": np.array([1.0, 3.0])}


@pytest.fixture(scope="module")
def first() -> Problem:
    problem = few_careers(SETTINGS, Grid(), (3, 1, 2, 3, 2, 3))
    names = problem.sites(skills=False)
    return problem.looked_at_from({k: v for k, v in START.items() if k in names}, 1e-6)


@pytest.fixture(scope="module")
def top(first: Problem) -> tuple[Problem, Any]:
    return look_from_top(first, 1e-6, Silent())


def height(problem: Problem, values: dict[str, Any]) -> float:
    density = density_of(problem.marginal)
    return -float(jax.jit(lambda v: density.potential(density.to_real(v)))(values))


def test_the_top_is_one_from_wherever_the_climb_starts(first: Problem) -> None:
    heights = [height(first, highest_density(first, Silent(), at)) for at in ({}, ELSEWHERE)]
    assert heights[0] > height(first, START)
    # A climb ends where a step gains a thousandth.
    assert heights[0] == pytest.approx(heights[1], abs=0.02)


def test_the_problem_is_looked_at_from_its_top(top: tuple[Problem, Any]) -> None:
    problem, (centre, root) = top
    density, sites = density_of(problem.marginal), latent_sites(problem.marginal)
    point = jax.jit(density.to_real)({k: problem.pilot.values[k] for k in sites.supports})
    np.testing.assert_allclose(sites.flattened(point), centre, atol=1e-8)
    slope = sites.flattened(jax.jit(jax.grad(density.potential))(point))
    # Half its square is what is left to gain where the Gaussian is right.
    assert np.linalg.norm(root.T @ slope) < 0.2
    assert len(centre) == problem.parameters


def test_some_workers_stand_for_all(first: Problem) -> None:
    every = jnp.arange(len(first.known.career))
    assert height(first, highest_density(first, Silent(), {}, every)) == pytest.approx(
        height(first, highest_density(first, Silent(), {})), abs=0.02
    )


def test_a_start_without_a_density_is_named(first: Problem) -> None:
    nowhere = {"taste_scale": np.asarray(jnp.nan)}
    with pytest.raises(FitError, match="not finite where the pilot ends"):
        highest_density(first, Silent(), nowhere)


def test_of_few_parameters_nothing_is_climbed(first: Problem) -> None:
    assert not is_wide(first)
    factors = ModelSettings(covariance="factor", factors=120, intercept="known", amenities="none")
    many = replace(first, settings=factors)
    # Of two tasks' loadings three numbers can be told apart, however many factors there are.
    assert many.parameters == 2 + 2 + 1 + 1 + 3 + 2
    for parameters, discount in ((200, 0.0), (201, 0.0), (201, 0.9)):
        settings = ModelSettings(state_dependence="experience", discount=discount)
        asked: Any = SimpleNamespace(settings=settings, parameters=parameters)
        assert is_wide(asked) == (parameters > 200 and discount == 0)
