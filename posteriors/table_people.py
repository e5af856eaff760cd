"""Winners and losers by what the panel says of workers: education, sex, region or the like."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from taskroy.posteriors.bands import Band, above_zero, estimate
from taskroy.posteriors.small_cells import SMALLEST, to_suppress
from taskroy.posteriors.table_scenario import ONE_EACH, Scenario
from taskroy.posteriors.tables import SUPPRESSED, Column, Table
from taskroy.posteriors.titles import plain_title


def people_table(scenario: Scenario, constants: xr.Dataset, band: Band) -> Table:
    """Return who gains in each group of people, in the order of the panel's columns."""
    draws, members = scenario.draws, constants["member"].to_numpy()
    names = [str(name) for name in constants["people"].to_numpy()]
    column = [name.split(": ")[0] for name in names]
    workers = members.sum(1)
    hidden = np.zeros(len(names), bool)
    for one in set(column):  # whose groups make up the panel
        where = np.array([c == one for c in column])
        hidden[where] = to_suppress(workers[where])
    numbers = {
        "workers": workers,
        **estimate("winners", draws["people_winners"], band),
        **estimate("change", draws["people_change"], band),
        "gain_probability": above_zero(draws["people_change"]),
        **estimate("welfare_change", draws["people_welfare_change"], band),
    }
    frame = pd.DataFrame(
        {
            "people": [plain_title(name) for name in names],
            **{name: np.where(hidden, np.nan, values) for name, values in numbers.items()},
            SUPPRESSED: hidden,
        }
    )
    weighted = "worker_weight" in constants
    hide = f"Groups of fewer than {SMALLEST} workers are not shown, nor the next smallest where "
    return Table(
        f"{scenario.prefix}-people",
        f"Winners and losers, by what the panel says of workers, with {band.name}s",
        "workers count by their mean weight in the panel" if weighted else ONE_EACH,
        frame,
        (
            Column("people", "Workers with"),
            Column("workers", "Workers", "count"),
            Column("winners", "Share who gain [band]", "percent", band=True),
            Column("change", "Mean change, log points [band]", "log_points", band=True),
            Column("gain_probability", "Probability that it is a gain", "probability"),
            Column("welfare_change", "Welfare, log points [band]", "log_points", band=True),
        ),
        (
            "Workers are grouped by their last known value; numbers that take many are cut into "
            "quarters of the workers.",
            *((hide + "that is needed to hide a single one.",) if hidden.any() else ()),
        ),
    )
