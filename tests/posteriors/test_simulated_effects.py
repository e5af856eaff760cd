"""Flows, changes of wages and welfare against brute force: every shock and choice simulated.

A scenario of every kind of step, 30 workers, 40,000 pairs of choices each, before and after with
shocks of their own. Tolerances are five standard errors of the simulation, for about 80 numbers: a
false alarm once in 20,000 seeds, and the seed is fixed.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
import pandas as pd
import pytest

from taskroy.models.scenario import (
    Augmentation,
    Automation,
    Bargaining,
    Prices,
    Scenario,
    Simplification,
    play,
)
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Economy, Parameters
from taskroy.posteriors.effects import effects
from taskroy.posteriors.flows import GROUPS

WORKERS, DRAWS, RHO, NU = 30, 40_000, 0.4, 0.25
RNG = np.random.default_rng(12)
DRAW = Parameters(
    skill=RNG.normal(2.0, 0.6, (WORKERS, 3)),
    skill_mean=np.array([2.0, 2.1, 1.9]),
    intercept=np.array([0.1, 0.0, -0.1]),
    amenity=np.array([0.05, 0.0, -0.05]),
    wage_shock_scale=np.array(RHO),
    taste_scale=np.array(NU),
)
SCENARIO = Scenario(
    name="everything",
    step=(
        Automation(productivity="quantile", quantile=0.6),
        Augmentation(gain=0.2, tasks=("writing",)),
        Simplification(quantile=0.6, tasks=("selling",)),
        Bargaining(share=0.9, elasticity=0.3),
        Prices(elasticity=1.5),
    ),
)
EXPOSURE = pd.DataFrame({"human_beta": [0.5, 0.1, 0.0]}, index=["lifting", "writing", "selling"])


class Simulated(NamedTuple):
    """Wage earned, occupation held and utility of every choice, (workers, draws)."""

    wage: np.ndarray
    held: np.ndarray
    utility: np.ndarray


def simulated(economy: Economy, rng: np.random.Generator) -> Simulated:
    world = economy.world
    alpha = np.asarray(world.technology.alpha)
    weights = alpha / alpha.sum(1, keepdims=True)
    parts = []
    for skill, premium in zip(np.asarray(world.skill), np.asarray(world.premium), strict=True):
        shock = RHO * rng.standard_normal((DRAWS, 3))
        wage = np.asarray(world.intercept) + weights @ skill + premium + shock
        utility = wage + DRAW.amenity + NU * rng.gumbel(size=(DRAWS, 3))
        held = utility.argmax(1)
        parts.append((wage[np.arange(DRAWS), held], held, utility.max(1)))
    return Simulated(*(np.stack(x) for x in zip(*parts, strict=True)))


@pytest.fixture(scope="module")
def case():
    with jax.enable_x64(True):
        technology = Technology.from_task_weights(
            np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]]), np.array([0.6, 0.7, 0.5])
        )
        shares = shares_of(SCENARIO, EXPOSURE)
        before, after, _ = play(SCENARIO.step, DRAW, technology, shares, "occupation")
        found = effects(DRAW, SCENARIO.step, technology, shares, shock="occupation")
        rng = np.random.default_rng(5)
        worlds = simulated(before, rng), simulated(after, rng)
        numbers = {name: np.asarray(value) for name, value in found.items()}
        displaced = after.world.technology.labor_share / technology.labor_share
        return numbers, *worlds, np.asarray(after.world.premium), np.asarray(displaced)


def near(value: float, sample: np.ndarray) -> None:
    """Assert that a value is within five standard errors of a sample's mean."""
    assert abs(value - sample.mean()) < 5 * sample.std() / np.sqrt(sample.size)


def test_flows_are_those_of_simulated_workers(case) -> None:
    found, old, new, *_ = case
    for o in range(3):
        for d in range(3):
            near(found["flow"][o, d], (old.held == o) & (new.held == d))
            there = (old.held == o) & (new.held == d)
            back = (old.held == d) & (new.held == o)
            if o != d:
                near(found["net_flow"][o, d], there.astype(float) - back)


def test_groups_fare_as_simulated_ones_do(case) -> None:
    found, old, new, *_ = case
    change = new.wage - old.wage
    for o in range(3):
        was, becomes = old.held == o, new.held == o
        members = {
            "stayers": was & becomes,
            "leavers": was & ~becomes,
            "in_switchers": ~was & becomes,
            "incumbents": was,
        }
        assert tuple(members) == GROUPS
        for g, member in enumerate(members.values()):
            near(found["group_share"][g, o], member)
            near(found["group_change"][g, o], change[member])


def test_workers_and_occupations_fare_as_simulated_ones_do(case) -> None:
    found, old, new, *_ = case
    for i in range(WORKERS):
        near(found["worker_change"][i], new.wage[i] - old.wage[i])
    near(found["welfare_change"], new.utility - old.utility)
    for o in range(3):
        before, after = old.wage[old.held == o], new.wage[new.held == o]
        error = np.hypot(before.std() / np.sqrt(before.size), after.std() / np.sqrt(after.size))
        assert abs(after.mean() - before.mean() - found["log_wage_change"][o]) < 5 * error


def test_markets_clear_for_what_simulated_workers_produce(case) -> None:
    """With CES demand, p_o·(Y_o/Y_o before)^(1/σ) is the same in every occupation."""
    found, old, new, premium, displaced = case
    assert np.abs(found["log_price"]).max() > 0.01
    value, error = np.empty(3), np.empty(3)
    for o in range(3):
        was = np.exp(old.wage) * (old.held == o)
        made = np.exp(new.wage - premium[:, [o]]) * (new.held == o)
        # p + log(Y/Y before)/σ, where p·Y is what workers make over the labour share; σ is 1.5.
        paid_for = np.log(made.mean() / was.mean() / displaced[o])
        value[o] = found["log_price"][o] / 3 + paid_for / 1.5
        error[o] = np.hypot(was.std() / was.mean(), made.std() / made.mean()) / np.sqrt(was.size)
    assert np.ptp(value) < 5 * error.max()
