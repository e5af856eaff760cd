"""Statistics on ranks: they are silent where all is right, and see what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from taskroy.posteriors.calibration import (
    Calibration,
    assess,
    mean_and_variance,
    ranks,
    uniforms,
)

NAMES = tuple(f"quantity {i}" for i in range(30))
DRAWS = 100


def fitted(
    replications: int, seed: int, *, sd: float = 1.0, shift: float = 0.0, quantities: int = 30
) -> Calibration:
    """Calibrate a normal posterior whose mean and sd may be off."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(replications, quantities))
    draws = shift + sd * rng.normal(size=(replications, DRAWS, quantities))
    return assess(ranks(truth, draws, rng), DRAWS, NAMES[:quantities], seed=seed)


def test_ranks_count_draws_below_and_break_ties_evenly() -> None:
    truth = np.array([[0.5, 2.0, 1.0]])
    draws = np.array([[[0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.2, 3.0, 1.0]]])
    found = np.stack([ranks(truth, draws, np.random.default_rng(i))[0] for i in range(2000)])
    assert (found[:, 0] == 2).all()
    assert (found[:, 1] == 2).all()
    # Four ranks are equally likely where all are tied; a false alarm in ten thousand.
    assert stats.chisquare(np.bincount(found[:, 2], minlength=4)).pvalue > 1e-4


def test_uniforms_are_uniform_whatever_the_number_of_draws() -> None:
    rng = np.random.default_rng(1)
    rank = rng.integers(0, 4, (20_000, 1))
    # Ranks among three draws are coarse, and yet: a false alarm in ten thousand.
    assert stats.kstest(uniforms(rank, 3, rng)[:, 0], "uniform").pvalue > 1e-4


@pytest.mark.parametrize("replications", [40, 400])
def test_false_alarms_are_as_rare_as_stated(replications: int) -> None:
    rng, families = np.random.default_rng(replications), 100
    failed = sum(
        assess(
            rng.integers(0, DRAWS + 1, (replications, 2)),
            DRAWS,
            NAMES[:2],
            seed=i,
            false_alarm=0.2,
        ).verdict
        == "FAIL"
        for i in range(families)
    )
    # The bound holds for tests with continuous p-values; those of chi-square are only nearly so.
    # At a rate of 0.2 more than 36 of 100 families are a false alarm in 20,000.
    assert failed <= stats.binom.isf(5e-5, families, 0.2)
    assert failed >= 3, "tests that never fail test nothing"


def test_a_posterior_sd_a_tenth_too_small_is_seen_and_not_by_the_ecdf() -> None:
    found = fitted(2000, 1, sd=0.9, quantities=30)
    # Seen in each quantity with probability 0.95 or more; fewer than 23 of 30 once in ten million.
    caught = sum("mean and variance" in row.failed(found.level) for row in found.rows)
    assert caught >= 23
    assert sum("ECDF" in row.failed(found.level) for row in found.rows) <= 10
    assert found.verdict == "FAIL"
    assert "quantity 0" in found.sentence()


def test_power_is_what_is_found() -> None:
    sd, mean = fitted(2000, 2, quantities=30).power
    assert sd > 0.95
    rng = np.random.default_rng(3)
    for expected, scores in (
        (sd, rng.normal(size=(400, 2000)) / 0.9),
        (mean, rng.normal(0.1, 1.0, size=(400, 2000))),
    ):
        level = fitted(2, 1).level
        share = np.mean([mean_and_variance(z) < level for z in scores])
        # Five standard errors of a share: a false alarm in a million.
        assert abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / 400) + 1e-3


def test_a_shifted_posterior_is_seen() -> None:
    found = fitted(400, 4, shift=0.5)
    assert all("mean and variance" in row.failed(found.level) for row in found.rows)
    # A truth is below its draws as often as draws lie half an sd too high.
    assert max(row.mean for row in found.rows) < -0.3


def test_coverage_is_that_of_central_intervals() -> None:
    found = fitted(2000, 5, sd=0.5, quantities=1).rows[0]
    normal = stats.norm
    for width, share, low, high in (
        (0.5, found.coverage_50, found.coverage_50_low, found.coverage_50_high),
        (0.9, found.coverage_90, found.coverage_90_low, found.coverage_90_high),
    ):
        expected = 2 * normal.cdf(0.5 * normal.ppf(0.5 + width / 2)) - 1
        assert low < share < high
        # The draws' own noise moves an interval's ends by a hundredth or two.
        assert share == pytest.approx(expected, abs=0.05)


def test_one_data_set_has_no_variance() -> None:
    with pytest.raises(ValueError, match="two are the fewest"):
        assess(np.zeros((1, 1), int), DRAWS, NAMES[:1], seed=1)
