"""The table of alternatives: what changes the sign, what failed, and where the grid is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_sensitivity import curve_drawing, tornado_drawing
from taskroy.posteriors.figure_style import render
from taskroy.posteriors.grid import Grid, Outcome, Summary, read_grid, summarize, write_grid
from taskroy.posteriors.table_sensitivity import sensitivity_table, sensitivity_words

BAND = Band("eti", 0.9)
STUDY = {"panel": {}, "tasks": {}, "model": {"shock": "worker"}, "inference": {}, "scenario": []}


def outcome(
    choice: str, value: str, mean: float, *, sd: float = 0.01, verdict: str = "PASS"
) -> Outcome:
    change = Summary(mean, mean - 1.6 * sd, mean + 1.6 * sd, sd)
    share = 0.5 + mean
    winners = Summary(share, share - 0.02, share + 0.02, 0.01)
    scenarios = {"one": {"winners": winners, "mean_change": change}}
    return Outcome(choice, value, True, f"alternatives/{value}", verdict, scenarios=scenarios)


GRID = Grid(
    STUDY,
    BAND,
    outcome("", "the study itself", 0.05),
    (
        outcome("Prices", "elastic", 0.04),
        outcome("Exposure", "other label", -0.03),
        outcome("Exposure", "third label", 0.01),
        outcome("Intercepts", "known", -0.4, verdict="FAIL"),
        Outcome("Sample", "long careers", True, "x", failure="No worker is left."),
    ),
)


def test_rows_are_in_order_of_influence_and_say_what_changes_the_sign() -> None:
    frame = sensitivity_table(GRID).frame.set_index("value")
    assert list(frame.index) == [
        *("the study itself", "other label", "third label", "elastic", "known", "long careers")
    ]
    assert list(frame["sign"]) == [
        *("–", "yes", "band covers zero", "no", "not to be trusted", "no result")
    ]
    np.testing.assert_allclose(frame.loc["other label", "difference"], -0.08)
    np.testing.assert_allclose(frame.loc["other label", "difference_sds"], -8)
    assert frame.loc["other label", "majority"] == "yes"


def test_words_say_what_matters_most_and_what_has_no_result() -> None:
    said = " ".join(sensitivity_words(GRID, sensitivity_table(GRID)))
    assert "Of 3 alternatives, what matters most is: Exposure: other label." in said
    assert "−3.0 [−4.6, −1.4] log points instead of +5.0 [+3.4, +6.6]" in said
    assert "The sign of the mean change is another with: Exposure: other label." in said
    assert "cannot be told from zero with: Exposure: third label." in said
    assert "cannot be trusted" not in said
    assert "trusted: Intercepts: known; Sample: long careers." in said
    calm = replace(GRID, alternatives=GRID.alternatives[:1])
    said = " ".join(sensitivity_words(calm, sensitivity_table(calm)))
    assert "No alternative changes the sign" in said


def test_a_grid_is_read_back_for_its_own_study_and_band(tmp_path: Path) -> None:
    write_grid(GRID, tmp_path)
    tree = xr.DataTree()
    tree.attrs["study"] = json.dumps({**STUDY, "report": {}})
    assert read_grid(tmp_path, tree, BAND) == GRID
    assert read_grid(tmp_path, tree, Band("hdi", 0.9)) is None
    assert read_grid(tmp_path / "elsewhere", tree, BAND) is None
    tree.attrs["study"] = json.dumps({**STUDY, "model": {}})
    assert read_grid(tmp_path, tree, BAND) is None
    # By weights it is another question; where nobody asks for them, the same as ever.
    tree.attrs["study"] = json.dumps({**STUDY, "counterfactual": {"weighted": True}})
    assert read_grid(tmp_path, tree, BAND) is None
    tree.attrs["study"] = json.dumps({**STUDY, "counterfactual": {"weighted": False}})
    assert read_grid(tmp_path, tree, BAND) == GRID
    (tmp_path / "sensitivity.json").write_text('{"essence": 1')
    assert read_grid(tmp_path, tree, BAND) is None


def test_summaries_are_those_of_the_draws() -> None:
    draws = np.random.default_rng(0).normal(size=(2, 3, 50))
    dims = ("scenario", "chain", "draw")
    found = summarize(
        xr.Dataset(
            {"winners": (dims, draws), "mean_change": (dims, 2 * draws)}, {"scenario": ["a", "b"]}
        ),
        BAND,
    )
    pooled = 2 * draws[1].ravel()
    one = found["b"]["mean_change"]
    np.testing.assert_allclose((one.mean, one.sd), (pooled.mean(), pooled.std(ddof=1)))
    np.testing.assert_allclose((one.low, one.high), np.quantile(pooled, (0.05, 0.95)), atol=0.05)


@pytest.mark.parametrize("grid", [GRID, replace(GRID, alternatives=GRID.alternatives[3:])])
def test_figures_are_drawn_with_and_without_results(grid: Grid) -> None:
    table = sensitivity_table(grid)
    for drawing in (
        tornado_drawing(table, "one", "scenario-1"),
        curve_drawing(table, "one", BAND, "scenario-1"),
    ):
        assert render(drawing, watermark=None)["svg"].startswith(b"<?xml")
