"""The parts of the report's tables: cells, suppression, titles, bands."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from taskroy.errors import StudyError
from taskroy.posteriors.bands import Band, estimate, sampling_error
from taskroy.posteriors.small_cells import SMALLEST, to_suppress
from taskroy.posteriors.tables import SUPPRESSED, Column, Table, show, show_number
from taskroy.posteriors.titles import figure_label, in_sentence, plain_title


class TestTable:
    frame = pd.DataFrame(
        {
            "name": ["=A1+1", "b"],
            "x": [-0.0312, np.nan],
            "x_low": [-0.06, np.nan],
            "x_high": [0.0, np.nan],
            SUPPRESSED: [False, True],
        }
    )
    columns = (Column("name", "Name"), Column("x", "Change", "log_points", band=True))
    table = Table("t", "Caption", "none", frame, columns)

    def test_prints_numbers_with_bands(self) -> None:
        assert self.table.shown_rows() == [["=A1+1", "−3.1 [−6.0, 0.0]"], ["b", "not shown"]]

    def test_csv_disarms_texts_and_leaves_numbers(self) -> None:
        lines = self.table.to_csv().splitlines()
        assert lines == [
            "name,x,x_low,x_high,suppressed",
            "'=A1+1,-0.0312,-0.06,0.0,False",
            "b,,,,True",
        ]

    def test_json_keeps_full_numbers(self) -> None:
        rows = self.table.to_json()["rows"]
        assert rows[0]["x"] == -0.0312
        assert rows[1]["x"] is None
        assert json.loads(json.dumps(rows, allow_nan=False)) == rows

    def test_decimals_of_a_band_are_those_of_its_largest_number(self) -> None:
        row = {"x": 0.004, "x_low": -1.65, "x_high": 1.5}
        assert show(Column("x", "", "number", band=True), row) == "0.00 [−1.65, 1.50]"

    @pytest.mark.parametrize(
        ("value", "kind", "text"),
        [
            (0.576, "percent", "58%"),
            (-0.0001, "percent", "0%"),
            (0.999, "probability", "> 99%"),
            (0.001, "probability", "< 1%"),
            (0.0312, "log_points", "+3.1"),
            (-0.0004, "log_points", "0.0"),
            (1234567, "count", "1,234,567"),
            (1.00449, "rhat", "1.004"),
            (0.26, "number", "0.260"),
        ],
    )
    def test_shows_numbers(self, value: float, kind: str, text: str) -> None:
        assert show_number(value, kind) == text  # type: ignore[arg-type]


class TestSmallCells:
    @given(st.lists(st.integers(0, 40), min_size=1, max_size=12))
    def test_no_hidden_cell_can_be_worked_out(self, counts: list[int]) -> None:
        hidden = to_suppress(counts)
        assert all(hidden[i] for i, n in enumerate(counts) if 0 < n < SMALLEST)
        others = sum(n > 0 for n in counts) > 1
        assert hidden.sum() != 1 or not others

    def test_hides_nothing_without_need(self) -> None:
        assert not to_suppress([10, 0, 500]).any()


class TestTitles:
    @given(st.text(max_size=400))
    def test_are_one_visible_line(self, text: str) -> None:
        title = plain_title(text)
        assert 1 <= len(title) <= 200
        assert title.isprintable()
        assert plain_title(title) == title
        assert len(in_sentence(title)) <= 72

    @given(st.text(st.characters(categories=["L", "Zs", "P"]), min_size=1, max_size=400))
    def test_fit_into_a_figure(self, text: str) -> None:
        lines = figure_label(plain_title(text), width=20).split("\n")
        assert len(lines) <= 2
        assert all(len(line) <= 20 for line in lines)

    def test_are_kept_as_they_are(self) -> None:
        assert plain_title("Läkare & <i>co</i> $5") == "Läkare & <i>co</i> $5"
        assert plain_title("\u202eevil\x00\r\n") == "evil"


class TestBands:
    draws = xr.DataArray(
        np.random.default_rng(3).gamma(2.0, size=(4, 500, 2)), dims=("chain", "draw", "task")
    )

    def test_equal_tailed_is_that_of_numpy(self) -> None:
        got = estimate("x", self.draws, Band("eti", 0.8))
        flat = self.draws.to_numpy().reshape(-1, 2)
        np.testing.assert_allclose(got["x"], flat.mean(0), atol=1e-12)
        np.testing.assert_allclose(
            [got["x_low"], got["x_high"]], np.quantile(flat, [0.1, 0.9], axis=0), atol=1e-12
        )

    def test_highest_density_is_shorter_where_draws_are_skewed(self) -> None:
        eti, hdi = (estimate("x", self.draws, Band(kind, 0.8)) for kind in ("eti", "hdi"))
        assert (hdi["x_high"] - hdi["x_low"] < eti["x_high"] - eti["x_low"]).all()

    def test_leave_out_draws_that_are_no_numbers(self) -> None:
        holed = self.draws.where(self.draws < 3)
        got = estimate("x", holed, Band("eti", 0.8))
        assert np.isfinite(list(got.values())).all()
        assert (got["x_high"] <= 3).all()

    def test_refuse_another_kind(self) -> None:
        with pytest.raises(StudyError, match="no interval of kind 'std'"):
            Band("std", 0.9)  # type: ignore[arg-type]

    def test_error_of_independent_draws_is_the_classical_one(self) -> None:
        sd, error = sampling_error(self.draws)
        np.testing.assert_allclose(error, sd / np.sqrt(2000), rtol=0.15)
