"""Counterfactuals of a whole posterior: what is in the tree, and what is refused."""

from __future__ import annotations

import json

import jax
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import report_tree as trees
from taskroy.errors import ModelError
from taskroy.models.scenario import Augmentation, Automation, Prices, Scenario, steps_of
from taskroy.models.scenario_tasks import NothingChanges, shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.counterfactual import _Compiled, counterfactual
from taskroy.posteriors.decomposition import PARTS
from taskroy.posteriors.effects import effects as effects_of

TASK_TITLES = (
    "Information Input", "Mental Processes", "Work Output", "Interacting With Others",
)  # fmt: skip


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def test_posterior_gains_its_counterfactuals(study):
    scenarios = [Automation(), Automation(name="thinking", tasks=("Thinking",), productivity=0.4)]
    tree = counterfactual(study.nuts, scenarios)
    effect = tree["counterfactual"].to_dataset()
    assert list(effect.scenario.to_numpy()) == [scenarios[0].name, "thinking"]
    parts = sum(effect[part] for part in PARTS)
    assert float(np.abs(parts - effect.log_wage_change).max()) < 1e-10
    # The table of winners equals plain NumPy on the workers' numbers.
    gain = effect.worker_gain_probability.to_numpy()
    np.testing.assert_allclose(
        gain.mean(1), effect.winners.mean(("chain", "draw")).to_numpy(), atol=1e-12
    )
    assert "counterfactual" not in study.nuts.children
    np.testing.assert_allclose(
        effect.occupation_exposure.sel(scenario="thinking"), study.tasks.weights["Thinking"]
    )


@pytest.fixture(scope="module")
def small():
    """Two chains of three draws of 20 workers in four occupations; nothing was fitted."""
    tree = trees.make_tree(titles="abcd", workers=(12, 30, 14, 25), people=20)
    groups = {name: group.to_dataset() for name, group in tree.children.items()}
    groups["posterior"] = groups["posterior"].isel(draw=slice(3))
    short = xr.DataTree.from_dict(groups)
    short.attrs = tree.attrs
    return short


def test_wide_quantities_are_summed_up_over_all_draws(small):
    tree = counterfactual(small, [Scenario(name="p", step=(Automation(), Prices()))])
    found = tree["counterfactual"].to_dataset().isel(scenario=0)
    constants = small["constant_data"]
    technology = Technology.from_task_weights(constants["task_weights"], constants["labor_share"])
    exposure = pd.DataFrame(
        constants["exposure"].to_numpy(), constants["task"], ["human_beta", "gpt4_beta"]
    )
    draws = small["posterior"].to_dataset()
    changes, flows = [], []
    scenario = Scenario(name="p", step=(Automation(), Prices()))
    for place in np.ndindex(2, 3):
        draw = Parameters(
            **{k: draws[k].to_numpy()[place] for k in Parameters._fields if k in draws}
        )
        shares = shares_of(scenario, exposure)
        e = effects_of(draw, scenario.step, technology, shares, shock="occupation")
        changes.append(np.asarray(e["worker_change"]))
        flows.append(np.asarray(e["flow"]))
    for name, values in {"worker_change": changes, "flow": flows}.items():
        np.testing.assert_allclose(found[f"{name}_mean"], np.mean(values, 0), atol=1e-12)
        np.testing.assert_allclose(found[f"{name}_sd"], np.std(values, 0), atol=1e-12)
        quantile = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
        np.testing.assert_allclose(found[f"{name}_quantile"], quantile, atol=1e-12)
    gain = (np.array(changes) > 0).mean(0)
    np.testing.assert_allclose(found["worker_gain_probability"], gain, atol=1e-12)
    assert found["flow_mean"].dims == ("origin", "destination")
    assert float(found["flow_mean"].sum()) == pytest.approx(1, abs=1e-10)
    assert float(found["price_residual"].max()) < 1e-10


def test_scenarios_of_each_task_stand_beside_each_other(small):
    each = Automation(name="m", each=True, tasks=TASK_TITLES[:2], productivity=0.1)
    tree = counterfactual(small, [each, Scenario(name="a", step=(Augmentation(),))])
    effect = tree["counterfactual"].to_dataset()
    assert effect.scenario.to_numpy().tolist() == [*(f"m: {t}" for t in TASK_TITLES[:2]), "a"]
    np.testing.assert_array_equal(effect["automated_share"], np.eye(3, 4) * [[1], [1], [0]])
    assert effect["productivity_threshold"].sel(scenario="a").to_series().isna().all()
    assert json.loads(tree.attrs["scenarios"])[2]["step"][0]["kind"] == "augmentation"


def test_idle_scenarios_are_named(small):
    with pytest.warns(NothingChanges, match="scenario 'p'"):
        tree = counterfactual(small, [Scenario(name="p", step=(Prices(),))])
    assert (tree["counterfactual"]["log_wage_change"] == 0).all()


@pytest.mark.parametrize(
    ("scenarios", "message"),
    [
        ([], "scenarios"),
        ([Automation(), Automation()], "each with its own name"),
        ([Automation(tasks=("Dreaming",))], "no task of this study"),
        ([Automation(tasks=TASK_TITLES)], "without labour"),
        ([Automation(above=1.0)], "automates nothing"),
        (
            [Scenario(name="p", step=(Automation(), Prices(elasticity=0.5, iterations=1)))],
            "'p': Occupation prices do not converge in 6 of 6 draws",
        ),
    ],
)
def test_impossible_scenarios_are_explained(small, scenarios, message):
    with pytest.raises(ModelError, match=message):
        counterfactual(small, scenarios)


def test_scenarios_that_differ_in_their_tasks_share_a_program(small):
    programs = _Compiled(small, held_shocks=0)
    first, *same, other = (
        programs.steps(steps_of(scenario))
        for scenario in (
            Automation(),
            Automation(name="m", tasks=TASK_TITLES[:1]),
            Automation(name="c", above=0.3),
            Automation(name="z", productivity=0.2),
        )
    )
    assert all(program is first for program in same)
    assert other is not first


def test_groups_of_people_have_posteriors(small):
    told_apart = small.copy()
    member = np.zeros((2, 20), bool)
    member[0, :12], member[1, 12:] = True, True
    told_apart["constant_data"] = xr.DataTree(
        small["constant_data"].to_dataset().assign(
            member=(("people", "worker"), member), worker_weight=("worker", np.ones(20))
        ).assign_coords(people=["educ: 12", "educ: 16"])
    )  # fmt: skip
    found = counterfactual(told_apart, [Automation()])["counterfactual"].to_dataset()
    assert found["people_change"].dims == ("scenario", "chain", "draw", "people")
    assert found["people"].to_numpy().tolist() == ["educ: 12", "educ: 16"]
    whole = found["people_change"].to_numpy() @ np.array([12, 8]) / 20
    np.testing.assert_allclose(whole, found["mean_change"].to_numpy(), atol=1e-12)
