"""The files of a report: whole, the same each time, no others touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

import report_tree as trees
from report_page import Page, Written
from taskroy.posteriors import report
from taskroy.posteriors.report import write_report


class TestFiles:
    def test_one_chain_has_no_rhat(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        html = write_report(trees.make_tree(chains=1), tmp_path).read_text()
        rows = json.loads((tmp_path / "report.json").read_text())["tables"]["parameters"]["rows"]
        assert {row["rhat"] for row in rows} == {None}
        assert "says nothing about a single one" in html

    def test_same_posterior_gives_the_same_files(
        self, tree: xr.DataTree, gate: Callable[..., None], tmp_path: Path,
        written: Written,
    ) -> None:  # fmt: skip
        first = written[0]
        write_report(tree, tmp_path)
        ours = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.*"))
        assert ours == sorted(p.relative_to(first) for p in first.rglob("*.*"))
        for name in ours:
            assert (tmp_path / name).read_bytes() == (first / name).read_bytes(), name

    def test_fewer_scenarios_leave_no_files_of_the_old_ones(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        figures = tmp_path / "figures"
        figures.mkdir()
        (figures / "scenario-7-winners.png").write_text("old")
        (figures / "my notes.png").write_text("mine")
        write_report(trees.make_tree(), tmp_path)
        assert not (figures / "scenario-7-winners.png").exists()
        assert (figures / "my notes.png").exists()

    def test_a_report_that_breaks_off_leaves_no_page(
        self, tree: xr.DataTree, gate: Callable[..., None], undrawn: None, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        def full(path: Path, content: str | bytes) -> Path:
            if path.name == "report.json":
                raise OSError(28, "No space left on device")
            return report_write(path, content)

        report_write = report.write_atomically
        (tmp_path / "report.html").write_text("an old one")
        monkeypatch.setattr(report, "write_atomically", full)
        with pytest.raises(OSError, match="No space"):
            write_report(tree, tmp_path)
        assert not (tmp_path / "report.html").exists()

    def test_zero_change_is_said_plainly(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        tree = trees.make_tree()
        group = tree["counterfactual"].to_dataset()
        keep = (
            *("employment_before", "employment_after", "automated_share", "occupation_exposure"),
            *("group_share", "group_share_unchanged", "inequality_before", "flow_mean"),
        )
        tree["counterfactual"] = xr.DataTree(
            group.map(lambda values: values if values.name in keep else 0 * values)
        )
        page = Page(write_report(tree, tmp_path).read_text())
        assert "No worker’s expected wage changes." in page.text
        assert "Share who do not gain [band]" in page.table("Winners and losers")[0]
