"""Bugs to plant are texts of the program as it is now, each in one place."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUGS = ROOT / "benchmarks" / "bugs.py"


@pytest.mark.skipif(not BUGS.exists(), reason="a source distribution has no benchmarks")
def test_each_stands_once_in_its_file() -> None:
    for bug in runpy.run_path(str(BUGS))["BUGS"]:
        assert (ROOT / bug.file).read_text(encoding="utf-8").count(bug.old) == 1, bug.name
