"""Importance resampling: it moves draws to the posterior, or leaves them alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from taskroy.inference.importance_resampling import SmoothedWeights, resample, smoothed_weights


def test_draws_of_a_wrong_gaussian_become_draws_of_the_right_one() -> None:
    """Gaussian(0.5, 1.2) for Gaussian(0, 1); bounds are five standard errors: false alarms 1e-6."""
    generator = np.random.default_rng(1)
    drawn = generator.normal(0.5, 1.2, 8000)
    weights = smoothed_weights(-0.5 * drawn**2 + 0.5 * ((drawn - 0.5) / 1.2) ** 2)
    assert weights.reliable
    error = weights.effective**-0.5
    found = drawn[resample(weights, generator)]
    assert abs(found.mean()) < 5 * error
    assert abs(found.std() - 1) < 5 * error / np.sqrt(2)
    assert abs(drawn.mean()) > 20 * error  # as they were, they fail


def test_weights_that_say_nothing_change_nothing() -> None:
    generator = np.random.default_rng(2)
    weights = smoothed_weights(np.log(generator.pareto(0.8, 2000) + 1))
    assert not weights.reliable
    np.testing.assert_array_equal(resample(weights, generator), np.arange(2000))


def test_equal_weights_keep_every_draw() -> None:
    weights = smoothed_weights(np.full(50, -3.0))
    assert (weights.pareto_k, round(weights.effective)) == (0, 50)
    assert sorted(resample(weights, np.random.default_rng(3))) == list(range(50))


@given(st.lists(st.floats(1e-6, 1), min_size=2, max_size=40), st.integers(0, 99))
def test_each_comes_as_often_as_its_share_up_to_one(shares: list[float], seed: int) -> None:
    weight = np.array(shares) / np.sum(shares)
    chosen = resample(SmoothedWeights(weight, 0.0), np.random.default_rng(seed))
    count = np.bincount(chosen, minlength=len(weight))
    assert count.sum() == len(weight)
    assert (np.abs(count - weight * len(weight)) < 1 + 1e-9).all()
