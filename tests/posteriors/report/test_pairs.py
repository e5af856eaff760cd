"""Who goes from one occupation to another, as the report tells it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import report_tree as trees
from report_page import Written
from taskroy.posteriors.table_flows import flows_table
from taskroy.posteriors.table_held_flows import held_flows_table
from taskroy.posteriors.table_scenario import scenarios


def test_net_flows_tell_what_becomes_of_wages(tree: xr.DataTree, written: Written) -> None:
    group = tree["counterfactual"].to_dataset().isel(scenario=0)
    table = written[2]["tables"]["scenario-1-flows"]
    assert "Changes of wages are those beyond it." in table["notes"][0]
    for row in table["rows"]:
        pair = trees.OCCUPATIONS.index(row["origin"]), trees.OCCUPATIONS.index(row["destination"])
        assert row["change"] == group["flow_change_beyond_mean"].to_numpy()[pair]
        assert row["change_sd"] == group["flow_change_beyond_sd"].to_numpy()[pair]
    old = tree.copy()
    old["counterfactual"] = tree["counterfactual"].to_dataset().drop_vars("flow_change_beyond_mean")
    assert "change" not in flows_table(*scenarios(old)).frame


def test_held_flows_are_the_largest_moves(tree: xr.DataTree, written: Written) -> None:
    group = tree["counterfactual"].to_dataset().isel(scenario=0)
    flow, gain = (group[f"held_flow{x}_mean"].to_numpy() for x in ("", "_gain"))
    rows = written[2]["tables"]["scenario-1-held-flows"]["rows"]
    assert len(rows) == 15
    moves = flow[~np.eye(len(flow), dtype=bool)]
    np.testing.assert_array_equal([row["flow"] for row in rows], np.sort(moves)[::-1][:15])
    for row in rows:
        pair = trees.OCCUPATIONS.index(row["origin"]), trees.OCCUPATIONS.index(row["destination"])
        assert row["change"] == pytest.approx(gain[pair] / flow[pair], abs=1e-14)
    old = tree.copy()
    old["counterfactual"] = tree["counterfactual"].to_dataset().drop_vars("held_flow_mean")
    assert held_flows_table(*scenarios(old)) is None
