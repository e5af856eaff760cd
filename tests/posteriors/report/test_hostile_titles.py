"""Titles from anywhere stay text."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import report_tree as trees
from report_page import GOOD, Page, forbidden
from taskroy.posteriors import checks
from taskroy.posteriors.gate import Gate
from taskroy.posteriors.report import write_report

HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    r"$\frac{x$ \input{/etc/passwd}",
    "a very long title " * 30,
    "عمال \u202eالبناء",
    "two\r\nlines\tand a tab",
    "漢字\x1b[31m\ud800",
    "\" onerror='alert(1)' x=\"",
    "@SUM(1+1)*cmd",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("hostile")
    posterior = trees.make_tree(
        titles=HOSTILE, scenarios=("<img src=x onerror=alert(1)>", "=1+1 $\\frac$")
    )
    with pytest.MonkeyPatch.context() as patch, mpl.rc_context({"text.usetex": True}):
        patch.setattr(checks, "check", lambda posterior: Gate((GOOD,)))
        return folder, write_report(posterior, folder).read_text()


class TestHostileTitles:
    def test_page_holds_them_as_text(self, hostile: tuple[Path, str]) -> None:
        _, html = hostile
        page = Page(html)
        assert forbidden(page) == []
        assert "<script>alert(1)</script>" in page.text
        assert not re.search("[\u202a-\u202e\x00-\x08\x0b-\x1f]", html)

    def test_figures_draw_them_as_they_are(self, hostile: tuple[Path, str]) -> None:
        # Read as mathematics or TeX, the third title would have raised an error.
        folder, _ = hostile
        files = list((folder / "figures").iterdir())
        assert len(files) == 2 * (3 + 2 * 8)
        for file in files:
            start = b"\x89PNG" if file.suffix == ".png" else b"%PDF"
            assert file.read_bytes().startswith(start)

    def test_tables_start_no_formula(self, hostile: tuple[Path, str]) -> None:
        folder, _ = hostile
        cells = [
            cell
            for file in (folder / "tables").glob("*.csv")
            for row in csv.reader(io.StringIO(file.read_text()))
            for cell in row
        ]
        risky = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert risky, "negative numbers stay numbers"
        assert all(np.isfinite(float(cell)) for cell in risky)
        assert "'=cmd|' /C calc'!A0" in cells

    def test_json_is_plain(self, hostile: tuple[Path, str]) -> None:
        folder, _ = hostile
        text = (folder / "report.json").read_text()
        numbers = json.loads(text, parse_constant=lambda name: pytest.fail(name))
        titles = [row["occupation"] for row in numbers["tables"]["who"]["rows"]]
        assert titles[0] == HOSTILE[0]
        assert titles[5] == "two lines and a tab"
        assert len(titles[3]) == 200

    def test_latex_runs_no_command_of_theirs(self, hostile: tuple[Path, str]) -> None:
        folder, _ = hostile
        files = list((folder / "tables").glob("*.tex"))
        assert {file.stem for file in files} == {f.stem for f in (folder / "tables").glob("*.csv")}
        text = (folder / "tables" / "who.tex").read_text()
        assert r"\$\textbackslash{}frac\{x\$ \textbackslash{}input\{/etc/passwd\}" in text
        ours = r"begin|end|centering|caption|label|toprule|midrule|bottomrule|par|footnotesize"
        theirs = r"textbackslash|textasciitilde|textasciicircum|textless|textgreater"
        for file in files:
            commands = set(re.findall(r"\\([a-zA-Z]+)", file.read_text()))
            assert commands <= set(f"{ours}|{theirs}".split("|")), (file.name, commands)
            # What is between the braces of commands is closed in every line.
            for line in file.read_text().splitlines():
                bare = re.sub(r"\\[{}]", "", line)
                assert bare.count("{") == bare.count("}"), line
