"""The published pattern (Freund and Mann 2025), on a simulated economy at its estimates.

One task that is much exposed to language models is automated as a whole, at the productivity at
which the mean incumbent is indifferent, among 1,500 workers in O*NET's 22 major groups of
occupations with 37 activities. Skills are independent across tasks (sd 2) but for a common part (sd
0.3), which gives potential log wages a sd of 0.68.

Where ours differs: machines cost incumbents of exposed occupations what they lose under "selection"
and not under Δμ. How a loss is shared between the two hangs on where s̄ is: here it is zero at every
task, and incumbents owe their place to skill at the task, not to its mean.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest

from taskroy.data.task_weights import task_weights
from taskroy.models.scenario import Automation
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.effects import effects

TASK = "Documenting/Recording Information"
WORKERS = 1500
HELD = 40


@pytest.fixture(scope="module")
def found() -> dict[str, np.ndarray]:
    tasks, rng = task_weights("major", "gwa"), np.random.default_rng(1)
    weights = tasks.weights.to_numpy()
    with jax.enable_x64(True):
        technology = Technology.from_task_weights(weights, tasks.labor_share.to_numpy())
        intercept = np.asarray(technology.intercept)
        occupations, kinds = weights.shape
        draw = Parameters(
            skill=2.0 * rng.normal(size=(WORKERS, kinds)) + 0.3 * rng.normal(size=(WORKERS, 1)),
            skill_mean=np.zeros(kinds),
            intercept=intercept - intercept.mean(),
            amenity=np.zeros(occupations),
            wage_shock_scale=np.array(0.43),
            taste_scale=np.array(0.26),
        )
        machines = Automation(tasks=(TASK,))
        shares = shares_of(machines, tasks.exposure)
        held = (jax.random.key(0), HELD)
        result = effects(draw, (machines,), technology, shares, shock="occupation", held=held)
        told = {name: np.asarray(value) for name, value in result.items()}
    exposure = tasks.weights[TASK].to_numpy()
    return told | {"exposed": exposure >= np.quantile(exposure, 2 / 3), "exposure": exposure}


def among_exposed(found: dict[str, np.ndarray], name: str) -> float:
    weight = found["employment_before"] * found["exposed"]
    return float(weight @ found[name] / weight.sum())


def beyond(found: dict[str, np.ndarray], group: int) -> float:
    """Mean change of a group's wage in exposed occupations, beyond that in a world that stays."""
    share = found["group_share"][group] * found["exposed"]
    change = found["group_change"][group] - found["group_change_unchanged"][group]
    return float(share @ change / share.sum())


def test_exposed_occupations_gain_while_their_incumbents_lose(found: dict[str, np.ndarray]) -> None:
    assert among_exposed(found, "log_wage_change") > 0.01
    assert among_exposed(found, "incumbent_change") < -0.01
    assert np.corrcoef(found["exposure"], found["incumbent_change"])[0, 1] < -0.5


def test_stayers_gain_leavers_lose_and_who_comes_gains_most(found: dict[str, np.ndarray]) -> None:
    stayers, leavers, comers = (beyond(found, group) for group in range(3))
    assert leavers < 0 < stayers < comers


def test_at_held_shocks_those_who_leave_exposed_occupations_lose(
    found: dict[str, np.ndarray],
) -> None:
    """Nobody moves but for the machines: leavers flee what they lose, or follow what they gain."""
    where = found["exposed"]
    stayers, leavers, comers = (
        float(found["held_gain"][group][where].sum() / found["held_share"][group][where].sum())
        for group in range(3)
    )
    assert leavers < -0.05 < 0 < stayers < comers
    # Over all occupations leavers are those who come elsewhere, and they gain.
    assert found["held_gain"][1].sum() > 0


def test_who_was_good_at_the_task_loses_and_re_sorting_makes_up_for_it(
    found: dict[str, np.ndarray],
) -> None:
    lost = among_exposed(found, "selection")
    assert lost < -0.01
    assert abs(among_exposed(found, "productivity")) < 0.1 * abs(lost)
    assert among_exposed(found, "resorting") > -lost
