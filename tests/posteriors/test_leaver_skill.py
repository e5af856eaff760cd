"""Selection of leavers on the automated skill, worker by worker in plain NumPy."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import report_tree as trees
from taskroy.models.scenario import Augmentation, Automation, Scenario, play
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.bands import Band
from taskroy.posteriors.effects import effects
from taskroy.posteriors.flows import GROUPS
from taskroy.posteriors.table_scenario import scenarios
from taskroy.posteriors.table_selection import selection_table

N = 30
WEIGHTS = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
RNG = np.random.default_rng(3)
DRAW = Parameters(
    skill=RNG.normal(2.0, 0.6, (N, 3)),
    skill_mean=np.full(3, 2.0),
    intercept=np.array([0.1, 0.0, -0.1]),
    amenity=np.array([0.05, 0.0, -0.05]),
    wage_shock_scale=np.array(0.4),
    taste_scale=np.array(0.25),
)
EXPOSURE = pd.DataFrame({"human_beta": [0.5, 0.1, 0.0]}, index=["lifting", "writing", "selling"])
# What is automated twice: half of lifting, then a fifth of what is left of everything.
TWICE = Scenario(
    name="s",
    step=(
        Automation(productivity=0.3),
        Augmentation(gain=0.2),
        Automation(exposure="a fifth", productivity=0.1),
    ),
)


@pytest.fixture(autouse=True)
def double_precision() -> Any:
    with jax.enable_x64(True):
        yield


def of(scenario: Scenario) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Return the effects of a scenario and the choice probabilities before and after."""
    technology = Technology.from_task_weights(WEIGHTS, np.array([0.6, 0.7, 0.5]))
    shares = shares_of(scenario, EXPOSURE.assign(**{"a fifth": 0.2}))
    found = effects(DRAW, scenario.step, technology, shares, shock="occupation")
    before, after, _ = play(scenario.step, DRAW, technology, shares, "occupation")
    p, q = (np.asarray(x.equilibrium.probability) for x in (before, after))
    return {name: np.asarray(value) for name, value in found.items()}, p, q


def test_means_are_those_of_workers_by_their_moves() -> None:
    found, p, q = of(TWICE)
    moved = np.array([1 - 0.5 * 0.8, 1 - 0.9 * 0.8, 0.2])
    score = np.array([sum(moved[k] * s[k] for k in range(3)) / moved.sum() for s in DRAW.skill])
    sds = (score - score.mean()) / score.std()
    for name, after in (("", q), ("_unchanged", p)):
        for o in range(3):
            total, size = np.zeros(4), np.zeros(4)
            for i in range(N):
                stay, leave = p[i, o] * after[i, o], p[i, o] * (1 - after[i, o])
                come = (1 - p[i, o]) * after[i, o]
                chance = np.array([stay, leave, come, stay + leave])
                total += chance * sds[i]
                size += chance
            values = found[f"group_automated_skill{name}"][:, o]
            np.testing.assert_allclose(values, total / size, atol=1e-12)
    # Incumbents of all occupations together are everybody.
    share = found["group_share"]
    everybody = GROUPS.index("incumbents")
    assert share[everybody] @ found["group_automated_skill"][everybody] == pytest.approx(
        0, abs=1e-12
    )


def test_where_nothing_is_automated_nobody_is_skilled_at_it() -> None:
    found, _, _ = of(Scenario(name="s", step=(Augmentation(gain=0.2),)))
    assert np.isnan(found["group_automated_skill"]).all()


def test_the_table_has_all_occupations_first_and_leavers_beyond() -> None:
    tree = trees.make_tree()
    (scenario,) = scenarios(tree)
    table = selection_table(scenario, Band("eti", 0.9))
    assert table is not None
    frame = table.frame.set_index("occupation")
    group = tree["counterfactual"].to_dataset().isel(scenario=0)
    skill, skill0, share, share0 = (
        group[name].to_numpy()
        for name in (
            "group_automated_skill",
            "group_automated_skill_unchanged",
            "group_share",
            "group_share_unchanged",
        )
    )
    assert frame.index[0] == "All occupations"
    g = GROUPS.index("leavers")
    overall = (share * skill)[..., g, :].sum(-1) / share[..., g, :].sum(-1)
    overall0 = (share0 * skill0)[..., g, :].sum(-1) / share0[..., g, :].sum(-1)
    row = frame.loc["All occupations"]
    assert row["leavers"] == pytest.approx(overall.mean(), abs=1e-12)
    assert row["beyond"] == pytest.approx((overall - overall0).mean(), abs=1e-12)
    ends = np.quantile(overall - overall0, [0.05, 0.95])
    assert (row["beyond_low"], row["beyond_high"]) == pytest.approx(ends, abs=1e-12)
    assert row["beyond_probability"] == pytest.approx((overall > overall0).mean(), abs=1e-12)
    for o, title in enumerate(trees.OCCUPATIONS):
        beyond = (skill - skill0)[..., g, o]
        assert frame.loc[title, "beyond"] == pytest.approx(beyond.mean(), abs=1e-12)
    bare = tree["counterfactual"].to_dataset()
    bare["group_automated_skill"] = np.nan * bare["group_automated_skill"]
    tree["counterfactual"] = bare
    assert selection_table(*scenarios(tree), Band("eti", 0.9)) is None
