"""The decomposition to first order: its equation, and its error where skills differ little."""

from __future__ import annotations

import jax
import numpy as np
import pandas as pd
import pytest

import report_tree as trees
from taskroy.models.scenario import Augmentation, Automation, Scenario, Simplification, play
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors import first_order as module
from taskroy.posteriors.bands import Band
from taskroy.posteriors.decomposition import decompose
from taskroy.posteriors.first_order import first_order, typical_skills
from taskroy.posteriors.table_decomposition import decomposition_table
from taskroy.posteriors.table_scenario import scenarios

WEIGHTS = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
EXPOSURE = pd.DataFrame({"human_beta": [0.5, 0.1, 0.0]}, index=["lifting", "writing", "selling"])
STEPS = (
    Automation(productivity=0.3),
    Augmentation(gain=0.2),
    Simplification(tasks=("writing",), requirement=99.0, strength=0.001),
)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def played(spread: float, rho: float = 0.4, workers: int = 40):
    rng = np.random.default_rng(8)
    deviation = rng.normal(0.0, 1.0, (workers // 2, 3))
    draw = Parameters(
        # Symmetric, so that the mean of the draw's workers is the population's.
        skill=2.0 + spread * np.concatenate([deviation, -deviation]),
        skill_mean=np.full(3, 2.0),
        intercept=np.array([0.1, 0.0, -0.1]),
        amenity=np.array([0.05, 0.0, -0.05]),
        wage_shock_scale=np.array(rho),
        taste_scale=np.array(0.25),
    )
    technology = Technology.from_task_weights(WEIGHTS, np.array([0.6, 0.7, 0.5]))
    shares = shares_of(Scenario(name="s", step=STEPS), EXPOSURE)
    return draw, *play(STEPS, draw, technology, shares, "occupation")[:2]


@pytest.mark.parametrize("spread", [0.1, 0.6, 3.0])
def test_typical_skills_solve_their_equation(spread: float) -> None:
    draw, before, _ = played(spread)
    found, share, scale, residual = (np.asarray(x) for x in typical_skills(before))
    assert residual < 1e-10
    assert scale == pytest.approx(np.sqrt(0.25**2 + 6 / np.pi**2 * 0.4**2))
    cov = np.cov(draw.skill.T, bias=True)
    for o in range(3):
        worth = np.exp((draw.intercept + WEIGHTS @ found[o] + draw.amenity) / scale)
        h = worth / worth.sum()
        right = draw.skill.mean(0) + cov @ (WEIGHTS[o] - h @ WEIGHTS) / scale
        np.testing.assert_allclose(found[o], right, atol=1e-8)
        assert share[o] == pytest.approx(h[o], abs=1e-10)


def test_the_error_is_of_second_order_in_the_spread_of_skills() -> None:
    """Wage shocks are small here: how a logit takes them in is an approximation of its own."""
    errors = []
    for spread in (0.02, 0.2):
        draw, before, after = played(spread, rho=0.01)
        exact = decompose(before, after, draw.skill_mean)
        found = first_order(before, after, draw.skill_mean, exact)
        for part in ("selection", "resorting"):
            errors.append(float(np.abs(found[f"{part}_first_order"] - exact[part]).max()))
            assert errors[-1] < 2 * spread * float(np.abs(exact[part]).max())
        total = found["log_wage_change_first_order"] - exact["log_wage_change"]
        parts = sum(found[f"{p}_first_order"] - exact[p] for p in ("selection", "resorting"))
        np.testing.assert_allclose(total, parts, atol=1e-12)
        np.testing.assert_allclose(found["first_order_error"], -total, atol=1e-12)
        assert float(found["first_order_residual"]) < 1e-10
    assert errors[0] < errors[2] / 50
    assert errors[1] < errors[3] / 50


def test_a_search_that_ends_early_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ITERATIONS", 1)
    draw, before, after = played(0.6)
    exact = decompose(before, after, draw.skill_mean)
    residual = np.asarray(
        first_order(before, after, draw.skill_mean, exact)["first_order_residual"]
    )
    assert residual > module.SOLVED
    with pytest.warns(module.FirstOrderApart, match=r"'s': In 2 of 3 draws .* up to 0\.5 sds"):
        module.warn_if_apart(np.array([1e-9, 0.5, 0.1]), where="scenario 's'")
    with pytest.warns(module.FirstOrderApart, match="In 1 of 2 draws"):
        module.warn_if_apart(np.array([1e-9, np.nan]), where="scenario 's'")
    module.warn_if_apart(np.array([1e-9, 0.0]), where="scenario 's'")


def test_the_table_shows_the_error_and_says_where_it_is_none() -> None:
    tree = trees.make_tree()
    (scenario,) = scenarios(tree)
    table = decomposition_table(scenario, Band("eti", 0.9))
    error = tree["counterfactual"]["first_order_error"].to_numpy()[0]
    rows = table.frame.set_index("occupation")
    for o, title in enumerate(trees.OCCUPATIONS):
        assert rows.loc[title, "error"] == pytest.approx(error[..., o].mean(), abs=1e-14)
    assert not any("not found" in note for note in table.notes)
    group = tree["counterfactual"].to_dataset()
    off = group["first_order_residual"].copy()
    off[0, 1, :7] = 0.1
    tree["counterfactual"] = group.assign(first_order_residual=off)
    said = decomposition_table(*scenarios(tree), Band("eti", 0.9)).notes[-1]
    assert said.startswith("In 7 of 200 draws the skills most likely")
    tree["counterfactual"] = group.drop_vars("first_order_error")
    assert "error" not in decomposition_table(*scenarios(tree), Band("eti", 0.9)).frame


def test_with_wage_shocks_it_is_within_a_third() -> None:
    draw, before, after = played(0.4)
    exact = decompose(before, after, draw.skill_mean)
    found = first_order(before, after, draw.skill_mean, exact)
    for part in ("selection", "resorting"):
        size = float(np.abs(exact[part]).max())
        np.testing.assert_allclose(found[f"{part}_first_order"], exact[part], atol=size / 3)
