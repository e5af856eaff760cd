"""Counterfactuals of a whole posterior: what is in the tree, and what is refused."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import report_tree as trees
from taskroy.errors import ModelError
from taskroy.models.scenario import (
    Augmentation,
    Automation,
    Bargaining,
    Prices,
    Scenario,
    Simplification,
    steps_of,
)
from taskroy.models.scenario_tasks import NothingChanges, shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.counterfactual import counterfactual
from taskroy.posteriors.decomposition import PARTS
from taskroy.posteriors.effects import effects as effects_of
from taskroy.posteriors.scenario_programs import ScenarioPrograms
from taskroy.posteriors.scenario_questions import Common
from taskroy.posteriors.skill_groups import members_by_skill

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
    tree = counterfactual(small, [Scenario(name="p", step=(Automation(), Prices()))], level=0.8)
    found = tree["counterfactual"].to_dataset().isel(scenario=0)
    constants = small["constant_data"]
    technology = Technology.from_task_weights(constants["task_weights"], constants["labor_share"])
    exposure = pd.DataFrame(
        constants["exposure"].to_numpy(), constants["task"], ["human_beta", "gpt4_beta"]
    )
    draws = small["posterior"].to_dataset()
    wide = ("worker_change", "worker_resorting", "flow", "flow_change", "flow_change_beyond")
    rows: dict[str, list[np.ndarray]] = {name: [] for name in wide}
    scenario = Scenario(name="p", step=(Automation(), Prices()))
    for place in np.ndindex(2, 3):
        draw = Parameters(
            **{k: draws[k].to_numpy()[place] for k in Parameters._fields if k in draws}
        )
        shares = shares_of(scenario, exposure)
        e = effects_of(draw, scenario.step, technology, shares, shock="occupation")
        for name in wide:
            rows[name].append(np.asarray(e[name]))
    for name, values in rows.items():
        np.testing.assert_allclose(found[f"{name}_mean"], np.mean(values, 0), atol=1e-12)
        np.testing.assert_allclose(found[f"{name}_sd"], np.std(values, 0), atol=1e-12)
        quantile = np.quantile(values, [0.1, 0.5, 0.9], axis=0)
        np.testing.assert_allclose(found[f"{name}_quantile"], quantile, atol=1e-12)
        error = np.std(values, axis=0, ddof=1) / np.sqrt(6)  # batches of one draw
        np.testing.assert_allclose(found[f"{name}_mcse"], error, atol=1e-12)
    assert found["quantile"].to_numpy().tolist() == [0.1, 0.5, 0.9]
    gain = (np.array(rows["worker_change"]) > 0).mean(0)
    np.testing.assert_allclose(found["worker_gain_probability"], gain, atol=1e-12)
    assert found["flow_mean"].dims == ("origin", "destination")
    assert float(found["flow_mean"].sum()) == pytest.approx(1, abs=1e-10)
    assert float(found["price_residual"].max()) < 1e-10


def test_prices_of_a_draw_do_not_depend_on_those_before_it(small):
    scenario = [Scenario(name="p", step=(Automation(), Prices()))]
    groups = {name: group.to_dataset() for name, group in small.children.items()}
    groups["posterior"] = groups["posterior"].isel(draw=slice(None, None, -1))
    turned = xr.DataTree.from_dict(groups)
    turned.attrs = small.attrs
    found, other = (
        counterfactual(tree, scenario)["counterfactual"].to_dataset().isel(scenario=0)
        for tree in (small, turned)
    )
    for name in ("log_price", "log_wage_change", "mean_change", "inequality_after"):
        values = other[name].to_numpy()[:, ::-1]
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-10, err_msg=name)
    assert float(np.abs(found["log_price"]).max()) > 1e-3


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
    ("steps", "message"),
    [
        ((Simplification(requirement=-99.0),), "Nobody's skill is below what its simplification"),
        ((Automation(productivity=-9.0), Bargaining(share=0.5)), "Nobody's job gains in any draw"),
    ],
)
def test_steps_that_turn_out_idle_are_named(small, steps, message):
    with pytest.warns(NothingChanges, match=f"scenario 'p': {message}"):
        counterfactual(small, [Scenario(name="p", step=steps)])


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
        ([Automation(productivity=-1e4)], "Nobody works in '[a-z<].*' after the scenario in"),
    ],
)
def test_impossible_scenarios_are_explained(small, scenarios, message):
    with pytest.raises(ModelError, match=message):
        counterfactual(small, scenarios)


def test_scenarios_that_differ_in_their_tasks_share_a_program(small):
    programs = ScenarioPrograms(Common.of(small))
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
    tree = counterfactual(told_apart, [Automation()], skill_groups=())
    found = tree["counterfactual"].to_dataset()
    assert found["people_change"].dims == ("scenario", "chain", "draw", "people")
    assert found["people"].to_numpy().tolist() == ["educ: 12", "educ: 16"]
    whole = found["people_change"].to_numpy() @ np.array([12, 8]) / 20
    np.testing.assert_allclose(whole, found["mean_change"].to_numpy(), atol=1e-12)


def test_workers_count_by_weights_on_request(small):
    weight = np.random.default_rng(6).uniform(0.2, 3, 20)
    member = np.stack([np.arange(20) < 12, np.arange(20) >= 12])
    constants = small["constant_data"].to_dataset()
    weighed = small.copy()
    weighed["constant_data"] = xr.DataTree(
        constants.assign(
            member=(("people", "worker"), member), worker_weight=("worker", weight)
        ).assign_coords(people=["educ: 12", "educ: 16"])
    )  # fmt: skip
    plain, counted = (
        counterfactual(weighed, [Automation()], skill_groups=(), weighted=one)["counterfactual"]
        .to_dataset()
        .isel(scenario=0)
        for one in (False, True)
    )
    assert (plain.attrs["weighted"], counted.attrs["weighted"]) == (False, True)
    # Groups count by weight either way, and so do their shares.
    share = [weight[:12].sum() / weight.sum(), weight[12:].sum() / weight.sum()]
    for found in (plain, counted):
        np.testing.assert_allclose(found["people_share"], share, atol=1e-14)
    for headline, of_groups in (
        ("mean_change", "people_change"),
        ("winners", "people_winners"),
        ("welfare_change", "people_welfare_change"),
    ):
        np.testing.assert_allclose(
            counted[headline], counted[of_groups].to_numpy() @ share, atol=1e-12
        )
    assert float(np.abs(counted["mean_change"] - plain["mean_change"]).max()) > 1e-4
    measure = counted.sel(measure="mean")
    rise = measure["inequality_after"] - measure["inequality_before"]
    np.testing.assert_allclose(rise, counted["mean_change"], atol=1e-12)
    np.testing.assert_allclose(counted["mean_part"].sum("part"), counted["mean_change"], atol=1e-10)
    for name in ("log_wage_change", "employment_before", "group_share", "people_change"):
        np.testing.assert_array_equal(counted[name], plain[name])
    with pytest.raises(ModelError, match=r"posterior has none\.[\s\S]*set weighted = false"):
        counterfactual(small, [Automation()], weighted=True)


def test_groups_by_skill_are_made_draw_by_draw(small):
    scenario = Automation(name="m", tasks=TASK_TITLES[:2], productivity=0.1)
    tree = counterfactual(
        *(small, [scenario, Scenario(name="a", step=(Augmentation(),))]),
        skill_groups=(TASK_TITLES[2], "automated"),
        skill_percentiles=(30, 80),
    )
    found = tree["counterfactual"].to_dataset()
    assert found["people"].to_numpy().tolist() == [
        f"{skill}: {cell}"
        for skill in (f"skill at {TASK_TITLES[2]}", "skill at what is automated")
        for cell in ("lowest 30%", "30% to 80%", "highest 20%")
    ]
    np.testing.assert_allclose(found["people_share"].isel(scenario=0), [0.3, 0.5, 0.2] * 2)
    constants, draws = small["constant_data"], small["posterior"].to_dataset()
    technology = Technology.from_task_weights(constants["task_weights"], constants["labor_share"])
    exposure = pd.DataFrame(
        constants["exposure"].to_numpy(), constants["task"], ["human_beta", "gpt4_beta"]
    )
    shares = shares_of(scenario, exposure)
    for chain, draw in np.ndindex(2, 3):
        values = Parameters(
            **{k: draws[k].to_numpy()[chain, draw] for k in Parameters._fields if k in draws}
        )
        change = np.asarray(
            effects_of(values, (scenario,), technology, shares, shock="occupation")["worker_change"]
        )
        skill = draws["skill"].to_numpy()[chain, draw]
        expected, winners = [], []
        for score in (skill[:, 2], skill[:, 0] + skill[:, 1]):
            order = np.argsort(score)  # of 20 workers: six, ten, four
            for some in np.split(order, [6, 16]):
                expected.append(change[some].mean())
                winners.append((change[some] > 0).mean())
        one = found.isel(scenario=0, chain=chain, draw=draw)
        np.testing.assert_allclose(one["people_change"], expected, atol=1e-12)
        np.testing.assert_allclose(one["people_winners"], winners, atol=1e-12)
    # Where nothing is automated nobody is skilled at it; the other groups are told all the same.
    idle = found["people_change"].isel(scenario=1)
    assert np.isnan(idle[..., 3:]).all()
    assert np.isfinite(idle[..., :3]).all()


def test_groups_by_skill_follow_those_of_the_panel(small):
    told_apart = small.copy()
    member = np.arange(20) < 12
    told_apart["constant_data"] = xr.DataTree(
        small["constant_data"].to_dataset().assign(
            member=(("people", "worker"), np.stack([member, ~member]))
        ).assign_coords(people=["educ: 12", "educ: 16"])
    )  # fmt: skip
    bare = counterfactual(told_apart, [Automation()], skill_groups=())
    alone = bare["counterfactual"].to_dataset()
    both = counterfactual(told_apart, [Automation()], skill_groups=("automated",))
    found = both["counterfactual"].to_dataset()
    assert found["people"].to_numpy()[:2].tolist() == ["educ: 12", "educ: 16"]
    np.testing.assert_allclose(
        found["people_change"][..., :2], alone["people_change"], rtol=0, atol=1e-13
    )
    np.testing.assert_allclose(found["people_share"][0], [0.6, 0.4, *[0.25] * 4])
    quarters = found["people_change"][..., 2:].mean("people")
    np.testing.assert_allclose(quarters, found["mean_change"], atol=1e-12)


@pytest.mark.parametrize(
    ("by", "cuts", "message"),
    [
        (
            ("Dreaming",),
            (50,),
            "'Dreaming' is no task of this study.\nExpected: each .*'automated'",
        ),
        (("automated",) * 2, (50,), "'automated' is named twice"),
        (("automated",), (50, 25), "each larger than the one before"),
        (("automated",), (), "one or more numbers"),
        (("automated",), (0, 50), "between 0 and 100"),
    ],
)
def test_impossible_groups_by_skill_are_explained(small, by, cuts, message):
    with pytest.raises(ModelError, match=message):
        counterfactual(small, [Automation()], skill_groups=by, skill_percentiles=cuts)


def test_weights_count_where_groups_by_skill_are_cut():
    rng = np.random.default_rng(4)
    skill, weight = rng.normal(size=(40, 2)), rng.uniform(0.2, 3, 40)
    by = np.array([[1.0, 0.0], [0.25, 0.75]])
    given = (jnp.asarray(x) for x in (skill, by, weight))
    found = np.asarray(members_by_skill(*given, (25, 50, 75)))
    for row, one in enumerate(by):
        reached, expected = 0.0, np.zeros((4, 40))
        for worker in np.argsort(skill @ one):
            middle = (reached + weight[worker] / 2) / weight.sum()
            expected[int(4 * middle), worker] = weight[worker]
            reached += weight[worker]
        expected /= expected.sum(1, keepdims=True)
        np.testing.assert_allclose(found[4 * row : 4 * row + 4], expected, atol=1e-14)
