"""Choices, wages and welfare in a world: against simulated workers."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models.technology import Technology
from taskroy.models.world import Parameters, Shock, World, solve

SIZE = 300_000
RHO, NU = 0.4, 0.3


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_an_equilibrium_is_what_simulated_workers_do(
    shock: Shock, small_technology: Technology
) -> None:
    """Within five standard errors; of 18 numbers, a false alarm in 100,000 runs."""
    rng = np.random.default_rng(2)
    weights = np.asarray(small_technology.task_weights)
    occupations, tasks = weights.shape
    skill, intercept = rng.normal(2.0, 0.8, (2, tasks)), rng.normal(0.0, 0.1, occupations)
    amenity = rng.normal(0.0, 0.1, occupations)
    draw = Parameters(
        *map(jnp.asarray, (skill, skill.mean(0), intercept, amenity)),
        wage_shock_scale=jnp.asarray(RHO),
        taste_scale=jnp.asarray(NU),
    )
    found = solve(World.at(draw, small_technology), shock)
    for i, own in enumerate(skill):
        noise = rng.normal(size=(SIZE, occupations if shock == "occupation" else 1))
        wage = intercept + weights @ own + RHO * noise
        utility = wage + amenity + NU * rng.gumbel(size=(SIZE, occupations))
        held = utility.argmax(1)
        best = utility.max(1)
        gap = best.mean() - found.welfare[i]
        assert abs(gap) < 5 * best.std() / np.sqrt(SIZE)
        for o in range(occupations):
            here = held == o
            earned = np.where(here, np.broadcast_to(wage, utility.shape)[:, o], 0.0)
            for each, expected in ((here, found.probability), (earned, found.earned)):
                error = each.std() / np.sqrt(SIZE)
                assert abs(each.mean() - expected[i, o]) < 5 * error
