"""Laws of the counterfactual, and an oracle in plain NumPy that shares no code with it."""

from __future__ import annotations

import jax
import numpy as np
import pandas as pd
import pytest

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
from taskroy.models.world import Parameters, World, solve
from taskroy.posteriors.decomposition import PARTS
from taskroy.posteriors.effects import effects as effects_of

with jax.enable_x64(True):
    TECHNOLOGY = Technology.from_task_weights(
        np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]]), np.array([0.6, 0.7, 0.5])
    )
RNG = np.random.default_rng(8)
DRAW = Parameters(
    skill=RNG.normal(2.0, 0.6, (40, 3)),
    skill_mean=np.array([2.0, 2.1, 1.9]),
    intercept=np.array([0.1, 0.0, -0.1]),
    amenity=np.array([0.05, 0.0, -0.05]),
    wage_shock_scale=np.array(0.4),
    taste_scale=np.array(0.25),
)
SHARE = np.array([0.5, 0.1, 0.0])
TASKS = ["lifting", "writing", "selling"]


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def effects(share=SHARE, productivity="threshold", shock="occupation", steps=()):
    """Automate shares of the tasks, by labels of exposure; then let other steps happen."""
    exposure = pd.DataFrame({"human_beta": share}, index=TASKS)
    machines = (Automation(productivity=productivity),) if np.any(share) else ()
    scenario = Scenario(name="s", step=(*machines, *steps))
    shares = shares_of(scenario, exposure)
    result = effects_of(DRAW, scenario.step, TECHNOLOGY, shares, shock=shock)
    return {name: np.asarray(value) for name, value in result.items()}


EVERY_STEP = (
    Augmentation(gain=0.2, tasks=("writing",)),
    Simplification(quantile=0.6, tasks=("selling",)),
    Bargaining(share=0.9, elasticity=0.3),
    Prices(elasticity=1.5),
)


@pytest.mark.parametrize(
    "steps",
    [(), *((step,) for step in EVERY_STEP), EVERY_STEP, (Learning(returns=0.2), Prices())],
    ids=len,
)
@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_decomposition_adds_up(shock, steps):
    e = effects(productivity=0.3, shock=shock, steps=steps)
    total = sum(e[part] for part in PARTS)
    np.testing.assert_allclose(total, e["log_wage_change"], atol=1e-12)
    np.testing.assert_allclose(total - e["resorting"], e["incumbent_change"], atol=1e-12)
    kinds = {step.kind for step in steps}
    assert e["skill_change"].any() == bool(kinds & {"augmentation", "simplification"})
    assert e["bargaining"].any() == ("bargaining" in kinds)
    assert e["log_price"].any() == ("prices" in kinds)


def test_a_world_that_stays_changes_nothing_exactly():
    e = effects(share=np.zeros(3), steps=(Augmentation(gain=0.0, tasks=("writing",)), Bargaining()))
    for name in (*PARTS, "log_wage_change", "worker_change", "mean_change", "winners", "losers",
                 "welfare_change", "welfare_winners"):  # fmt: skip
        assert (e[name] == 0).all(), name
    np.testing.assert_array_equal(e["inequality_before"], e["inequality_after"])
    np.testing.assert_array_equal(e["group_share"], e["group_share_unchanged"])
    np.testing.assert_array_equal(e["group_change"], e["group_change_unchanged"])
    np.testing.assert_allclose(e["flow"], e["flow"].T, atol=1e-15)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_where_experience_pays_the_laws_hold_too(shock):
    draw = DRAW._replace(experience_return=np.array(0.3))
    nothing = np.zeros((1, 3))
    same = effects_of(draw, (Learning(returns=0.3),), TECHNOLOGY, nothing, shock=shock)
    for name in (*PARTS, "worker_change", "welfare_change"):
        assert not np.asarray(same[name]).any(), name
    e = effects_of(draw, (Automation(productivity=0.3),), TECHNOLOGY, SHARE[None], shock=shock)
    total = sum(np.asarray(e[part]) for part in PARTS)
    np.testing.assert_allclose(total, e["log_wage_change"], atol=1e-12)
    assert np.asarray(e["employment_after"]).sum() == pytest.approx(1, abs=1e-12)


def test_percentiles_within_occupations_are_those_of_a_list():
    e = effects(productivity=0.3)
    world = World.at(DRAW, TECHNOLOGY)
    weight = np.asarray(solve(world, "occupation").probability)
    order = np.argsort(e["worker_change"])
    for o in range(3):
        for q, found in zip((0.1, 0.5, 0.9), e["worker_change_percentile"][o], strict=True):
            total = 0.0
            for i in order:
                total += weight[i, o]
                if total >= q * weight[:, o].sum():
                    break
            assert found == e["worker_change"][i]


def test_an_economy_of_one_task_an_occupation_has_only_productivity():
    """Without bundles, wages of those who stay change by Δμ alone."""
    technology = Technology.from_task_weights(np.eye(3), np.array([0.6, 0.7, 0.5]))
    shares = np.array([[0.5, 0.1, 0.0]])
    machines = (Automation(productivity=3.0),)
    result = effects_of(DRAW, machines, technology, shares, shock="occupation")
    for part in ("task_shift", "selection", "skill_change", "bargaining"):
        assert not np.asarray(result[part]).any(), part
    change = np.array([0.5, 0.1, 0.0]) / (1 - np.array([0.5, 0.1, 0.0])) * (3.0 + DRAW.intercept)
    np.testing.assert_allclose(result["productivity"], change, atol=1e-14)
    np.testing.assert_allclose(result["incumbent_change"], change, atol=1e-14)


def test_at_the_threshold_the_mean_incumbent_is_indifferent():
    # Those who stay, weighted by employment, gain nothing on average: in each task alone, so in
    # any combination of tasks at those productivities.
    for share in (SHARE, np.array([0.0, 0.0, 0.4]), np.array([1.0, 0.0, 0.0])):
        e = effects(share=share)
        assert abs(e["employment_before"] @ e["incumbent_change"]) < 1e-12
        assert np.abs(e["incumbent_change"]).max() > 1e-3


def test_shares_of_employment_sum_to_one():
    e = effects()
    assert e["employment_before"].sum() == pytest.approx(1, abs=1e-12)
    assert e["employment_after"].sum() == pytest.approx(1, abs=1e-12)
    assert e["winners"] + e["losers"] == pytest.approx(1)


def test_small_automation_has_its_first_order_effect():
    # d m_io / d φ = Σ_τ α_oτ·(z_τ + m_io − s_iτ)/LS_o at φ = 0, for those who stay.
    small = effects(share=1e-6 * SHARE, productivity=0.3)
    before = solve(World.at(DRAW, TECHNOLOGY), "occupation")
    p, m = np.asarray(before.probability), np.asarray(before.potential)
    a = np.asarray(TECHNOLOGY.task_weights)
    gain = np.einsum("k,ok,iok->io", SHARE, a, 0.3 + m[..., None] - DRAW.skill[:, None, :])
    expected = (p * gain).sum(0) / p.sum(0)
    np.testing.assert_allclose(small["incumbent_change"] / 1e-6, expected, rtol=1e-4)


def test_a_small_gain_of_skill_is_worth_the_share_of_the_task():
    # The envelope theorem: dE[max]/dg = Σ_o P_o·A_oτ, whatever people do about it.
    step = Augmentation(gain=1e-5, tasks=("writing",))
    small = effects(share=np.zeros(3), steps=(step,))
    before = solve(World.at(DRAW, TECHNOLOGY), "occupation")
    p, a = np.asarray(before.probability), np.asarray(TECHNOLOGY.task_weights)
    worth = p @ a[:, 1]
    assert small["welfare_change"] / 1e-5 == pytest.approx(worth.mean(), rel=1e-4)
    by_occupation = worth @ p / p.sum(0)
    np.testing.assert_allclose(
        small["welfare_change_by_occupation"] / 1e-5, by_occupation, rtol=1e-4
    )


def test_parts_are_those_of_a_computation_by_hand():
    """In plain NumPy, from choices, shocks and the two worlds."""
    exposure = pd.DataFrame({"human_beta": SHARE}, index=TASKS)
    scenario = Scenario(name="s", step=(Automation(productivity=0.3), *EVERY_STEP))
    shares = shares_of(scenario, exposure)
    before, after, _ = play(scenario.step, DRAW, TECHNOLOGY, shares, "occupation")
    p, q = (np.asarray(x.equilibrium.probability) for x in (before, after))
    e, e1 = (np.asarray(x.equilibrium.shock) for x in (before, after))
    a = np.asarray(TECHNOLOGY.alpha) / np.asarray(TECHNOLOGY.alpha).sum(1, keepdims=True)
    a1 = np.asarray(after.world.technology.alpha)
    a1 = a1 / a1.sum(1, keepdims=True)
    s, s1 = DRAW.skill, np.asarray(after.world.skill)
    mu1, kept = np.asarray(after.world.intercept), np.asarray(after.world.premium)
    found = effects(productivity=0.3, steps=EVERY_STEP)
    for o in range(3):
        here, there = p[:, o] / p[:, o].sum(), q[:, o] / q[:, o].sum()
        old = DRAW.intercept[o] + s @ a[o]
        new = mu1[o] + s1 @ a1[o] + kept[:, o]
        was = here @ old + e[:, o].sum() / p[:, o].sum()
        stays = here @ new + e[:, o].sum() / p[:, o].sum()
        becomes = there @ new + e1[:, o].sum() / q[:, o].sum()
        mean = DRAW.skill_mean
        expected = {
            "log_wage_change": becomes - was,
            "productivity": mu1[o] - DRAW.intercept[o],
            "task_shift": (a1[o] - a[o]) @ mean,
            "selection": (a1[o] - a[o]) @ (here @ s - mean),
            "skill_change": a1[o] @ (here @ (s1 - s)),
            "bargaining": here @ kept[:, o],
            "resorting": becomes - stays,
        }
        for name, value in expected.items():
            assert found[name][o] == pytest.approx(value, abs=1e-12), name


def test_agrees_with_simulated_choices():
    """Simulate every worker's shocks and choices before and after, in NumPy.

    With 40,000 simulated choices a worker the tolerance is four standard errors: 6e-5 a number.
    """
    rng = np.random.default_rng(5)
    draws = 40_000
    e = effects(productivity=0.2)
    alpha = np.asarray(TECHNOLOGY.alpha)
    kept = alpha.sum(1) - alpha @ SHARE
    new_a = alpha * (1 - SHARE) / kept[:, None]
    new_mu = (alpha.sum(1) * DRAW.intercept + (alpha * SHARE).sum(1) * 0.2) / kept

    def simulate(a, mu):
        wage, held = np.empty((40, draws)), np.empty((40, draws), int)
        for i in range(40):
            w = mu + a @ DRAW.skill[i] + 0.4 * rng.standard_normal((draws, 3))
            held[i] = (w + DRAW.amenity + 0.25 * rng.gumbel(size=(draws, 3))).argmax(1)
            wage[i] = w[np.arange(draws), held[i]]
        return wage, held

    wage0, held0 = simulate(alpha / alpha.sum(1, keepdims=True), DRAW.intercept)
    wage1, held1 = simulate(new_a, new_mu)
    for o in range(3):
        change = wage1[held1 == o].mean() - wage0[held0 == o].mean()
        error = np.hypot(
            wage1[held1 == o].std() / np.sqrt((held1 == o).sum()),
            wage0[held0 == o].std() / np.sqrt((held0 == o).sum()),
        )
        assert abs(change - e["log_wage_change"][o]) < 4 * error
        share = (held1 == o).mean()
        assert abs(share - e["employment_after"][o]) < 4 * np.sqrt(share / held1.size)
    worker = wage1.mean(1) - wage0.mean(1)
    error = np.hypot(wage1.std(1), wage0.std(1)) / np.sqrt(draws)
    assert (np.abs(worker - e["worker_change"]) < 4.5 * error).all()


def test_groups_of_people_are_means_over_their_members():
    exposure = pd.DataFrame({"human_beta": SHARE}, index=TASKS)
    scenario = Scenario(name="s", step=(Automation(productivity=0.3),))
    shares = shares_of(scenario, exposure)
    weight = RNG.uniform(0.5, 2.0, 40)
    everyone, one = np.ones(40) / 40, np.eye(40)[7]
    some = np.where(np.arange(40) < 15, weight, 0) / weight[:15].sum()
    e = effects_of(
        DRAW, scenario.step, TECHNOLOGY, shares, shock="occupation",
        members=np.stack([everyone, one, some]),
    )  # fmt: skip
    change = np.asarray(e["worker_change"])
    expected = [change.mean(), change[7], np.average(change[:15], weights=weight[:15])]
    np.testing.assert_allclose(e["people_change"], expected, atol=1e-12)
    np.testing.assert_allclose(e["people_winners"][0], e["winners"], atol=1e-12)
    np.testing.assert_allclose(e["people_welfare_change"][0], e["welfare_change"], atol=1e-12)
    assert "people_change" not in effects()
