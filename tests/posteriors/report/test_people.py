"""Winners and losers by what the panel says of workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

import report_tree as trees
from report_page import Page
from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_people import people_drawing
from taskroy.posteriors.report import write_report
from taskroy.posteriors.table_people import people_table
from taskroy.posteriors.table_scenario import scenarios


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


def test_the_figure_shows_no_group_that_is_hidden() -> None:
    tree = told_apart(weighted=True)
    (scenario,) = scenarios(tree)
    band = Band("eti", 0.9)
    table = people_table(scenario, tree["constant_data"].to_dataset(), band)
    drawing = people_drawing(scenario, table, band)
    assert drawing is not None
    bars, dots = drawing.draw().axes
    # Of the groups that are shown, in order, the mean and the share who gain.
    draws = tree["counterfactual"].to_dataset().isel(scenario=0, people=[0, 1, 4])
    assert [t.get_text() for t in bars.get_yticklabels()] == ["sex: f", "sex: m", "region: south"]
    mean = 100 * draws["people_change"].mean(("chain", "draw")).to_numpy()
    np.testing.assert_allclose(dots.collections[1].get_offsets()[:, 0], mean, atol=1e-10)
    gain = 100 * draws["people_winners"].mean(("chain", "draw")).to_numpy()
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches[:3]], gain, atol=1e-10)
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches[3:]], 100 - gain)
    shown = table.frame[~table.frame["suppressed"]].assign(suppressed=True)
    assert people_drawing(scenario, replace(table, frame=shown), band) is None


def test_without_groups_there_is_no_table(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    page = Page(write_report(trees.make_tree(), tmp_path).read_text())
    assert not any("what the panel says" in caption for caption in page.tables)


def by_skill(tree: xr.DataTree, top: float) -> xr.DataTree:
    """Put two groups by skill after those that the panel names."""
    names = ["skill at data: lowest", "skill at data: highest"]
    group = tree["counterfactual"].to_dataset()
    old = group[["people_change", "people_winners", "people_welfare_change"]]
    rng = np.random.default_rng(6)
    dims = ("scenario", "chain", "draw", "people")
    shape = (1, trees.CHAINS, trees.DRAWS, 2)
    skilled = xr.Dataset({k: (dims, rng.uniform(0.4, 0.6, shape)) for k in old}, {"people": names})
    people = xr.concat([old, skilled], "people")
    member = tree["constant_data"]["member"].to_numpy().mean(1)
    people["people_share"] = (
        ("scenario", "people"), np.tile([*member, 1 - top, top], (1, 1)),
    )  # fmt: skip
    rest = group.drop_vars([*old, "people"]).drop_dims("people", errors="ignore")
    tree["counterfactual"] = xr.DataTree(rest.merge(people))
    return tree


def test_groups_by_skill_follow_and_are_told_as_uncertain(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    page = Page(write_report(by_skill(told_apart(weighted=False), 0.15), tmp_path).read_text())
    table = page.table("Winners and losers, by what the panel says of workers, and by skill")
    assert [row[0] for row in table[-2:]] == [
        "skill at data: lowest", "skill at data: highest",
    ]  # fmt: skip
    # Nine workers are too few to show, and then the others would give them away.
    assert set(table[-1][1:]) == set(table[-2][1:]) == {"not shown"}
    assert table[5][1] == "30"
    assert "lined up by the skills of that draw" in " ".join(page.text)


def test_where_weights_cut_groups_by_skill_no_count_is_shown(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    tree = by_skill(told_apart(weighted=True), 0.25)
    page = Page(write_report(tree, tmp_path).read_text())
    last = page.table("Winners and losers, by what the panel says of workers, and by skill")[-1]
    assert last[1] == "–"
    assert last[2].endswith("]")


def test_groups_that_do_not_exist_in_a_scenario_are_left_out(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    tree = by_skill(told_apart(weighted=False), 0.15)
    for name in ("people_change", "people_winners", "people_welfare_change"):
        tree["counterfactual"][name][..., -2:] = np.nan
    page = Page(write_report(tree, tmp_path).read_text())
    table = page.table("Winners and losers, by what the panel says of workers, with")
    assert len(table) == 6


def test_small_cells_are_counted_in_people_whatever_their_weight() -> None:
    """Four workers with half of the weight are four workers."""
    tree = told_apart(weighted=True)
    group = tree["counterfactual"].to_dataset()
    names = [*group["people"].to_numpy(), "skill: low", "skill: high"]
    wider = group.drop_dims("people").assign_coords(people=names)
    dims = ("scenario", "chain", "draw", "people")
    for name in ("people_change", "people_winners", "people_welfare_change"):
        values = group[name].to_numpy()
        wider[name] = dims, np.concatenate([values, values[..., :2]], -1)
    wider["people_share"] = ("scenario", "people"), [[0.6, 0.4, 0.5, 0.2, 0.3, 0.05, 0.95]]
    tree["counterfactual"] = xr.DataTree(wider)
    (scenario,) = scenarios(tree)
    table = people_table(scenario, tree["constant_data"].to_dataset(), Band("eti", 0.9))
    rows = table.frame.set_index("people")
    assert rows["suppressed"].tolist() == [False, False, True, True, False, True, True]
    assert rows.loc["sex: f", "workers"] == 25


def test_the_page_says_how_workers_count(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    tree = told_apart(weighted=True)
    group = tree["counterfactual"].to_dataset().assign_attrs(weighted=True)
    tree["counterfactual"] = xr.DataTree(group)
    page = Page(write_report(tree, tmp_path).read_text())
    assert "Each worker of the panel counts once." not in " ".join(page.text)
    assert "Workers count by their mean weight in the panel." in " ".join(page.text)
    tables = json.loads((tmp_path / "report.json").read_text())["tables"]
    for name in ("headline", "winners", "inequality", "welfare", "worker-parts", "uncertainty"):
        assert "by their mean weight in the panel" in tables[f"scenario-1-{name}"]["weights"], name
    for name in ("employment", "movers", "held"):
        assert "each worker counts once" in tables[f"scenario-1-{name}"]["weights"], name
