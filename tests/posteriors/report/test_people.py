"""Winners and losers by what the panel says of workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

import report_tree as trees
from report_page import Page
from taskroy.posteriors.report import write_report


def told_apart(*, weighted: bool) -> xr.DataTree:
    """Return a posterior of 60 workers in two groups of one column, three of another."""
    tree = trees.make_tree()
    rng = np.random.default_rng(5)
    of_two = np.arange(60) < 25
    of_three = np.select([np.arange(60) < 4, np.arange(60) < 30], [0, 1], 2)
    member = np.stack([of_two, ~of_two, *(of_three == k for k in range(3))])
    names = ["sex: f", "sex: m", "region: <b>", "region: north", "region: south"]
    constants = tree["constant_data"].to_dataset().assign(member=(("people", "worker"), member))
    if weighted:
        constants["worker_weight"] = ("worker", rng.uniform(1, 2, 60))
    tree["constant_data"] = xr.DataTree(constants.assign_coords(people=names))
    group = tree["counterfactual"].to_dataset()
    shape = (1, trees.CHAINS, trees.DRAWS, 5)
    dims = ("scenario", "chain", "draw", "people")
    tree["counterfactual"] = xr.DataTree(
        group.assign(
            people_change=(dims, rng.normal(0.02, 0.01, shape)),
            people_winners=(dims, rng.uniform(0.4, 0.6, shape)),
            people_welfare_change=(dims, rng.normal(0.02, 0.01, shape)),
        ).assign_coords(people=names)
    )
    return tree


def test_groups_are_told_and_small_ones_hidden(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    tree = told_apart(weighted=True)
    page = Page(write_report(tree, tmp_path).read_text())
    table = page.table("Winners and losers, by what the panel says")
    assert [row[0] for row in table[1:]] == [
        "sex: f", "sex: m", "region: <b>", "region: north", "region: south",
    ]  # fmt: skip
    # Four workers of a region are hidden, and the next smallest group, which would give them away.
    assert set(table[3][1:]) == set(table[4][1:]) == {"not shown"}
    assert table[5][1] == "30"
    stored = json.loads((tmp_path / "report.json").read_text())["tables"]["scenario-1-people"]
    draws = tree["counterfactual"]["people_change"].to_numpy()[0, ..., 1].ravel()
    assert abs(stored["rows"][1]["change"] - draws.mean()) < 1e-12
    assert "mean weight" in stored["weights"]


def test_without_groups_there_is_no_table(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    page = Page(write_report(trees.make_tree(), tmp_path).read_text())
    assert not any("what the panel says" in caption for caption in page.tables)
