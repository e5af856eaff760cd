"""Table of who leaves: how skilled leavers are at what machines take over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from taskroy.posteriors.bands import Band, above_zero, estimate
from taskroy.posteriors.table_scenario import ONE_EACH, Scenario
from taskroy.posteriors.tables import Column, Table

_GROUPS = {
    "incumbents": "Incumbents",
    "stayers": "Stayers",
    "leavers": "Leavers",
    "in_switchers": "In-switchers",
}


def selection_table(scenario: Scenario, band: Band) -> Table | None:
    """Return the skill at what is automated of who held, leaves and enters each occupation.

    Parameters
    ----------
    scenario
        The scenario.
    band
        Kind and level of the intervals.

    Returns
    -------
    Table or None
        All occupations first, then those that lose most skill with their leavers; None where
        nothing is automated, and of counterfactuals of earlier versions.
    """
    draws = scenario.draws
    skill = draws.get("group_automated_skill")
    if skill is None or not bool(np.isfinite(skill).all()):
        return None
    skill0 = draws["group_automated_skill_unchanged"]
    share, share0 = draws["group_share"], draws["group_share_unchanged"]
    overall, overall0 = _overall(skill, share), _overall(skill0, share0)
    each = {"occupation": scenario.occupations, **_columns(skill, skill0, band)}
    everyone = {"occupation": ["All occupations"], **_columns(overall, overall0, band)}
    frame = pd.DataFrame(each).sort_values("beyond", ascending=False, kind="stable")
    return Table(
        f"{scenario.prefix}-selection",
        "Skill at what machines take over, in standard deviations from the mean of all workers, of "
        f"who stays in an occupation, leaves it and comes to it, with {band.name}s",
        f"{ONE_EACH}, by their probability of each move",
        pd.concat([pd.DataFrame(everyone), frame], ignore_index=True),
        (
            Column("occupation", "Occupation"),
            *(Column(name, f"{title} [band]", "number", band=True) for name, title in
              _GROUPS.items()),
            Column("beyond", "Leavers, beyond a world that stays [band]", "number", band=True),
            Column("beyond_probability", "Probability that it is above zero", "probability"),
        ),
        (
            "The skill is the mean of a worker’s skills before the change, weighted by the share "
            "of each task that is automated. Shocks are drawn anew, so that people leave in a "
            "world that stays as it is, too; the last columns say how much more skilled leavers "
            "are than those.",
        ),
    )  # fmt: skip


def _columns(skill: xr.DataArray, skill0: xr.DataArray, band: Band) -> Mapping[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for name in _GROUPS:
        columns |= estimate(name, skill.sel(group=name, drop=True), band)
    beyond = (skill - skill0).sel(group="leavers", drop=True)
    columns |= estimate("beyond", beyond, band)
    return columns | {"beyond_probability": np.atleast_1d(above_zero(beyond))}


def _overall(skill: xr.DataArray, share: xr.DataArray) -> xr.DataArray:
    return (skill * share).sum("occupation") / share.sum("occupation")
