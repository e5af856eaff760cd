"""Returns to experience beyond what the long run can be computed for are counted, not passed on."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models.long_run_faults import FAULTS, long_run_faults
from taskroy.models.technology import Technology
from taskroy.models.world import World, solve


def world(returns: float, discount: float, taste_scale: float) -> World:
    rng = np.random.default_rng(0)
    return World(
        technology=Technology.from_task_weights(jnp.eye(3), jnp.full(3, 0.6)),
        intercept=jnp.zeros(3),
        skill=jnp.asarray(rng.normal(2.0, 0.6, (6, 3))),
        premium=jnp.zeros((6, 3)),
        amenity=jnp.zeros(3),
        wage_shock_scale=jnp.asarray(0.05),
        taste_scale=jnp.asarray(taste_scale),
        experience_return=jnp.asarray(returns),
        discount=discount,
    )


@pytest.mark.parametrize(
    ("returns", "discount", "taste_scale", "unsettled", "stuck"),
    [
        (0.5, 0.95, 0.25, False, False),
        (5.0, 0.999, 0.02, True, False),  # a bonus of 90 sds of the shocks
        (3.0, 0.0, 0.05, False, True),  # nobody leaves what he is in
    ],
)
def test_they_are_counted(
    returns: float, discount: float, taste_scale: float, unsettled: bool, stuck: bool
) -> None:
    usual = solve(world(0.3, 0.0, 0.25), "occupation")
    found = long_run_faults(usual, solve(world(returns, discount, taste_scale), "occupation"))
    assert tuple(found) == FAULTS
    assert (float(found["unsettled"]) > 0, float(found["stuck"]) > 0) == (unsettled, stuck)
    assert max(map(float, found.values())) <= 6


def test_wages_that_are_no_numbers_are_no_fault_of_the_long_run() -> None:
    broken = world(0.3, 0.0, 0.25)._replace(intercept=jnp.asarray([0.0, jnp.nan, 0.0]))
    assert float(long_run_faults(solve(broken, "worker"))["unsettled"]) == 0
