"""How much of the uncertainty each of the analyst's choices would be, were its values as likely."""

from __future__ import annotations

import numpy as np
import pandas as pd

from taskroy.posteriors.grid import QUANTITIES, Grid, Outcome
from taskroy.posteriors.tables import Column, Table
from taskroy.posteriors.titles import plain_title


def choices_table(grid: Grid) -> Table | None:
    """Return, choice by choice, the share of a variance that lies between its values.

    The study's own value and its alternatives count the same: the variance is the mean of those
    within each, plus that of their means. Alternatives that failed are left out.

    Returns
    -------
    Table or None
        Choices with the largest share of the mean change first; None where no alternative has a
        result that can be trusted.
    """
    rows = [
        _row(grid, scenario, choice)
        for scenario in grid.base.scenarios
        for choice in dict.fromkeys(one.choice for one in grid.alternatives)
        if _values(grid, scenario, choice)
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    order = frame.assign(place=pd.factorize(frame["scenario"])[0]).sort_values(
        ["place", "share_of_mean_change"], ascending=[True, False], kind="stable"
    )
    return Table(
        "choices",
        "How much of the uncertainty would come from each choice, were its values as likely",
        "none",
        frame.loc[order.index].reset_index(drop=True),
        (
            Column("choice", "Choice"),
            Column("scenario", "Scenario", shown=len(grid.base.scenarios) > 1),
            Column("values", "Values compared", "count"),
            Column("share_of_mean_change", "Of the variance of the mean change", "percent"),
            Column("share_of_winners", "Of that of the share who gain", "percent"),
        ),
        (
            "The rest lies within the values: parameters and skills that are not known exactly. "
            "One choice at a time; how likely each value is nobody knows, so that these say how "
            "much the choice matters.",
        ),
    )


def _values(grid: Grid, scenario: str, choice: str) -> list[Outcome]:
    """Return what the alternatives of a choice came to."""
    return [
        one
        for one in grid.alternatives
        if one.choice == choice and one.trusted and scenario in one.scenarios
    ]


def _row(grid: Grid, scenario: str, choice: str) -> dict[str, object]:
    values = [grid.base, *_values(grid, scenario, choice)]
    row: dict[str, object] = {
        "choice": choice,
        "scenario": plain_title(scenario),
        "values": len(values),
    }
    for key in QUANTITIES:
        found = [one.scenarios[scenario][key] for one in values]
        within = np.mean([summary.sd**2 for summary in found])
        between = np.var([summary.mean for summary in found])
        total = within + between
        row[f"share_of_{key}"] = between / total if total > 0 else np.nan
    return row
