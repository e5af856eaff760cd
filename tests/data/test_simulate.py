from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from taskroy.data.design import Covariates
from taskroy.data.load import load_panel
from taskroy.data.simulate import simulate_panel
from taskroy.data.task_weights import task_weights
from taskroy.errors import DataError

TASKS = task_weights("wagepan", "gwa-category")
NONE = Covariates(year_effects=False)


def test_the_seed_fixes_the_panel() -> None:
    one, _ = simulate_panel(TASKS, workers=20, years=3, seed=1)
    same, _ = simulate_panel(TASKS, workers=20, years=3, seed=1)
    other, _ = simulate_panel(TASKS, workers=20, years=3, seed=2)
    assert one.sha256 == same.sha256
    assert one.sha256 != other.sha256


def test_wages_without_shocks_are_the_equation() -> None:
    panel, truth = simulate_panel(
        TASKS, workers=40, years=4, seed=5, wage_shock_scale=1e-12, observed_share=0.7
    )
    arrays = panel.arrays(TASKS.occupations)
    potential = truth["potential"]
    np.testing.assert_allclose(
        potential,
        truth["mean_potential"] + truth["deviation"] @ TASKS.weights.to_numpy().T,
        atol=1e-12,
    )
    expected = np.take_along_axis(potential, arrays.occupation, axis=1) + (
        arrays.design @ truth["coefficients"]
    )
    seen = arrays.observed
    assert not seen.all()
    np.testing.assert_allclose(arrays.log_wage[seen], expected[seen], atol=1e-9)


def test_choices_follow_the_logit_of_what_workers_see() -> None:
    """With one shock for all occupations it cancels: shares are a logit of potential wages.

    20,000 workers: the standard error of a share is at most 0.0036; the bound is five of them.
    """
    amenity = np.linspace(-0.3, 0.3, 9)
    panel, truth = simulate_panel(
        TASKS,
        workers=20_000,
        years=1,
        seed=11,
        amenity=amenity,
        taste_scale=0.3,
        shock="worker",
        covariates=NONE,
    )
    utility = (truth["potential"] + amenity) / 0.3
    expected = np.exp(utility - utility.max(axis=1, keepdims=True))
    expected = (expected / expected.sum(axis=1, keepdims=True)).mean(axis=0)
    arrays = panel.arrays(TASKS.occupations)
    shares = np.bincount(arrays.occupation[:, 0], minlength=9) / 20_000
    np.testing.assert_allclose(shares, expected, atol=0.018)


def test_selection_raises_wages_only_with_shocks_by_occupation() -> None:
    means = {}
    for shock in ("occupation", "worker"):
        panel, _ = simulate_panel(
            TASKS,
            workers=4000,
            years=1,
            seed=2,
            skill_cov=1e-12 * np.eye(4),
            shock=shock,
            covariates=NONE,
        )
        means[shock] = panel.frame["log_wage"].mean()
    assert means["worker"] == pytest.approx(2.5, abs=0.04)  # 0.4 / sqrt(4000) is 0.006
    assert means["occupation"] > 2.8


def test_deviations_have_the_covariance_asked_for() -> None:
    cov = np.diag([0.5, 1.0, 2.0, 4.0]) + 0.3
    _, truth = simulate_panel(
        TASKS, workers=20_000, years=1, seed=3, skill_cov=cov, covariates=NONE
    )
    np.testing.assert_allclose(np.cov(truth["deviation"].T), cov, atol=0.2)


def test_every_worker_keeps_a_year() -> None:
    panel, _ = simulate_panel(TASKS, workers=50, years=5, seed=4, observed_share=0.01)
    assert panel.frame["worker"].nunique() == 50


def test_smallest_panel() -> None:
    panel, truth = simulate_panel(TASKS, workers=1, years=1, seed=0, covariates=NONE)
    assert len(panel.frame) == 1
    assert truth["deviation"].shape == (1, 4)


def test_load_panel_simulates() -> None:
    panel = load_panel("simulated", seed=1, workers=30)
    assert panel.frame["worker"].nunique() == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "workers=0"),
        ({"observed_share": 0.0}, "observed_share=0.0"),
        ({"taste_scale": 0.0}, "taste_scale=0.0"),
        ({"shock": "year"}, "shock='year'"),
        ({"skill_cov": -np.eye(4)}, "not positive definite"),
        ({"mean_potential": [1.0]}, r"'mean_potential' has shape \(1,\)"),
        ({"coefficients": [np.nan] * 4}, "not finite"),
    ],
)
def test_wrong_settings_are_refused(arguments: Any, message: str) -> None:
    settings = {"workers": 10, "years": 3, "seed": 1, **arguments}
    with pytest.raises(DataError, match=message):
        simulate_panel(TASKS, **settings)
