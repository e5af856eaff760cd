"""A fit that failed is refused or marked, and so is what is no posterior."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr

import report_tree as trees
from report_page import GOOD, Page, Written
from taskroy.errors import GateError, ModelError, StoreError, StudyError
from taskroy.posteriors.gate import CheckLine
from taskroy.posteriors.report import write_report
from taskroy.posteriors.report_content import WATERMARK

BAD = CheckLine("divergences", "FAIL", "17", "0", "A place not explored.", "Raise target_accept.")


class TestGate:
    def test_failed_fit_is_refused_with_lines_and_remedies(
        self, tree: xr.DataTree, gate: Callable[..., None], tmp_path: Path
    ) -> None:
        gate(GOOD, BAD)
        with pytest.raises(GateError, match="divergences: 17") as refusal:
            write_report(tree, tmp_path / "new")
        assert "Raise target_accept" in str(refusal.value)
        assert "R-hat" not in str(refusal.value)
        assert not (tmp_path / "new").exists()

    def test_failed_fit_is_watermarked_where_asked_for(
        self, tree: xr.DataTree, gate: Callable[..., None], tmp_path: Path,
        written: Written,
    ) -> None:  # fmt: skip
        gate(GOOD, BAD)
        html = write_report(tree, tmp_path, allow_failed=True).read_text()
        page = Page(html)
        assert ("div", "class", "watermark") in page.attributes
        assert re.search(r"\.watermark \{ position: fixed", html)
        assert sum(WATERMARK in text for text in page.text) == 3  # title, watermark, banner
        good = written[0]
        assert WATERMARK not in (good / "report.html").read_text()
        numbers = json.loads((tmp_path / "report.json").read_text())
        assert numbers["watermark"] == WATERMARK
        stored = json.loads((tmp_path / "gate.json").read_text())
        assert stored == {"verdict": "FAIL", "lines": numbers["gate"]}
        for file in (tmp_path / "figures").iterdir():
            other = good / "figures" / file.name
            assert file.read_bytes() != other.read_bytes(), "a figure without watermark"

    def test_tables_of_a_failed_fit_are_marked_and_replace_those_of_another(
        self, tree: xr.DataTree, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        write_report(tree, tmp_path)
        plain = {file.name for file in (tmp_path / "tables").iterdir()}
        numbers = (tmp_path / "tables/who.csv").read_text()
        assert WATERMARK not in (tmp_path / "tables/who.tex").read_text()
        gate(GOOD, BAD)
        write_report(tree, tmp_path, allow_failed=True)
        marked = {file.name for file in (tmp_path / "tables").iterdir()}
        assert marked == {f"NOT-CONVERGED-{name}" for name in plain}
        # A line of text above the numbers would be taken for the names of the columns.
        assert (tmp_path / "tables/NOT-CONVERGED-who.csv").read_text() == numbers
        for file in (tmp_path / "tables").glob("*.tex"):
            assert rf"\caption{{{WATERMARK}. " in file.read_text()
        gate(GOOD)
        write_report(tree, tmp_path)
        assert {file.name for file in (tmp_path / "tables").iterdir()} == plain

    def test_a_fit_to_review_is_said_to_be_one(
        self, tree: xr.DataTree, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        gate(GOOD, replace(GOOD, name="tree depth", status="REVIEW"))
        page = Page(write_report(tree, tmp_path).read_text())
        text = " ".join(page.text)
        assert text.index("look at: tree depth") < text.index("Scenario:")
        assert WATERMARK not in text

    def test_each_line_says_whether_it_counts(
        self, tree: xr.DataTree, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        gate(GOOD, replace(GOOD, name="leave one out", status="REVIEW", of="model"))
        page = Page(write_report(tree, tmp_path).read_text())
        head, draws, model = page.table("Checks of the fit")
        assert head[:3] == ["Check", "Asks of", "Result"]
        assert draws[1:3] == ["the draws", "PASS"]
        assert model[1:3] == ["the model", "REVIEW"]
        assert "do not count in the verdict" in " ".join(page.text)

    def test_reports_what_earlier_versions_stored(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        tree = trees.make_tree().drop_nodes("counterfactual_redrawn")
        group = tree["counterfactual"].to_dataset()
        newer = ("group_", "inequality_", "welfare_", "flow_", "net_", "skill_change", "barg")
        tree["counterfactual"] = xr.DataTree(
            group.drop_vars([name for name in group if str(name).startswith(newer)])
        )
        page = Page(write_report(tree, tmp_path).read_text())
        assert "Re-sorting" in " ".join(page.table("Change of each occupation")[0])
        assert "Who moves" not in " ".join(page.text)

    def test_asks_for_a_counterfactual(self, gate: Callable[..., None], tmp_path: Path) -> None:
        bare = trees.make_tree().drop_nodes("counterfactual")
        with pytest.raises(ModelError, match="no counterfactual"):
            write_report(bare, tmp_path)
        with pytest.raises(StoreError, match="no group 'prior'"):
            write_report(trees.make_tree().drop_nodes("prior"), tmp_path)

    @pytest.mark.parametrize("level", [0.0, 1.0, -1.0, float("nan")])
    def test_refuses_a_level_that_is_none(
        self, tree: xr.DataTree, gate: Callable[..., None], tmp_path: Path, level: float
    ) -> None:
        with pytest.raises(StudyError, match="no interval"):
            write_report(tree, tmp_path, level=level)
