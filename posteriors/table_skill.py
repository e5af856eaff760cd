"""Winners and losers by how good they are at the tasks that a scenario automates most."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from taskroy.posteriors.bands import SAMPLE, Band, above_zero, estimate
from taskroy.posteriors.table_scenario import ONE_EACH, Scenario
from taskroy.posteriors.tables import Column, Table
from taskroy.posteriors.titles import plain_title

_TASKS = 4
_NAMES = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


def skill_table(scenario: Scenario, band: Band) -> Table:
    """Return who gains by quarter of skill, at the tasks automated most: at most four of them.

    Parameters
    ----------
    scenario
        With ``change_by_skill`` and ``winners_by_skill``.
    band
        Kind and level of the intervals.
    """
    share = scenario.draws["automated_share"].to_numpy()
    most = np.argsort(-share, kind="stable")[:_TASKS]
    # Where nothing is automated, skills may be helped with at any task.
    some = most[share[most] > 0] if (share > 0).any() else most
    draws = scenario.draws.isel(task=some)
    winners, change = (_rows(draws[f"{name}_by_skill"]) for name in ("winners", "change"))
    titles = [plain_title(str(title)) for title in scenario.draws["task"].to_numpy()[some]]
    frame = pd.DataFrame(
        {
            "task": np.repeat(titles, len(_NAMES)),
            "quarter": list(_NAMES) * len(titles),
            **estimate("winners", winners, band),
            **estimate("change", change, band),
            "gain_probability": above_zero(change),
        }
    )
    return Table(
        f"{scenario.prefix}-skill",
        f"Who gains, by skill at the tasks automated most, with {band.name}s",
        ONE_EACH,
        frame,
        (
            Column("task", "Skill at"),
            Column("quarter", "Workers in its"),
            Column("winners", "Share who gain [band]", "percent", band=True),
            Column("change", "Mean change, log points [band]", "log_points", band=True),
            Column("gain_probability", "Probability that it is a gain", "probability"),
        ),
        ("Workers are in quarters by their skill before the change, in each draw anew.",),
    )


def _rows(values: xr.DataArray) -> xr.DataArray:
    """Return one row for each task and quarter, quarters of a task together."""
    ordered = values.transpose(*SAMPLE, "task", "skill_quarter").to_numpy()
    return xr.DataArray(ordered.reshape(*ordered.shape[:2], -1), dims=(*SAMPLE, "row"))
