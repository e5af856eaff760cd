"""Reports of a small posterior that nobody fitted, written once."""

from __future__ import annotations

import json
from collections.abc import Callable

import matplotlib as mpl
import pytest
import xarray as xr

import report_tree as trees
from report_page import GOOD, Page, Written
from taskroy.posteriors import checks, report
from taskroy.posteriors.gate import CheckLine, Gate
from taskroy.posteriors.report import write_report


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the lines of the gate; by default it passes."""

    def lines(*lines: CheckLine) -> None:
        monkeypatch.setattr(checks, "check", lambda posterior: Gate(lines))

    lines(GOOD)
    return lines


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures out where they are not what is tested; they take the most time."""
    files = dict.fromkeys(("svg", "png", "pdf"), b"a figure")
    monkeypatch.setattr(report, "render", lambda drawing, *, watermark: files)


@pytest.fixture(scope="session")
def tree() -> xr.DataTree:
    return trees.make_tree()


@pytest.fixture(scope="session")
def written(tree: xr.DataTree, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Return the folder, the page and the numbers of one report."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "check", lambda posterior: Gate((GOOD,)))
        before = dict(mpl.rcParams)
        place = write_report(tree, folder)
        assert dict(mpl.rcParams) == before
    return folder, Page(place.read_text()), json.loads((folder / "report.json").read_text())
