"""What importance weights say of Laplace's method."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from taskroy.inference.importance_resampling import LARGEST_PARETO_K
from taskroy.posteriors.laplace_quality import laplace_quality


def weights_of(proposal_sd: float, draws: int = 2000, workers: int = 3) -> np.ndarray:
    """Log weights of a standard normal under a proposal of another sd."""
    z = proposal_sd * np.random.default_rng(0).normal(size=(draws, workers))
    return stats.norm.logpdf(z) - stats.norm.logpdf(z, scale=proposal_sd)


def test_a_perfect_proposal() -> None:
    found = laplace_quality(np.zeros((500, 4)))
    assert (found["skill_pareto_k"] <= LARGEST_PARETO_K).all()
    np.testing.assert_allclose(found["skill_relative_ess"], 1.0)
    np.testing.assert_allclose(found["laplace_error"], 0.0, atol=1e-12)


def test_a_wider_proposal_is_fine_and_a_narrow_one_is_not() -> None:
    assert (laplace_quality(weights_of(1.3))["skill_pareto_k"] < 0.3).all()
    # The tail index of these weights is 1 − sd² = 0.94.
    assert (laplace_quality(weights_of(0.25))["skill_pareto_k"] > LARGEST_PARETO_K).all()


def test_error_is_that_of_the_normalising_constant() -> None:
    # Weights of an unnormalised density, e^0.3 times a probability.
    found = laplace_quality(weights_of(1.2) + 0.3)
    assert found["laplace_error"] == pytest.approx(-0.3, abs=0.05)
    expected = 1 / np.mean(np.exp(2 * weights_of(1.2)), axis=0)
    np.testing.assert_allclose(found["skill_relative_ess"], expected, rtol=0.05)


def test_weights_that_are_not_numbers_are_told() -> None:
    weights = weights_of(1.3)
    weights[4, 1] = np.nan
    weights[5, 2] = -np.inf  # a proposal that cannot be
    k = laplace_quality(weights)["skill_pareto_k"]
    assert list(np.isnan(k)) == [False, True, False]
