"""Each kind of step: its laws, and its formula written again in plain NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

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
from taskroy.models.supply import product
from taskroy.models.technology import Technology
from taskroy.models.world import Economy, Parameters

LAWS = settings(max_examples=15, deadline=None, derandomize=True)
WEIGHTS = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6], [0.5, 0.5, 0.0]])
SHARES = np.array([0.6, 0.7, 0.5, 0.8])
EXPOSURE = pd.DataFrame({"human_beta": [0.5, 0.1, 0.0]}, index=["lifting", "writing", "selling"])
RNG = np.random.default_rng(8)
DRAW = Parameters(
    skill=RNG.normal(2.0, 0.6, (30, 3)),
    skill_mean=np.array([2.0, 2.1, 1.9]),
    intercept=np.array([0.1, 0.0, -0.1, 0.05]),
    amenity=np.array([0.05, 0.0, -0.05, 0.0]),
    wage_shock_scale=np.array(0.4),
    taste_scale=np.array(0.25),
)
MACHINES = Automation(productivity=0.3)


def played(*steps: Any, shock: Any = "occupation") -> tuple[Economy, Economy, dict[str, Any]]:
    technology = Technology.from_task_weights(WEIGHTS, SHARES)
    shares = shares_of(Scenario(name="s", step=steps), EXPOSURE)
    return play(steps, DRAW, technology, shares, shock)


def same_world(a: Economy, b: Economy) -> None:
    """Assert that two worlds are one to the last bit."""
    for x, y in (
        (a.world.technology.alpha, b.world.technology.alpha),
        *zip(a.world[1:], b.world[1:], strict=True),
    ):
        np.testing.assert_array_equal(x, y)
    for x, y in zip(a.equilibrium, b.equilibrium, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    "step",
    [
        Augmentation(gain=0.0),
        Augmentation(gain=0.0, tasks=("selling",)),
        Simplification(strength=0.0, quantile=0.5),
        Simplification(strength=1.0, requirement=-99.0),
        (Augmentation(gain=0.0), Bargaining()),
        (Augmentation(gain=0.0), Bargaining(share=0.5, elasticity=2.0)),
        Learning(returns=0.0),
        Prices(elasticity="infinite"),
        Prices(elasticity=0.7),
    ],
    ids=str,
)
@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_steps_that_do_nothing_change_nothing_exactly(step: Any, shock: Any) -> None:
    before, after, _ = played(*(step if isinstance(step, tuple) else (step,)), shock=shock)
    same_world(before, after)


@pytest.mark.parametrize(
    "step",
    [Bargaining(share=1.0, elasticity=0.0), Prices(elasticity="infinite")],
    ids=["elasticity zero", "sigma infinite"],
)
def test_competition_at_fixed_prices_is_recovered_exactly(step: Any) -> None:
    same_world(played(MACHINES)[1], played(MACHINES, step)[1])


def test_machines_one_after_the_other_are_both_at_once() -> None:
    """What is automated by φ, and the rest by φ', is automated by 1 − (1 − φ)(1 − φ')."""
    _, apart, told = played(
        Automation(tasks=("selling",), productivity=0.1), MACHINES, Automation(productivity=0.3)
    )
    technology = Technology.from_task_weights(WEIGHTS, SHARES)
    both, intercept = technology.automate(
        np.array([0.75, 0.19, 1.0]), np.array([0.3, 0.3, 0.1]), DRAW.intercept
    )
    np.testing.assert_allclose(apart.world.technology.alpha, both.alpha, atol=1e-14)
    np.testing.assert_allclose(apart.world.intercept, intercept, atol=1e-13)
    np.testing.assert_array_equal(told["productivity_threshold"], [0.3, 0.3, 0.1])


def test_augmentation_adds_to_skills() -> None:
    skill = np.asarray(DRAW.skill)
    found = played(Augmentation(gain=0.2))[1].world.skill
    np.testing.assert_allclose(found, skill + 0.2 * np.array([0.5, 0.1, 0.0]), atol=1e-15)
    found = played(Augmentation(gain=-0.2, tasks=("selling",)))[1].world.skill
    np.testing.assert_allclose(found, skill - 0.2 * np.array([0, 0, 1]), atol=1e-15)


@LAWS
@given(st.floats(0.0, 1.0), st.floats(0.05, 0.95))
def test_simplification_makes_up_a_share_of_the_shortfall(kappa: float, level: float) -> None:
    skill = np.asarray(DRAW.skill)
    step = Simplification(strength=kappa, quantile=level, tasks=("lifting", "selling"))
    found = np.asarray(played(step)[1].world.skill)
    required = np.quantile(skill, level, axis=0)
    np.testing.assert_array_equal(found[:, 1], skill[:, 1])
    for k in (0, 2):
        for i in range(len(skill)):
            short = max(0.0, required[k] - skill[i, k])
            assert found[i, k] == pytest.approx(skill[i, k] + kappa * short, abs=1e-14)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_bargaining_takes_a_share_of_gains_and_none_of_losses(shock: Any) -> None:
    """Against a double loop over workers."""
    before, competitive, _ = played(MACHINES, shock=shock)
    _, after, told = played(MACHINES, Bargaining(share=0.8, elasticity=0.6), shock=shock)
    old = np.asarray(before.equilibrium.potential)
    new = np.asarray(competitive.equilibrium.potential)
    choice = np.asarray(competitive.equilibrium.probability)
    paid, share = np.empty_like(new), np.empty_like(new)
    for i in range(30):
        for o in range(4):
            rivals = sum(choice[j, o] for j in range(30) if new[j, o] >= new[i, o])
            share[i, o] = 0.8 * max(0.0, 1 - rivals / choice[:, o].sum()) ** 0.6
            gain = new[i, o] - old[i, o]
            paid[i, o] = old[i, o] + share[i, o] * gain if gain > 0 else new[i, o]
    assert ((new < old).any(), (new > old).any()) == (True, True)
    # To the power 0.6 of rounding, where nobody is less productive.
    np.testing.assert_allclose(after.equilibrium.potential, paid, atol=1e-9)
    mean = (choice * share).sum(0) / choice.sum(0)
    np.testing.assert_allclose(told["surplus_share"], mean, atol=1e-9)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_returns_to_experience_keep_people_and_pay_them(shock: Any) -> None:
    before, after, _ = played(Learning(returns=0.2), shock=shock)
    old, new = before.equilibrium, after.equilibrium
    np.testing.assert_allclose(new.probability.sum(1), 1.0, atol=1e-8)
    np.testing.assert_array_equal(new.potential, old.potential)
    assert (np.asarray(new.welfare) > np.asarray(old.welfare)).all()
    # Nobody can expect more than the return itself.
    assert (np.asarray(new.welfare - old.welfare) < 0.2).all()


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_who_looks_ahead_does_better_in_the_long_run(shock: Any) -> None:
    _, static, _ = played(Learning(returns=0.2), shock=shock)
    _, ahead, _ = played(Learning(returns=0.2, discount=0.999), shock=shock)
    gain = np.asarray(ahead.equilibrium.welfare - static.equilibrium.welfare)
    assert (gain > -1e-7).all()
    assert gain.max() > 1e-4


def test_identical_workers_are_replaceable_altogether() -> None:
    alike = DRAW._replace(skill=np.full((30, 3), 2.0))
    technology = Technology.from_task_weights(WEIGHTS, SHARES)
    steps = (MACHINES, Bargaining(elasticity=0.5))
    shares = shares_of(Scenario(name="s", step=steps), EXPOSURE)
    before, after, told = play(steps, alike, technology, shares, "occupation")
    np.testing.assert_array_equal(told["surplus_share"], np.zeros(4))
    assert (np.asarray(after.world.potential) <= np.asarray(before.world.potential)).all()


class Goods(NamedTuple):
    """What occupations make: its value before and after, in terms of the final good, and prices."""

    before: np.ndarray
    after: np.ndarray
    price: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """Of log quantities."""
        return np.log(self.after / self.before) - self.price

    def log_output(self, change: np.ndarray, sigma: float) -> float:
        """Return the log of what is made of such quantities, over what was made before."""
        share = self.before / self.before.sum()
        if sigma == 1:
            return float(share @ change)
        power = (sigma - 1) / sigma
        return float(np.log(share @ np.exp(power * change)) / power)


def goods(before: Economy, after: Economy, told: dict[str, Any]) -> Goods:
    """Of the value of what is made workers earn the labour share, under competition."""
    value = [
        np.asarray(product(one.world, one.shock)) / np.asarray(one.world.technology.labor_share)
        for one in (before, after)
    ]
    return Goods(*value, np.asarray(told["log_price"]))


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.5, 40.0])
@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_prices_are_marginal_products(sigma: float, shock: Any) -> None:
    """Prices equal the derivatives of CES output at what is made at these prices."""
    require_marginal_products(sigma, *played(MACHINES, Prices(elasticity=sigma), shock=shock))


@pytest.mark.parametrize("discount", [None, 0.9])
@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_prices_are_marginal_products_where_experience_pays(shock: Any, discount: Any) -> None:
    steps = (MACHINES, Learning(returns=0.4, discount=discount), Prices(elasticity=0.8))
    before, after, told = played(*steps, shock=shock)
    require_marginal_products(0.8, before, after, told)
    static = played(MACHINES, Prices(elasticity=0.8), shock=shock)[2]["log_price"]
    assert np.abs(np.asarray(told["log_price"] - static)).max() > 1e-3


def require_marginal_products(
    sigma: float, before: Economy, after: Economy, told: dict[str, Any]
) -> None:
    found = goods(before, after, told)
    assert np.abs(found.price).max() > 1e-3
    assert float(told["price_residual"]) < 1e-10
    for o in range(4):
        step = 1e-5 * np.eye(4)[o]
        up, down = (found.log_output(found.change + way * step, sigma) for way in (1, -1))
        # The good's share of the value of output is the elasticity of output in it.
        output = found.before.sum() * np.exp(found.log_output(found.change, sigma))
        assert (up - down) / 2e-5 == pytest.approx(found.after[o] / output, abs=1e-8)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_with_an_elasticity_of_one_displacement_lowers_wage_bills(shock: Any) -> None:
    """What is spent on a good is a fixed share; of it, workers get the labour share."""
    machines = Automation(tasks=("lifting",), productivity=0.3)
    before, after, _ = played(machines, Prices(elasticity=1.0), shock=shock)
    old, new = (np.log(product(one.world, one.shock)) for one in (before, after))
    displaced = np.log(1 - WEIGHTS[:, 0])  # LS'/LS
    np.testing.assert_allclose(np.ptp(new - old - displaced), 0, atol=1e-9)
    assert np.ptp(new - old) == pytest.approx(np.ptp(displaced), abs=1e-9)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_a_price_moves_log_wages_by_one_over_the_labour_share(shock: Any) -> None:
    _, fixed, _ = played(MACHINES, shock=shock)
    _, after, told = played(MACHINES, Prices(elasticity=0.8), shock=shock)
    left = SHARES * (WEIGHTS @ (1 - EXPOSURE["human_beta"].to_numpy()))
    moved = np.asarray(after.world.intercept - fixed.world.intercept)
    np.testing.assert_allclose(moved * left, told["log_price"], atol=1e-12)


def test_prices_clear_markets_for_what_is_produced_whoever_gets_it() -> None:
    steps = (MACHINES, Bargaining(share=0.7, elasticity=0.5), Prices(elasticity=2.0))
    before, after, told = played(*steps)
    found = goods(before, after, told)
    # With CES demand, p_o·(Y_o/Y_o before)^(1/σ) is the same everywhere, and the price level one.
    np.testing.assert_allclose(np.ptp(found.price + found.change / 2.0), 0, atol=1e-9)
    level = found.before @ np.exp((1 - 2.0) * found.price) / found.before.sum()
    assert level == pytest.approx(1, abs=1e-9)
    competitive = played(MACHINES, Prices(elasticity=2.0))[2]["log_price"]
    assert np.abs(found.price - np.asarray(competitive)).max() > 1e-4


def test_prices_respond_less_where_occupations_are_closer_substitutes() -> None:
    """Wages there move by p/LS', so that elasticities count by the labour share."""
    sizes = [
        float(np.abs(played(MACHINES, Prices(elasticity=sigma))[2]["log_price"]).max())
        for sigma in (0.5, 20.0, 2000.0)
    ]
    assert sizes[0] > 2 * sizes[1] > 20 * sizes[2] > 0


def test_among_close_substitutes_prices_are_what_was_made_at_fixed_ones_over_the_elasticity() -> (
    None
):
    fixed = goods(*played(MACHINES))
    missing = fixed.log_output(fixed.change, 1e6) - fixed.change
    price = np.asarray(played(MACHINES, Prices(elasticity=1e6))[2]["log_price"])
    assert np.abs(missing).min() > 0.01
    np.testing.assert_allclose(1e6 * price, missing, rtol=1e-3)


def test_a_search_that_is_cut_short_says_how_far_it_is() -> None:
    told = played(MACHINES, Prices(elasticity=0.5, iterations=1))[2]
    assert float(told["price_residual"]) > 1e-6


@pytest.mark.parametrize("level", [0.2, 0.5, 0.9])
def test_at_a_quantile_that_share_of_incumbents_gains(level: float) -> None:
    step = Automation(tasks=("selling",), productivity="quantile", quantile=level)
    before, after, told = played(step)
    uses = WEIGHTS[:, 2] > 0
    choice = np.asarray(before.equilibrium.probability)[:, uses]
    change = np.asarray(after.world.potential - before.world.potential)[:, uses]
    weight = choice / choice.sum()
    assert weight[change > 1e-12].sum() <= level
    assert weight[change > -1e-12].sum() >= level  # the worker at the quantile is indifferent
    assert np.abs(change).min() < 1e-12
    assert np.isfinite(told["productivity_threshold"]).tolist() == [False, False, True]


def test_at_the_margin_no_occupation_is_worse_off_and_one_is_indifferent() -> None:
    for task, uses in {"lifting": [0, 1, 2, 3], "selling": [0, 1, 2]}.items():
        before, after, _ = played(Automation(tasks=(task,), productivity="marginal"))
        choice = np.asarray(before.equilibrium.probability)
        change = np.asarray(after.world.potential - before.world.potential)
        mean = ((choice * change).sum(0) / choice.sum(0))[uses]
        assert mean.min() == pytest.approx(0, abs=1e-12)
        assert mean.max() > 1e-3


@pytest.mark.parametrize("rule", ["threshold", "marginal", "quantile"])
def test_occupations_in_which_nobody_works_do_not_decide_how_productive_machines_are(
    rule: Any,
) -> None:
    """And of a task that only they have, no productivity makes anybody indifferent."""
    step = Automation(productivity=rule, quantile=0.4 if rule == "quantile" else None)
    shares = np.array([[0.5, 0.1, 0.0]])

    def told(draw: Parameters, weights: np.ndarray) -> np.ndarray:
        technology = Technology.from_task_weights(weights, SHARES[: len(weights)])
        news = play((step,), draw, technology, shares, "worker")[2]
        return np.asarray(news["productivity_threshold"])[:2]

    empty = np.array([0.0, 0.0, 0.0, -900.0])  # a probability of e^−3600
    draw = DRAW._replace(intercept=DRAW.intercept + empty)
    rest = DRAW._replace(intercept=DRAW.intercept[:3], amenity=DRAW.amenity[:3])
    np.testing.assert_allclose(told(draw, WEIGHTS), told(rest, WEIGHTS[:3]), rtol=1e-12)
    alone = np.array([[0.0, 0.6, 0.4], [0.0, 0.5, 0.5], [0.0, 0.3, 0.7], [0.5, 0.5, 0.0]])
    assert np.isnan(told(draw, alone)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Simplification, {}),
        (Simplification, {"quantile": 0.5, "requirement": 1.0}),
        (Simplification, {"quantile": 1.5}),
        (Simplification, {"quantile": 0.5, "strength": 1.1}),
        (Bargaining, {"share": 1.2}),
        (Bargaining, {"elasticity": -0.1}),
        (Prices, {"elasticity": 0.0}),
        (Prices, {"elasticity": float("inf")}),
        (Prices, {"iterations": 0}),
        (Automation, {"productivity": "quantile"}),
        (Automation, {"quantile": 0.5}),
        (Augmentation, {"gain": float("nan")}),
        (Scenario, {"name": "a", "step": ()}),
        (Scenario, {"name": "a", "step": (Prices(), MACHINES)}),
        (Scenario, {"name": "a", "step": (MACHINES, Prices(), Prices())}),
        (Scenario, {"name": "a", "step": (Automation(name="b"),)}),
        (Scenario, {"name": "a", "step": (Bargaining(share=0.5),)}),
        (Scenario, {"name": "a", "step": (Bargaining(), MACHINES, Bargaining())}),
        (Scenario, {"name": "a", "step": (Learning(), Bargaining(), Prices())}),
    ],
    ids=str,
)
def test_settings_are_checked(kind: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind(**fields)
