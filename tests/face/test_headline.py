from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import xarray as xr

from taskroy.headline import headlines


def tree(seed: int = 0) -> xr.DataTree:
    draws = np.random.default_rng(seed).uniform(size=(2, 4, 500))
    dims = ("scenario", "chain", "draw")
    names = {"winners": draws, "losers": 1 - draws, "mean_change": draws - 0.5}
    return xr.DataTree.from_dict(
        {
            "counterfactual": xr.Dataset(
                {name: (dims, value) for name, value in names.items()},
                coords={"scenario": ["a", "b"]},
            )
        }
    )


def test_bands_are_quantiles_of_the_draws() -> None:
    posterior = tree()
    first, second = headlines(posterior, interval="eti", level=0.8)
    assert (first.scenario, second.scenario) == ("a", "b")
    draws = posterior["counterfactual"].to_dataset()["winners"].sel(scenario="b").values
    assert second.winners.mean == pytest.approx(draws.mean(), abs=1e-12)
    assert second.winners.low == pytest.approx(np.quantile(draws, 0.1), abs=1e-3)
    assert second.winners.high == pytest.approx(np.quantile(draws, 0.9), abs=1e-3)
    assert second.losers.low == pytest.approx(1 - second.winners.high, abs=1e-3)


@pytest.mark.parametrize("interval", ["eti", "hdi"])
def test_bands_hold_their_share_of_the_draws(interval: Literal["eti", "hdi"]) -> None:
    posterior = tree(1)
    (first, _) = headlines(posterior, interval=interval, level=0.7)
    draws = posterior["counterfactual"].to_dataset()["mean_change"].sel(scenario="a").values
    inside = (draws >= first.mean_change.low) & (draws <= first.mean_change.high)
    assert inside.mean() == pytest.approx(0.7, abs=2e-3)


def test_the_sentences_name_the_level_and_the_scenario() -> None:
    said = headlines(tree(), interval="hdi", level=0.95)[0].sentences()
    assert said.startswith("Scenario 'a': the expected wage rises for 50% (95% band ")
    assert "on average (95% band -0." in said
