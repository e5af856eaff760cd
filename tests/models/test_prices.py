"""The search for prices: where it starts, how it goes on, and what becomes of one that fails."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from taskroy.models.broyden import CONVERGED, Root
from taskroy.models.prices import Prices
from taskroy.models.scenario import Automation, Scenario, play
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.supply import Supply, product
from taskroy.models.technology import Technology
from taskroy.models.world import Economy, Parameters, World

WORKERS, OCCUPATIONS, TASKS = 60, 6, 4
MACHINES = Automation(productivity=0.3)
CLEAR = Prices(elasticity=1.5)
# What is right to a residual of 1e-11, times the norm of the excess's inverse Jacobian.
CLOSE = 1e-10


def draw(seed: int) -> Parameters:
    """Draw skills and parameters around the same values."""
    rng = np.random.default_rng((7, seed))
    skill = np.random.default_rng(8).normal(2.0, 0.6, (WORKERS, TASKS))
    skill = skill + 0.1 * rng.normal(size=skill.shape)
    return Parameters(
        skill=skill,
        skill_mean=skill.mean(0),
        intercept=0.05 * np.arange(OCCUPATIONS) + 0.02 * rng.normal(size=OCCUPATIONS),
        amenity=0.02 * rng.normal(size=OCCUPATIONS),
        wage_shock_scale=np.asarray(0.4),
        taste_scale=np.asarray(0.25),
    )


def technology() -> Technology:
    weights = np.random.default_rng(9).dirichlet(np.full(TASKS, 2.0), OCCUPATIONS)
    return Technology.from_task_weights(weights, np.linspace(0.5, 0.9, OCCUPATIONS))


def economies(seed: int, shock: Any = "occupation") -> tuple[Economy, Economy]:
    """Return the economies before and after machines come."""
    exposure = pd.DataFrame({"human_beta": [0.5, 0.3, 0.1, 0.0]}, index=list("abcd"))
    shares = shares_of(Scenario(name="s", step=(MACHINES,)), exposure)
    before, after, _ = play((MACHINES,), draw(seed), technology(), shares, shock)
    return before, after


def clear(seed: int, nearby: Root, step: Prices = CLEAR) -> Root:
    before, after = economies(seed)
    return step.clear(after, before, nearby)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_a_draw_nearby_saves_evaluations_and_changes_nothing(shock: Any) -> None:
    near, count = Root.unknown(OCCUPATIONS), {"cold": 0, "warm": 0}
    for seed in range(4):
        before, after = economies(seed, shock)
        cold = CLEAR.clear(after, before, Root.unknown(OCCUPATIONS))
        near = CLEAR.clear(after, before, near)
        np.testing.assert_allclose(near.point, cold.point, rtol=0, atol=CLOSE)
        assert max(near.residual, cold.residual) < 1e-11
        if seed:
            count["cold"] += int(cold.evaluations)
            count["warm"] += int(near.evaluations)
    assert float(jnp.abs(cold.point).max()) > 0.01
    assert count["warm"] < count["cold"] <= 3 * 10


def test_prices_found_already_are_tried_once() -> None:
    found = clear(0, Root.unknown(OCCUPATIONS))
    again = clear(0, found)
    assert int(again.evaluations) == 1
    np.testing.assert_array_equal(again.point, found.point)


@pytest.mark.parametrize("wrong", [40.0, -600.0, np.nan])
def test_a_start_that_leads_nowhere_is_left_for_zero(wrong: float) -> None:
    step = Prices(elasticity=1.5, iterations=12)
    cold = clear(1, Root.unknown(OCCUPATIONS), step)
    point = wrong * jnp.asarray([1.0, -1.0] * (OCCUPATIONS // 2))
    found = clear(1, Root(point, jnp.zeros(()), jnp.zeros((), int)), step)
    assert bool(found.solved)
    np.testing.assert_allclose(found.point, cold.point, rtol=0, atol=CLOSE)
    assert int(found.evaluations) > int(cold.evaluations)


def test_a_search_that_fails_is_no_start_and_says_so() -> None:
    short = Prices(elasticity=0.5, iterations=1)
    failed = clear(0, Root.unknown(OCCUPATIONS), short)
    assert float(failed.residual) > CONVERGED
    assert not bool(failed.solved)
    # One step, and no second start: there was nothing to start from but zero.
    assert int(failed.evaluations) == 2
    after_failure, cold = (clear(1, near) for near in (failed, Root.unknown(OCCUPATIONS)))
    for a, b in zip(after_failure, cold, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_the_response_of_supply_is_its_derivative(shock: Any) -> None:
    """By forward differentiation: own prices' exactly, others' where shocks are the worker's."""
    world = World.at(draw(0), technology())
    supply = Supply.of(world, shock)
    price = jnp.asarray(np.random.default_rng(2).normal(0.0, 0.2, OCCUPATIONS))
    units, response = supply.with_response(price)
    np.testing.assert_allclose(units, supply.at(price), rtol=1e-13)
    exact = np.asarray(jax.jacfwd(lambda p: jnp.log(supply.at(p)))(price))
    np.testing.assert_allclose(jnp.diagonal(response), np.diagonal(exact), rtol=2e-7)
    tolerance = 0.1 * np.abs(exact).max() if shock == "occupation" else 1e-12
    np.testing.assert_allclose(response, exact, rtol=0, atol=tolerance)
    np.testing.assert_allclose(response.sum(1), 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("shock", "discount", "most"),
    [("occupation", 0.0, 15), ("worker", 0.0, 12), ("worker", 0.9, 25)],
)
def test_where_experience_pays_the_response_is_near_enough_to_find_prices(
    shock: Any, discount: float, most: int
) -> None:
    before, after = economies(0, shock)
    world = after.world._replace(experience_return=jnp.asarray(0.4), discount=discount)
    supply, fixed = Supply.of(world, shock), jnp.zeros(OCCUPATIONS)
    units, response = supply.with_response(fixed)
    np.testing.assert_allclose(units, supply.at(fixed), rtol=1e-13)
    exact = np.diagonal(jax.jacfwd(lambda x: jnp.log(supply.at(x)))(fixed))
    # More than that of a static choice: whoever is drawn to an occupation is kept there.
    static = Supply.of(after.world, shock).with_response(fixed)[1]
    assert (exact > np.diagonal(static)).all()
    if discount == 0:
        short, missed = exact - np.diagonal(static), exact - np.diagonal(response)
        assert (np.abs(missed) < 0.6 * short).all()
    found = CLEAR.clear(Economy(world, shock), before, Root.unknown(OCCUPATIONS))
    assert float(found.residual) < 1e-11
    assert int(found.evaluations) <= most


def test_supply_at_other_prices_is_that_of_another_world() -> None:
    world = World.at(draw(0), technology())
    price = jnp.linspace(-0.3, 0.2, OCCUPATIONS)
    there = product(world._replace(intercept=world.intercept + price), "occupation")
    found = Supply.of(world, "occupation").at(price) * jnp.exp(price)
    np.testing.assert_allclose(found, there, rtol=1e-12)
