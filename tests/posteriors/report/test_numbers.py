"""The numbers of the report equal what can be computed by hand."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import report_tree as trees
from report_page import GOOD, Page, Written
from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_inequality import inequality_drawing
from taskroy.posteriors.gate import Gate
from taskroy.posteriors.report import write_report
from taskroy.posteriors.table_inequality import inequality_table
from taskroy.posteriors.table_scenario import scenarios


class TestNumbers:
    def test_winners_table_equals_plain_numpy(self, tree: xr.DataTree, written: Written) -> None:
        folder, _, _ = written
        with (folder / "tables" / "scenario-1-winners.csv").open() as file:
            rows = {row["occupation"]: row for row in csv.DictReader(file)}
        group = tree["counterfactual"]
        expected = {
            title: group["winners_by_occupation"].values[0, :, :, o].ravel()
            for o, title in enumerate(trees.OCCUPATIONS)
        }
        expected["All workers"] = group["winners"].values[0].ravel()
        assert set(rows) == set(expected)
        for title, draws in expected.items():
            got = [float(rows[title][f"winners{end}"]) for end in ("", "_low", "_high")]
            np.testing.assert_allclose(
                got, [draws.mean(), *np.quantile(draws, [0.05, 0.95])], rtol=0, atol=1e-12
            )

    def test_decomposition_adds_up(self, written: Written) -> None:
        numbers = written[2]["tables"]["scenario-1-decomposition"]["rows"]
        for row in numbers:
            parts = ("productivity", "task_shift", "selection", "resorting")
            assert sum(row[p] for p in parts) == pytest.approx(row["log_wage_change"], abs=1e-12)

    def test_every_cell_of_the_page_is_in_the_json(self, written: Written) -> None:
        _, page, numbers = written
        compared = 0
        for name, table in numbers["tables"].items():
            if name == "scenario-1-transitions":
                continue  # a figure shows them
            printed = page.table(table["caption"])[1:]
            assert len(printed) == len(table["rows"])
            for cells, row in zip(printed, table["rows"], strict=True):
                raw = [value for value in row.values() if isinstance(value, (int, float))]
                for cell in cells:
                    for number in re.findall(r"(?<![\w.])[−+]?\d[\d,]*\.?\d*(?![\w.])", cell):
                        value = float(number.replace("−", "-").replace(",", ""))
                        digits = len(number.partition(".")[2])
                        half = 0.5 * 10.0**-digits + 1e-9
                        texts = " ".join(str(v) for v in row.values() if isinstance(v, str))
                        near = any(
                            abs(times * x - value) <= half for x in raw for times in (1, 100)
                        )
                        assert near or number.replace("−", "-") in texts, (cell, row)
                        compared += 1
        assert compared > 300

    def test_who_moves_is_told_against_a_world_that_stays(
        self, tree: xr.DataTree, written: Written
    ) -> None:
        rows = written[2]["tables"]["scenario-1-movers"]["rows"]
        group = tree["counterfactual"].to_dataset().isel(scenario=0)
        share, share0 = group["group_share"].to_numpy(), group["group_share_unchanged"].to_numpy()
        change, change0 = (
            group[name].to_numpy() for name in ("group_change", "group_change_unchanged")
        )
        names = [str(name) for name in group["group"].to_numpy()]
        for o, title in enumerate(trees.OCCUPATIONS):
            row = next(row for row in rows if row["occupation"] == title)
            stay, all_of_them = names.index("stayers"), names.index("incumbents")
            expected = (share / share[..., [all_of_them], :])[..., stay, o].mean()
            assert row["stay"] == pytest.approx(expected, abs=1e-12)
            for name in ("stayers", "leavers", "in_switchers"):
                beyond = (change - change0)[..., names.index(name), o].mean()
                assert row[name] == pytest.approx(beyond, abs=1e-12)
        everyone = rows[0]
        g = names.index("leavers")

        def overall(share: np.ndarray, change: np.ndarray) -> np.ndarray:
            return (share * change)[..., g, :].sum(-1) / share[..., g, :].sum(-1)

        beyond = (overall(share, change) - overall(share0, change0)).mean()
        assert everyone["leavers"] == pytest.approx(beyond, abs=1e-12)

    def test_net_flows_are_told_once_and_in_their_direction(
        self, tree: xr.DataTree, written: Written
    ) -> None:
        rows = written[2]["tables"]["scenario-1-flows"]["rows"]
        net = tree["counterfactual"]["net_flow_mean"].to_numpy()[0]
        places = [
            (trees.OCCUPATIONS.index(row["origin"]), trees.OCCUPATIONS.index(row["destination"]))
            for row in rows
        ]
        assert len({frozenset(place) for place in places}) == len(rows) == 15
        found = [net[place] for place in places]
        np.testing.assert_allclose([row["net_flow"] for row in rows], found)
        np.testing.assert_allclose(found, np.sort(net[net > 0])[::-1][:15])

    def test_inequality_and_welfare_are_in_the_tables(
        self, tree: xr.DataTree, written: Written
    ) -> None:
        group = tree["counterfactual"].to_dataset().isel(scenario=0)
        rows = {r["key"]: r for r in written[2]["tables"]["scenario-1-inequality"]["rows"]}
        for measure, row in rows.items():
            before, after = (
                group[f"inequality_{when}"].sel(measure=measure).to_numpy().ravel()
                for when in ("before", "after")
            )
            assert row["change"] == pytest.approx((after - before).mean(), abs=1e-12)
            low, high = np.quantile(after - before, [0.05, 0.95])
            assert (row["change_low"], row["change_high"]) == pytest.approx((low, high), abs=1e-9)
        welfare = written[2]["tables"]["scenario-1-welfare"]
        assert welfare["rows"][0]["welfare_change"] == pytest.approx(
            float(group["welfare_change"].mean()), abs=1e-12
        )
        share = 100 * float(group["welfare_winners"].mean())
        assert f"{share:.0f}% [" in welfare["notes"][0]

    def test_the_figure_of_inequality_shows_the_table(self, tree: xr.DataTree) -> None:
        (scenario,) = scenarios(tree)
        band = Band("eti", 0.9)
        table = inequality_table(scenario, band)
        drawing = inequality_drawing(scenario, table, band)
        levels, changes = drawing.draw().axes
        group = tree["counterfactual"].to_dataset().isel(scenario=0)
        group = group.drop_sel(measure="mean")  # a level, not a distance
        for when, place in (("before", 1), ("after", 3)):  # each after its lines
            mean = group[f"inequality_{when}"].mean(("chain", "draw")).to_numpy()
            found = levels.collections[place].get_offsets()[:, 0]
            np.testing.assert_allclose(found, mean, atol=1e-12)
        change = (group["inequality_after"] - group["inequality_before"]).to_numpy()
        ends = np.quantile(change.reshape(-1, change.shape[-1]), [0.05, 0.95], axis=0)
        lines = changes.collections[0].get_segments()
        np.testing.assert_allclose([line[:, 0] for line in lines], ends.T, atol=1e-9)
        assert f"{float(group['inequality_before'][..., 0].mean()):.3f} before" in drawing.alt

    def test_hdi_is_used_and_said(
        self, tree: xr.DataTree, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        html = write_report(tree, tmp_path, interval="hdi", level=0.5).read_text()
        assert "50% highest-density interval" in html
        assert "90%" not in Page(html).table("Winners and losers")[0]
        row = json.loads((tmp_path / "report.json").read_text())["tables"]["scenario-1-winners"]
        draws = np.sort(tree["counterfactual"]["winners"].values.ravel())
        held = int(np.floor(0.5 * draws.size))
        shortest = (draws[held:] - draws[: draws.size - held]).min()
        got = row["rows"][0]["winners_high"] - row["rows"][0]["winners_low"]
        assert got == pytest.approx(shortest, abs=1e-9)

    def test_monte_carlo_error_is_shown_and_noted(self, written: Written) -> None:
        # 200 independent draws: the error is about 1/√200 = 7% of the sd.
        table = written[2]["tables"]["scenario-1-headline"]
        ratio = table["rows"][0]["mcse_ratio"]
        assert 0.05 < ratio < 0.1
        assert "above 5%" in table["notes"][0]

    def test_a_parameter_like_its_prior_is_called_so(self, written: Written) -> None:
        rows = {row["parameter"]: row for row in written[2]["tables"]["parameters"]["rows"]}
        assert rows["Mean skill (s̄): Work Output"]["reading"] == "the data say little"
        assert rows["Wage shocks, sd (ϱ)"]["reading"] == "the data say much"
        assert rows["Wage shocks, sd (ϱ)"]["variance_ratio"] < 0.2

    def test_the_sample_is_told_from_the_rows_that_were_read(self, written: Written) -> None:
        _, page, numbers = written
        rows = page.table("From the rows that were read")
        assert rows[1] == ["read", "1,000", "–", "70"]
        assert rows[2] == ["with the <i>filters</i>", "855", "145", "60"]
        assert numbers["tables"]["sample"]["rows"][1]["left_out"] == 145
        assert "sample" not in [row["item"] for row in numbers["tables"]["provenance"]["rows"]]

    def test_every_number_of_the_page_is_in_the_files(
        self, tree: xr.DataTree, written: Written
    ) -> None:
        folder, _, numbers = written
        group = tree["counterfactual"].to_dataset().isel(scenario=0)
        answer = numbers["answers"][0]
        more = float((group["winners"] > group["losers"]).mean())
        assert answer["more_gain_probability"] == more
        assert f"with probability {100 * max(more, 1 - more):.0f}%." in answer["answer"][0]
        weight = group["employment_before"].mean(("chain", "draw"))
        exposure = float((weight * group["occupation_exposure"]).sum() / weight.sum())
        assert answer["mean_exposure"] == pytest.approx(exposure, abs=1e-12)
        assert f"{100 * exposure:.0f}% of the work of" in answer["question"][0]
        cells = numbers["tables"]["scenario-1-transitions"]["rows"]
        flow = group["flow_mean"].to_numpy()
        share = flow / flow.sum(1, keepdims=True)
        assert [cell["share"] for cell in cells] == share.ravel().tolist()
        assert (cells[10]["origin"], cells[10]["destination"]) == (
            trees.OCCUPATIONS[1], trees.OCCUPATIONS[1],
        )  # fmt: skip
        assert (folder / "tables/scenario-1-transitions.csv").read_text().count("\n") == 82
        welfare = numbers["tables"]["scenario-1-welfare"]["rows"]
        assert welfare[0]["better_off"] == pytest.approx(float(group["welfare_winners"].mean()))
        assert welfare[1]["better_off"] is None

    def test_a_line_of_the_gate_has_its_number_and_threshold(self) -> None:
        line = replace(GOOD, number=1.0023, threshold=1.01)
        assert Gate((line,)).to_json()["lines"][0]["number"] == 1.0023
        assert replace(line, number=float("nan")).to_json()["number"] is None
        assert GOOD.to_json()["threshold"] is None
