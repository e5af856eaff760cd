"""Monte Carlo errors by batch means: against a formula, ArviZ, and many repetitions."""

from __future__ import annotations

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.batch_means import batch_error
from taskroy.posteriors.draw_summaries import DrawSummaries, quantiles_of

CHAINS, DRAWS, COLUMNS = 4, 1000, 400


def autoregressive(rho: float, seed: int) -> np.ndarray:
    """Return columns of variance one whose draws follow each other with a correlation."""
    rng = np.random.default_rng(seed)
    x = np.empty((CHAINS, DRAWS, COLUMNS))
    x[:, 0] = rng.normal(size=(CHAINS, COLUMNS))
    for t in range(1, DRAWS):
        x[:, t] = rho * x[:, t - 1] + np.sqrt(1 - rho**2) * rng.normal(size=(CHAINS, COLUMNS))
    return x


@pytest.mark.parametrize(("rho", "short"), [(0.0, 0.01), (0.5, 0.05)])
def test_the_error_is_that_of_a_formula(rho: float, short: float) -> None:
    """The mean error of 400 columns is within 1% of the truth, less what batches are too short."""
    x = autoregressive(rho, 2)
    found = batch_error(x.reshape(-1, COLUMNS), CHAINS)
    truth = np.sqrt((1 + rho) / (1 - rho) / (CHAINS * DRAWS))
    size = 31
    # Of a batch's mean the variance lacks about 2ρ/((1 − ρ²)·size) of the truth, in parts of it.
    bias = np.sqrt(1 - 2 * rho / ((1 - rho**2) * size))
    assert np.sqrt((found**2).mean()) == pytest.approx(truth * bias, rel=0.01)
    assert 1 - bias < short
    # And of the columns' means themselves, whose spread 400 of them tell within 3.5%: three sds.
    assert x.mean((0, 1)).std() == pytest.approx(truth, rel=0.11)


def test_it_agrees_with_arviz() -> None:
    x = autoregressive(0.3, 5)[..., :40]
    found = batch_error(x.reshape(-1, 40), CHAINS)
    named = xr.DataArray(x, dims=("chain", "draw", "column"))
    other = arviz_stats.mcse(named, sample_dims=["chain", "draw"], method="mean").to_numpy()
    # 128 batches tell an error within 6%; the mean of 40 of them within 1%.
    assert np.mean(found / other) == pytest.approx(1, abs=0.05)


def test_chains_that_disagree_are_seen() -> None:
    x = autoregressive(0.0, 3) + np.arange(CHAINS)[:, None, None]
    found = batch_error(x.reshape(-1, COLUMNS), CHAINS)
    assert (found > 10 / np.sqrt(CHAINS * DRAWS) / 2).all()


def test_by_hand_with_draws_left_over() -> None:
    x = np.random.default_rng(1).normal(size=(2, 11, 3))
    means = [x[c, 2 + 3 * b : 5 + 3 * b].mean(0) for c in range(2) for b in range(3)]
    expected = np.std(means, axis=0, ddof=1) * np.sqrt(3 / 22)
    np.testing.assert_allclose(batch_error(x.reshape(22, 3), 2), expected, rtol=1e-12)


def test_a_single_draw_tells_no_error() -> None:
    assert np.isnan(batch_error(np.ones((1, 4)), 1)).all()


def test_summaries_have_the_error_of_their_chains_and_the_level_asked_for() -> None:
    rows = np.random.default_rng(4).normal(size=(40, 700))
    with DrawSummaries.collecting(chains=4, level=0.5) as wide:
        for block in np.split(rows, [15, 30]):
            wide.add("x", block)
        found = wide.summaries("x", ("a",))
        assert wide.names == ["x"]
    np.testing.assert_array_equal(found["mcse"][1], batch_error(rows, 4))
    np.testing.assert_array_equal(found["quantile"][1], np.quantile(rows, [0.25, 0.5, 0.75], 0))
    assert quantiles_of(0.9) == (0.05, 0.5, 0.95)
