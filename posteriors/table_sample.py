"""How the sample came about: what was read, and what each rule left of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from taskroy.posteriors.tables import Column, Table
from taskroy.posteriors.titles import plain_title


def sample_table(tree: xr.DataTree) -> Table | None:
    """Return rows and workers after each rule of the sample, from those that were read on.

    Posteriors of earlier versions, and of simulated panels, hold no such steps: None.
    """
    steps = tree.attrs.get("sample")
    if not steps:
        return None
    rows = np.array([step["rows"] for step in steps], dtype=float)
    frame = pd.DataFrame(
        {
            "rule": [plain_title(step["rule"]) for step in steps],
            "rows": rows,
            "left_out": -np.diff(rows, prepend=np.nan),
            "workers": [float(step["workers"]) for step in steps],
        }
    )
    return Table(
        "sample",
        "From the rows that were read to those of the panel",
        "none",
        frame,
        (
            Column("rule", "Rows"),
            Column("rows", "Number", "count"),
            Column("left_out", "Left out by this rule", "count"),
            Column("workers", "Workers", "count"),
        ),
        ("The rules are applied one after the other; the last row is the panel.",),
    )
