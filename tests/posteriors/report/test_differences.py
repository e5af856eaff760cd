"""Differences between scenarios: of the same draws, in the tree's own units and in the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import report_tree as trees
import taskroy
from report_page import Page, Written
from taskroy.errors import ModelError
from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_scenarios import scenarios_drawing
from taskroy.posteriors.figure_style import render
from taskroy.posteriors.report import write_report

NAMES = ("all at once", "half", "none")


def test_differences_are_taken_draw_by_draw() -> None:
    tree = trees.make_tree(scenarios=NAMES)
    group = tree["counterfactual"].to_dataset()
    less = taskroy.scenario_differences(tree, base="half")
    assert less["scenario"].to_numpy().tolist() == ["all at once", "none"]
    assert less.attrs["base"] == "half"
    for name in ("mean_change", "log_wage_change", "group_change", "inequality_after"):
        values = group[name].to_numpy()
        assert less[name].dims == group[name].dims
        np.testing.assert_array_equal(less[name], values[[0, 2]] - values[[1]])
    # A summary over draws has no difference, and neither has what has no draws.
    assert not {"worker_change_mean", "flow_mean", "automated_share"} & set(less)


def test_what_cannot_be_compared_is_said() -> None:
    tree = trees.make_tree()
    with pytest.raises(ModelError, match="There is one scenario, 'exposed shares"):
        taskroy.scenario_differences(tree)
    with pytest.raises(ModelError, match=r"no scenario 'x'\.[\s\S]*'all at once', 'half', 'none'"):
        taskroy.scenario_differences(trees.make_tree(scenarios=NAMES), base="x")
    with pytest.raises(ModelError, match="no counterfactual"):
        taskroy.scenario_differences(tree.drop_nodes("counterfactual"))


def test_tables_hold_bands_and_signs_of_differences(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    tree = trees.make_tree(scenarios=NAMES)
    page = Page(write_report(tree, tmp_path).read_text())
    tables = json.loads((tmp_path / "report.json").read_text())["tables"]
    group = tree["counterfactual"].to_dataset()

    def check(row: dict[str, float], draws: np.ndarray) -> None:
        assert row["difference"] == pytest.approx(draws.mean(), abs=1e-12)
        ends = np.quantile(draws, [0.05, 0.95])
        assert (row["difference_low"], row["difference_high"]) == pytest.approx(ends, abs=1e-12)
        assert row["positive_probability"] == pytest.approx((draws > 0).mean(), abs=1e-12)
        assert row["sd"] == pytest.approx(draws.std(ddof=1), rel=1e-9)
        assert 0.5 < row["mcse"] / row["sd"] * np.sqrt(draws.size) < 2  # independent draws

    rows = tables["scenario-differences"]["rows"]
    assert [row["key"] for row in rows] == [
        "winners",
        "losers",
        "mean_change",
        "welfare_change",
    ] * 2
    for row in rows:
        values = group[row["key"]].to_numpy()
        check(row, (values[NAMES.index(row["scenario"])] - values[0]).ravel())
    each = tables["scenario-differences-occupations"]["rows"]
    assert len(each) == 2 * len(trees.OCCUPATIONS)
    wages = group["log_wage_change"].to_numpy()
    for row in each:
        here, o = NAMES.index(row["scenario"]), trees.OCCUPATIONS.index(row["occupation"])
        check(row, (wages[here] - wages[0])[..., o].ravel())
    assert page.table("What scenarios do beyond “all at once”")[0][0] == "Scenario"
    for name in ("scenario-differences", "scenario-differences-occupations"):
        assert {p.suffix for p in (tmp_path / "tables").glob(f"{name}.*")} == {".csv", ".tex"}
    assert (tmp_path / "figures" / "scenario-comparison.png").exists()


def test_scenarios_stand_side_by_side() -> None:
    drawing = scenarios_drawing(trees.make_tree(scenarios=NAMES), Band("eti", 0.9))
    assert drawing is not None
    assert "largest in “" in drawing.alt
    assert render(drawing, watermark=None, kinds=("png",))["png"][:4] == b"\x89PNG"


def test_a_single_scenario_is_compared_with_nothing(written: Written) -> None:
    folder, page, numbers = written
    assert not any(name.startswith("scenario-differences") for name in numbers["tables"])
    assert scenarios_drawing(trees.make_tree(), Band("eti", 0.9)) is None
    assert "Scenarios compared" not in " ".join(page.text)
    assert not list((folder / "figures").glob("scenario-comparison*"))
