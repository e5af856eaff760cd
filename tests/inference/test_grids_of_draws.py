"""Grids do where draws are, also those of the smallest taste scale, or it is said how far off."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer import Predictive

from few_careers import few_careers
from taskroy.inference.grids_of_draws import error_at_draws, joint_grids, marginal_grids
from taskroy.inference.problem import Problem, generated_values_of_draws
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

YEARS = (3, 1, 2, 3, 2, 1)
COARSE, FINE = Grid(16, 10, 48), Grid(240, 96, 960)
TOLERANCE = 1e-5


def draws_from_prior(problem: Problem, smallest: float) -> dict[str, jax.Array]:
    """Return draws of the joint model's sites, with taste scales up from a smallest."""
    drawn = Predictive(problem.joint, num_samples=8)(jax.random.key(3))
    scales = smallest * np.linspace(1.0, 5.0, 8)
    # In no order: it is for the code to find the smallest.
    shuffled = np.random.default_rng(0).permutation(scales)
    return {k: v for k, v in drawn.items() if k != "career"} | {
        "taste_scale": jnp.asarray(shuffled)
    }


def generated(problem: Problem, draws: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Return the draws as those of all sites of the generative model."""
    return generated_values_of_draws(problem.joint, problem.sites(skills=True), draws)


@pytest.mark.parametrize("grids_at", [joint_grids, marginal_grids])
def test_a_grid_is_refined_for_the_smallest_taste_scale(grids_at) -> None:
    problem = few_careers(ModelSettings(), COARSE, YEARS)
    draws = draws_from_prior(problem, 0.05)
    before = error_at_draws(problem, generated(problem, draws))
    assert abs(before.largest) > 10 * TOLERANCE
    finer = problem.with_grids(grids_at(problem, draws, TOLERANCE))
    assert finer.grids != problem.grids
    assert finer.grids[0].nodes > COARSE.nodes
    if grids_at is joint_grids:  # skills are at the draws, not at modes
        i = int(np.argmin(np.asarray(draws["taste_scale"])))
        there = generated(finer, {k: v[i : i + 1] for k, v in draws.items()})
        assert abs(error_at_draws(finer, there).largest) < TOLERANCE
        # What is found to do for draws is kept.
        assert joint_grids(finer, draws, TOLERANCE) == finer.grids


def test_a_grid_that_does_is_kept() -> None:
    problem = few_careers(ModelSettings(), FINE, YEARS)
    draws = draws_from_prior(problem, 0.5)
    assert joint_grids(problem, draws, TOLERANCE) == problem.grids


def test_the_error_is_that_of_the_worst_draw() -> None:
    problem = few_careers(ModelSettings(), COARSE, YEARS)
    draws = generated(problem, draws_from_prior(problem, 0.05))
    found = error_at_draws(problem, draws)
    # Eight of eight are measured: no draw alone has more of an error, and one has as much.
    alone = [error_at_draws(problem, {k: v[i : i + 1] for k, v in draws.items()}) for i in range(8)]
    for one, all_of_them in zip(zip(*alone, strict=True), found, strict=True):
        assert abs(all_of_them) == pytest.approx(max(map(abs, one)), rel=1e-9)


def test_without_shocks_by_occupation_there_is_nothing_to_refine() -> None:
    problem = few_careers(ModelSettings(shock="worker"), COARSE, YEARS)
    draws = draws_from_prior(problem, 0.05)
    assert joint_grids(problem, draws, TOLERANCE) == problem.grids
    assert marginal_grids(problem, draws, TOLERANCE) == problem.grids
    assert error_at_draws(problem, generated(problem, draws)) == (0.0, 0.0)
