"""The table of alternatives: what changes the sign, what failed, and where the grid is kept."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.collections import LineCollection

from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_sensitivity import curve_drawing, tornado_drawing
from taskroy.posteriors.figure_style import render
from taskroy.posteriors.grid import Grid, Outcome, Summary, read_grid, summarize, write_grid
from taskroy.posteriors.table_sensitivity import sensitivity_table
from taskroy.posteriors.words_sensitivity import sensitivity_words

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
    assert list(frame["majority"]) == [
        *("–", "yes", "band covers 50%", "no", "not to be trusted", "no result")
    ]
    assert list(frame["trusted"]) == [True, True, True, True, False, False]
    assert list(frame["mean_change_side"][:5]) == [1, -1, 0, 1, -1]
    assert np.isnan(frame.loc["long careers", "mean_change_side"])


def test_files_say_of_every_row_whether_it_is_to_be_trusted() -> None:
    table = sensitivity_table(GRID)
    csv = pd.read_csv(io.StringIO(table.to_csv())).set_index("value")
    rows = {row["value"]: row for row in table.to_json()["rows"]}
    for value, row in rows.items():
        trusted = value not in ("known", "long careers")
        assert row["trusted"] is trusted
        assert csv.loc[value, "trusted"] == trusted
    assert csv.loc["known", "majority"] == rows["known"]["majority"] == "not to be trusted"
    assert rows["long careers"]["winners_side"] is None
    assert (rows["other label"]["winners_side"], csv.loc["other label", "winners_side"]) == (-1, -1)


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


def words(base: Outcome, *alternatives: Outcome) -> str:
    found = Grid(STUDY, BAND, base, alternatives)
    return " ".join(sensitivity_words(found, sensitivity_table(found)))


def test_a_mean_that_changes_its_sign_is_told_though_the_band_covers_zero() -> None:
    turned = outcome("Exposure", "other label", -0.01)
    said = words(GRID.base, turned, GRID.alternatives[0])
    assert "No alternative changes the sign" not in said
    assert "has the other sign, though the band covers zero, with: Exposure: other label." in said
    assert "cannot be told from zero" not in said
    assert "though the band covers 50%, whether most workers gain is another with: Exp" in said
    frame = sensitivity_table(Grid(STUDY, BAND, GRID.base, (turned,))).frame
    assert frame["sign"][1] == "its mean does, band covers zero"
    assert frame["majority"][1] == "its mean does, band covers 50%"


def test_where_the_study_leaves_it_open_the_alternatives_that_do_not_are_told() -> None:
    base = outcome("", "the study itself", 0.01)
    said = words(base, outcome("A", "up", 0.05), outcome("A", "down", -0.05), base)
    assert (
        "In the study itself the band of the mean change covers zero; it lies above zero with: "
        "A: up, and it lies below zero with: A: down." in said
    )
    assert "share who gain covers 50%; it lies above 50% with: A: up, and it lies below" in said
    said = words(base, outcome("A", "same", 0.012))
    assert "of the mean change covers zero, as with every alternative." in said


def test_a_study_that_failed_its_checks_is_said_to_have() -> None:
    said = words(replace(GRID.base, verdict="FAIL"), GRID.alternatives[3])
    assert said.startswith("The study’s own fit failed its checks")
    assert "changes the sign" not in said


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
        tornado_drawing(table, "one", BAND, "scenario-1"),
        curve_drawing(table, "one", BAND, "scenario-1"),
    ):
        assert render(drawing, watermark=None)["svg"].startswith(b"<?xml")


def test_ends_of_the_tornado_have_their_bands() -> None:
    figure = tornado_drawing(sensitivity_table(GRID), "one", BAND, "scenario-1").draw()
    (axes,) = figure.axes
    lines = [one for one in axes.collections if isinstance(one, LineCollection)]
    ends = [[part[:, 0] for part in line.get_segments()] for line in lines]
    # Exposure, then Prices; both lie below the study, so that no end above has a band.
    np.testing.assert_allclose(ends[0], [[-4.6, -1.4], [2.4, 5.6]])
    assert ends[1] == []
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Exposure", "Prices"]
