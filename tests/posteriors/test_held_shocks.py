"""Moves at unchanged shocks: against every choice simulated in NumPy, and their laws."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

from taskroy.models.scenario import Automation, Learning, Scenario, play
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


def economies(shock: Any, *steps: Any, draw: Parameters = DRAW) -> tuple[Economy, Economy]:
    happens = (Automation(productivity=0.3), *steps)
    shares = shares_of(Scenario(name="s", step=happens), EXPOSURE)
    technology = Technology.from_task_weights(WEIGHTS, np.array([0.6, 0.7, 0.5]))
    before, after, _ = play(happens, draw, technology, shares, shock)
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
    require_close(ours, chosen, wages, error=np.sqrt(1.25 / (SETS * WORKERS)))


def require_close(ours: dict[str, np.ndarray], chosen: Any, wages: Any, error: float) -> None:
    """Compare with simulated choices and wages, before and after, (set, worker) each.

    `error` is the standard error of the difference, in sds of one draw: all are independent.
    """
    gain, stays = wages[1] - wages[0], chosen[0] == chosen[1]

    def near(found: float, sample: np.ndarray, *what: object) -> None:
        assert abs(found - sample.mean()) < 4.5 * error * sample.std() + 1e-12, what

    for o in range(3):
        was, becomes = chosen[0] == o, chosen[1] == o
        members = (was & stays, was & ~stays, becomes & ~stays, was)
        for group, (name, member) in enumerate(zip(GROUPS, members, strict=True)):
            near(ours["held_share"][group, o], member.astype(float), name, o)
            near(ours["held_gain"][group, o], member * gain, name, o)
        for d in range(3):  # and by destination, of which the groups are sums
            goes = (was & (chosen[1] == d)).astype(float)
            near(ours["held_flow"][o, d], goes, o, d)
            near(ours["held_flow_gain"][o, d], goes * gain, o, d)


@pytest.mark.parametrize(("shock", "always"), [("occupation", False), ("worker", True)])
def test_where_experience_pays_they_are_those_of_careers_with_the_same_shocks(
    shock: Any, always: bool
) -> None:
    """Against 40 years of shocks in common, from anywhere; 42 numbers as above.

    Experience pays afterwards, or all along; workers look ahead to it where shocks are theirs.
    """
    returns = 0.3
    draw = DRAW._replace(experience_return=np.array(returns), discount=0.6) if always else DRAW
    steps = () if always else (Learning(returns=returns),)
    before, after = economies(shock, *steps, draw=draw)
    ours = held(before, after)
    rng, size = np.random.default_rng(3), (SETS, WORKERS, 3)
    last = [np.zeros(size[:2], int), np.zeros(size[:2], int)]
    gains, ahead = (returns if always else 0.0, returns), [0.0, 0.0]
    if always:
        ahead = [foreseen(np.asarray(one.world.potential), returns) for one in (before, after)]
    for _ in range(40):
        shocks = RHO * rng.normal(size=size if shock == "occupation" else (*size[:2], 1))
        taste = NU * rng.gumbel(size=size)
        wages = []
        for way, economy in enumerate((before, after)):
            here = np.arange(3) == last[way][..., None]
            wage = np.asarray(economy.world.potential) + shocks + gains[way] * here
            last[way] = (wage + AMENITY + ahead[way] + taste).argmax(-1)
            wages.append(np.take_along_axis(wage, last[way][..., None], -1)[..., 0])
    require_close(ours, last, wages, error=np.sqrt(2 / (SETS * WORKERS)))


def foreseen(potential: np.ndarray, returns: float) -> np.ndarray:
    """Return β times what it is worth next year to have held each occupation, by iteration."""
    value = np.zeros_like(potential)
    for _ in range(200):
        worth = (potential + AMENITY)[:, None, :] + returns * np.eye(3) + 0.6 * value[:, None, :]
        value = NU * np.log(np.exp(worth / NU).sum(-1))
    return 0.6 * value


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
