"""Shared by the tests of the data room: real data that are never committed, and a small table."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Find a file under $TASKROY_DATA or ../shared/data; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        default = Path(__file__).parents[2].parent / "shared" / "data"
        path = Path(os.environ.get("TASKROY_DATA", default)) / name
        if not path.exists():
            pytest.skip(f"needs the shared data '{name}' ($TASKROY_DATA or ../shared/data)")
        return path

    return find


@pytest.fixture
def rows() -> pd.DataFrame:
    """Six worker-years of three workers in two occupations."""
    return pd.DataFrame(
        {
            "worker": [1, 1, 2, 2, 3, 3],
            "year": [2001, 2002, 2001, 2002, 2001, 2003],
            "occupation": ["11-10", "13-10", "11-10", "11-10", "13-10", "13-10"],
            "wage": [10.0, 12.5, 20.0, 21.0, 15.25, 16.0],
            "age": [30.0, 31.0, 40.0, 41.0, 25.0, 27.0],
        }
    )
