"""Why one worker's wage changes: each part by hand, and that they add up."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import report_tree as trees
from taskroy.models.scenario import (
    Augmentation,
    Automation,
    Bargaining,
    Learning,
    Prices,
    Scenario,
    Simplification,
    play,
)
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.bands import Band
from taskroy.posteriors.decomposition import PARTS
from taskroy.posteriors.effects import effects
from taskroy.posteriors.table_scenario import scenarios
from taskroy.posteriors.table_worker_parts import worker_parts_table
from taskroy.posteriors.worker_decomposition import WORKER_PARTS

N = 20
WEIGHTS = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
RNG = np.random.default_rng(3)
DRAW = Parameters(
    skill=RNG.normal(2.0, 0.6, (N, 3)),
    skill_mean=np.array([2.0, 2.1, 1.9]),
    intercept=np.array([0.1, 0.0, -0.1]),
    amenity=np.array([0.05, 0.0, -0.05]),
    wage_shock_scale=np.array(0.4),
    taste_scale=np.array(0.25),
)
EXPOSURE = pd.DataFrame({"human_beta": [0.5, 0.1, 0.0]}, index=["lifting", "writing", "selling"])
EVERY_STEP = (
    Automation(productivity=0.3),
    Augmentation(gain=0.2, tasks=("writing",)),
    Simplification(quantile=0.6, tasks=("selling",)),
    Bargaining(share=0.9, elasticity=0.3),
    Prices(elasticity=1.5),
)


@pytest.fixture(autouse=True)
def double_precision() -> Any:
    with jax.enable_x64(True):
        yield


def of(steps: Any, shock: Any, draw: Parameters = DRAW) -> tuple[dict[str, np.ndarray], Any, Any]:
    scenario = Scenario(name="s", step=steps)
    technology = Technology.from_task_weights(WEIGHTS, np.array([0.6, 0.7, 0.5]))
    shares = shares_of(scenario, EXPOSURE)
    found = effects(draw, steps, technology, shares, shock=shock)
    before, after, _ = play(steps, draw, technology, shares, shock)
    return {name: np.asarray(value) for name, value in found.items()}, before, after


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_parts_are_those_of_a_computation_by_hand(shock: Any) -> None:
    found, before, after = of(EVERY_STEP, shock)
    old, new = before.equilibrium, after.equilibrium
    p, q = np.asarray(old.probability), np.asarray(new.probability)
    e, e1 = np.asarray(old.shock), np.asarray(new.shock)
    a, mu = WEIGHTS, DRAW.intercept
    alpha = np.asarray(after.world.technology.alpha)
    a1, mu1 = alpha / alpha.sum(1, keepdims=True), np.asarray(after.world.intercept)
    s1, b1 = np.asarray(after.world.skill), np.asarray(after.world.premium)
    for i in range(N):
        s, expected = DRAW.skill[i], dict.fromkeys(PARTS, 0.0)
        for o in range(3):
            weight, wage = p[i, o], mu1[o] + a1[o] @ s1[i] + b1[i, o]
            expected["productivity"] += weight * (mu1[o] - mu[o])
            expected["task_shift"] += weight * ((a1[o] - a[o]) @ DRAW.skill_mean)
            expected["selection"] += weight * ((a1[o] - a[o]) @ (s - DRAW.skill_mean))
            expected["skill_change"] += weight * (a1[o] @ (s1[i] - s))
            expected["bargaining"] += weight * b1[i, o]
            expected["resorting"] += (q[i, o] - weight) * wage + e1[i, o] - e[i, o]
        for part, value in expected.items():
            assert found[f"worker_{part}"][i] == pytest.approx(value, abs=1e-11), part
    for k, name in enumerate(WORKER_PARTS):
        assert found["mean_part"][k] == pytest.approx(found[name].mean(), abs=1e-13)


@pytest.mark.parametrize(
    ("steps", "draw"),
    [
        (EVERY_STEP, DRAW),
        ((Learning(returns=0.2),), DRAW),
        ((Automation(productivity=0.3),), DRAW._replace(experience_return=np.array(0.3))),
    ],
    ids=["steps", "learning", "experience"],
)
def test_parts_add_up_for_every_worker(steps: Any, draw: Parameters) -> None:
    found, _, _ = of(steps, "occupation", draw)
    total = sum(found[name] for name in WORKER_PARTS)
    np.testing.assert_allclose(total, found["worker_change"], atol=1e-10)
    assert np.abs(total).max() > 1e-3
    # Staying, workers are the incumbents of the decomposition by occupation.
    for k, part in enumerate(PARTS[:-1]):
        of_incumbents = found["employment_before"] @ found[part]
        assert found["mean_part"][k] == pytest.approx(of_incumbents, abs=1e-12), part


def test_in_a_world_that_stays_every_part_is_nil_exactly() -> None:
    found, _, _ = of((Augmentation(gain=0.0, tasks=("writing",)),), "occupation")
    for name in (*WORKER_PARTS, "mean_part"):
        assert not found[name].any(), name


def test_the_table_holds_bands_of_means_and_percentiles_of_workers() -> None:
    tree = trees.make_tree()
    (scenario,) = scenarios(tree)
    table = worker_parts_table(scenario, Band("eti", 0.9))
    assert table is not None
    group = tree["counterfactual"].to_dataset().isel(scenario=0)
    rows = table.frame.set_index("key")
    # What no step makes is left out; what is there adds up to the total.
    assert list(rows.index) == ["productivity", "task_shift", "selection", "resorting", "total"]
    assert rows["mean"].iloc[:-1].sum() == pytest.approx(rows["mean"].iloc[-1], abs=1e-12)
    for key, row in rows.iterrows():
        name = "change" if key == "total" else key
        means = group[f"worker_{name}_mean"].to_numpy()
        found = [row[column] for column in ("p10", "p50", "p90")]
        np.testing.assert_allclose(found, np.percentile(means, [10, 50, 90]), atol=1e-12)
        draws = group["mean_change"] if key == "total" else group["mean_part"].sel(part=key)
        values = draws.to_numpy().ravel()
        assert row["mean"] == pytest.approx(values.mean(), abs=1e-12)
        ends = np.quantile(values, [0.05, 0.95])
        assert (row["mean_low"], row["mean_high"]) == pytest.approx(ends, abs=1e-12)
        assert row["positive_probability"] == pytest.approx((values > 0).mean(), abs=1e-12)
    bare = tree["counterfactual"].to_dataset().drop_vars("mean_part")
    tree["counterfactual"] = bare
    assert worker_parts_table(*scenarios(tree), Band("eti", 0.9)) is None
