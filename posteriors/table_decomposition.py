"""Table of why the mean wage of an occupation changes."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from taskroy.posteriors.bands import Band, estimate
from taskroy.posteriors.first_order import SOLVED
from taskroy.posteriors.table_scenario import MEMBERS, Scenario
from taskroy.posteriors.tables import Column, Table

_TITLES = {
    "productivity": "Productivity",
    "task_shift": "Task shift",
    "selection": "Selection",
    "skill_change": "Skills",
    "bargaining": "Bargaining",
    "resorting": "Re-sorting",
    "log_wage_change": "Total",
}
_FIRST_ORDER = (
    "Error to first order is the total less its approximation around the skills most likely in the "
    "occupation: what skills’ being spread out adds."
)
# Exactly zero in scenarios without a step that changes skills, or how wages are set.
_IF_ANY = ("skill_change", "bargaining")


def parts_of(scenario: Scenario) -> dict[str, str]:
    """Return the titles of the parts by their names, the total last.

    Parts that are exactly zero in every draw, for want of a step that makes them, are left out.
    """
    draws = scenario.draws
    return {
        name: title
        for name, title in _TITLES.items()
        if name not in _IF_ANY or (name in draws and bool((draws[name] != 0).any()))
    }


def decomposition_table(scenario: Scenario, band: Band) -> Table:
    """Return the parts of each occupation's change and their sum, largest total first."""
    draws = scenario.draws
    columns: dict[str, object] = {"occupation": scenario.occupations}
    parts = parts_of(scenario)
    for name in parts:
        columns |= estimate(name, draws[name], band)
    known = "first_order_error" in draws
    if known:
        columns |= estimate("error", draws["first_order_error"], band)
    frame = pd.DataFrame(columns).sort_values(
        "log_wage_change", ascending=False, kind="stable", ignore_index=True
    )
    return Table(
        f"{scenario.prefix}-decomposition",
        "Change of each occupation's mean wage in log points, and the parts that it is the sum "
        f"of, with {band.name}s",
        MEMBERS,
        frame,
        (
            Column("occupation", "Occupation"),
            *(Column(name, f"{title}", "log_points", band=True) for name, title in parts.items()),
            *((Column("error", "Error to first order", "log_points", band=True),) if known else ()),
        ),
        (
            "The parts add up in every draw, hence their means do; the ends of the bands do not.",
            *((_FIRST_ORDER, *_apart(draws)) if known else ()),
        ),
    )


def _apart(draws: xr.Dataset) -> list[str]:
    """Say in how many draws the approximation is none."""
    apart = ~(draws["first_order_residual"] <= SOLVED)
    if not bool(apart.any()):
        return []
    return [
        f"In {int(apart.sum())} of {apart.size} draws the skills most likely in an occupation were "
        "not found; the error to first order is not to be read. The parts do not depend on it."
    ]
