"""Uniform bands hold all numbers at once, as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.bands import Band
from taskroy.posteriors.exposure_bins import exposure_bins_table, uniform_band
from taskroy.posteriors.table_scenario import Scenario


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_a_uniform_band_holds_whole_draws(level: float) -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(2000, 1)) + np.linspace(0.1, 3, 6) * rng.normal(size=(2000, 6))
    draws = np.column_stack([draws, np.full(2000, 1.5)])  # what does not vary has no band
    mean, low, high = uniform_band(draws, level)
    whole = ((draws >= low) & (draws <= high)).all(1).mean()
    assert level <= whole <= level + 1 / 2000
    each = ((draws >= low) & (draws <= high)).mean(0)
    assert (each[:-1] > level + 0.05 * (level < 0.9)).all()
    assert low[-1] == high[-1] == 1.5
    np.testing.assert_allclose((low + high) / 2, mean)


def scenario(occupations: int) -> Scenario:
    rng = np.random.default_rng(2)
    shape, dims = (2, 50, occupations), ("chain", "draw", "occupation")
    draws = xr.Dataset(
        {
            "occupation_exposure": ("occupation", rng.random(occupations)),
            "log_wage_change": (dims, rng.normal(size=shape)),
            "employment_before": (dims, rng.dirichlet(np.ones(occupations), shape[:2])),
        }
    )
    return Scenario(1, "s", draws, [str(i) for i in range(occupations)])


def test_bins_are_means_by_employment() -> None:
    some = scenario(40)
    table = exposure_bins_table(some, Band("eti", 0.9))
    assert table is not None
    assert list(table.frame["occupations"]) == [5] * 8
    draws = some.draws
    first = np.argsort(draws["occupation_exposure"].to_numpy())[:5]
    weight, change = (
        draws[name].to_numpy()[..., first] for name in ("employment_before", "log_wage_change")
    )
    expected = np.mean(
        [
            np.average(c, weights=w)
            for c, w in zip(change.reshape(-1, 5), weight.reshape(-1, 5), strict=True)
        ]
    )
    np.testing.assert_allclose(table.frame["change"][0], expected, rtol=1e-12)
    assert table.frame["to"][0] < table.frame["from"][1]


def test_few_occupations_stand_for_themselves() -> None:
    assert exposure_bins_table(scenario(9), Band("eti", 0.9)) is None
