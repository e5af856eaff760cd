"""Table of what prices and bargaining do in each occupation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from taskroy.posteriors.bands import Band, estimate
from taskroy.posteriors.table_scenario import MEMBERS, Scenario
from taskroy.posteriors.tables import Column, Table

_INTERCEPTS = {
    "known": "Intercepts of this posterior are the formula’s, which takes prices before the change "
    "to be equal in all occupations; under pooled or orthogonal intercepts they need not be.",
    "pooled": "Intercepts of this posterior hold prices before the change and productivity, which "
    "the data do not tell apart; known intercepts would take those prices to be equal.",
    "orthogonal": "Intercepts of this posterior hold prices before the change and productivity, "
    "which the data do not tell apart; known intercepts would take those prices to be equal.",
}


def steps_table(scenario: Scenario, band: Band, intercept: str) -> Table | None:
    """Return changes of prices and shares of the surplus by occupation; None without any.

    Parameters
    ----------
    scenario
        The scenario.
    band
        Kind and level of the intervals.
    intercept
        How the posterior treats intercepts: 'known', 'pooled' or 'orthogonal'.
    """
    draws = scenario.draws
    prices = "log_price" in draws and bool((draws["log_price"] != 0).any())
    shares = "surplus_share" in draws and bool((draws["surplus_share"] != 1).any())
    columns: dict[str, object] = {"occupation": scenario.occupations}
    shown = [Column("occupation", "Occupation")]
    notes: list[str] = []
    if prices:
        columns |= estimate("log_price", draws["log_price"], band)
        shown.append(Column("log_price", "Price, log points [band]", "log_points", band=True))
        worst = float(np.max(draws["price_residual"].to_numpy()))
        notes += [
            "Prices are of what an occupation produces, in terms of the final good; a change moves "
            "wages there by itself over the labour share, as machines are rented at fixed prices. "
            f"In every draw markets clear to {worst:.0e} in log prices or better.",
            *([_INTERCEPTS[intercept]] if intercept in _INTERCEPTS else []),
        ]
    if shares:
        columns |= estimate("surplus_share", draws["surplus_share"], band)
        shown.append(
            Column("surplus_share", "Share that workers receive [band]", "percent1", band=True)
        )
        notes.append(
            "The share is of what the scenario adds to the log product of a worker in the "
            "occupation, averaged over who works there after it."
        )
    if not notes:
        return None
    return Table(
        f"{scenario.prefix}-steps",
        f"Prices and the sharing of gains, by occupation, with {band.name}s",
        MEMBERS,
        pd.DataFrame(columns),
        tuple(shown),
        tuple(notes),
    )
