"""Moves at unchanged shocks: against every choice simulated in NumPy, and their laws."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

from taskroy.models.scenario import Automation, Scenario, play
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Economy, Parameters
from taskroy.posteriors.flows import GROUPS
from taskroy.posteriors.held_shocks import held_groups

WORKERS, SETS, RHO, NU = 25, 2000, 0.4, 0.25
WEIGHTS = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
AMENITY = np.array([0.05, 0.0, -0.05])
RNG = np.random.default_rng(12)
DRAW = Parameters(
    skill=RNG.normal(2.0, 0.6, (WORKERS, 3)),
    skill_mean=np.array([2.0, 2.1, 1.9]),
    intercept=np.array([0.1, 0.0, -0.1]),
    amenity=AMENITY,
    wage_shock_scale=np.array(RHO),
    taste_scale=np.array(NU),
)
EXPOSURE = pd.DataFrame({"human_beta": [0.5, 0.1, 0.0]}, index=["lifting", "writing", "selling"])


@pytest.fixture(autouse=True)
def double_precision() -> Any:
    with jax.enable_x64(True):
        yield


def economies(shock: Any) -> tuple[Economy, Economy]:
    machines = Automation(productivity=0.3)
    shares = shares_of(Scenario(name="s", step=(machines,)), EXPOSURE)
    technology = Technology.from_task_weights(WEIGHTS, np.array([0.6, 0.7, 0.5]))
    before, after, _ = play((machines,), DRAW, technology, shares, shock)
    return before, after


def held(before: Economy, after: Economy) -> dict[str, np.ndarray]:
    found = jax.jit(lambda: held_groups(before, after, jax.random.key(0), SETS))()
    return {name: np.asarray(value) for name, value in found.items()}


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_groups_are_those_of_a_simulation_in_numpy(shock: Any) -> None:
    """42 numbers, within 4.5 standard errors of both simulations: a false alarm in 3,500 a case."""
    before, after = economies(shock)
    ours = held(before, after)
    rng, sets = np.random.default_rng(3), 4 * SETS
    size = (sets, WORKERS, 3)
    shocks = RHO * rng.normal(size=size if shock == "occupation" else (*size[:2], 1))
    taste = NU * rng.gumbel(size=size)
    wages, chosen = [], []
    for economy in (before, after):
        wage = np.asarray(economy.world.potential) + shocks
        pick = (wage + AMENITY + taste).argmax(-1)
        chosen.append(pick)
        wages.append(np.take_along_axis(wage, pick[..., None], -1)[..., 0])
    gain, stays = wages[1] - wages[0], chosen[0] == chosen[1]
    for o in range(3):
        was, becomes = chosen[0] == o, chosen[1] == o
        members = (was & stays, was & ~stays, becomes & ~stays, was)
        for group, (name, member) in enumerate(zip(GROUPS, members, strict=True)):
            for key, sample in (("held_share", member.astype(float)), ("held_gain", member * gain)):
                # Draws of all workers are independent; ours are a quarter as many.
                error = sample.std() * np.sqrt(1.25 / (SETS * WORKERS))
                assert abs(ours[key][group, o] - sample.mean()) < 4.5 * error + 1e-12, (name, key)
        for d in range(3):  # and by destination, of which the groups are sums
            goes = (was & (chosen[1] == d)).astype(float)
            for key, sample in (("held_flow", goes), ("held_flow_gain", goes * gain)):
                error = sample.std() * np.sqrt(1.25 / (SETS * WORKERS))
                assert abs(ours[key][o, d] - sample.mean()) < 4.5 * error + 1e-12, (key, o, d)


def test_in_a_world_that_stays_nobody_moves_and_nothing_changes() -> None:
    before, _ = economies("occupation")
    ours = held(before, before)
    assert not ours["held_gain"].any()
    assert not ours["held_share"][1:3].any()
    np.testing.assert_array_equal(ours["held_share"][0], ours["held_share"][3])
    assert ours["held_share"][3].sum() == pytest.approx(1, abs=1e-12)


def test_gains_of_all_are_those_in_closed_form_and_leavers_are_who_comes() -> None:
    before, after = economies("occupation")
    ours = held(before, after)
    change = np.asarray(after.equilibrium.expected_wage - before.equilibrium.expected_wage)
    # Shocks that are drawn anew and held shocks give the same mean: 4.5 sds of a wage's mean.
    assert ours["held_gain"][3].sum() == pytest.approx(
        change.mean(), abs=4.5 * 0.6 / np.sqrt(SETS * WORKERS)
    )
    assert ours["held_share"][1].sum() == pytest.approx(ours["held_share"][2].sum(), abs=1e-12)
    assert ours["held_gain"][1].sum() == pytest.approx(ours["held_gain"][2].sum(), abs=1e-12)
