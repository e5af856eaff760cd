"""Percentiles within occupations and moves at held shocks, as the report tells them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.bands import Band
from taskroy.posteriors.table_flows import held_table
from taskroy.posteriors.table_scenario import scenarios
from taskroy.posteriors.within_occupations import within_table

BAND = Band("eti", 0.9)


def test_percentiles_stand_with_their_occupation(tree: xr.DataTree) -> None:
    (scenario,) = scenarios(tree)
    frame = within_table(scenario, BAND).frame.set_index("occupation")
    draws = tree["counterfactual"]["worker_change_percentile"].to_numpy()[0]
    for place, title in enumerate(scenario.occupations):
        row = frame.loc[title]
        for column, name in enumerate(("p10", "p50", "p90")):
            assert row[name] == pytest.approx(draws[..., place, column].mean())
        spread = draws[..., place, 2] - draws[..., place, 0]
        assert row["spread_high"] == pytest.approx(np.quantile(spread, 0.95), rel=0.02)
    assert (np.diff(frame["spread"]) <= 0).all()


def test_held_groups_have_the_mean_of_who_is_in_them(tree: xr.DataTree) -> None:
    (scenario,) = scenarios(tree)
    frame = held_table(scenario, BAND).frame
    group = tree["counterfactual"].to_dataset().isel(scenario=0)
    share, gain = group["held_share"].to_numpy(), group["held_gain"].to_numpy()
    everyone, first = frame.iloc[0], frame.iloc[1]
    for place, name in enumerate(("stayers", "leavers", "in_switchers", "incumbents")):
        total = gain[:, :, place].sum(-1) / share[:, :, place].sum(-1)
        assert everyone[name] == pytest.approx(total.mean())
    # In one draw nobody leaves the first occupation: what leavers get is the mean of the others.
    some = share[:, :, 1, 0] > 0
    leavers = gain[:, :, 1, 0][some] / share[:, :, 1, 0][some]
    assert len(leavers) == share[:, :, 1, 0].size - 1
    assert first["leavers"] == pytest.approx(leavers.mean())
