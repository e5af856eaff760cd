"""Tables of who moves: stayers, leavers and in-switchers, and the largest net flows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from taskroy.posteriors.bands import SAMPLE, Band, estimate
from taskroy.posteriors.flows import GROUPS
from taskroy.posteriors.table_scenario import ONE_EACH, Scenario
from taskroy.posteriors.tables import Column, Table

_FLOWS = 15
_ANEW = (
    "Wage and taste shocks are drawn anew after the change, so that people move, and their wages "
    "with them, even in a world that stays as it is."
)


def movers_table(scenario: Scenario, band: Band) -> Table:
    """Return who stays in, leaves and enters each occupation, and what becomes of their wages.

    Changes are those beyond what they would be in a world that stays as it is; all occupations
    first.
    """
    draws = scenario.draws
    share, change = draws["group_share"], draws["group_change"]
    share0, change0 = draws["group_share_unchanged"], draws["group_change_unchanged"]
    stay, stay0 = _staying(share), _staying(share0)
    columns = estimate("stay", stay, band) | estimate("stay_change", stay - stay0, band)
    everyone = estimate("stay", _staying(share.sum("occupation")), band) | estimate(
        "stay_change",
        _staying(share.sum("occupation")) - _staying(share0.sum("occupation")),
        band,
    )
    for group in ("stayers", "leavers", "in_switchers"):
        beyond = change.sel(group=group) - change0.sel(group=group)
        columns |= estimate(group, beyond, band)
        everyone |= estimate(
            group, _overall(share, change, group) - _overall(share0, change0, group), band
        )
    frame = pd.DataFrame({"occupation": scenario.occupations, **columns}).sort_values(
        "stay_change", kind="stable"
    )
    return Table(
        f"{scenario.prefix}-movers",
        "Who stays in an occupation, and the change of the log wage of stayers, leavers and "
        f"in-switchers beyond that in a world that stays as it is, with {band.name}s",
        f"{ONE_EACH}, by their probability of each move",
        pd.concat(
            [pd.DataFrame({"occupation": ["All occupations"], **everyone}), frame],
            ignore_index=True,
        ),
        (
            Column("occupation", "Occupation"),
            Column("stay", "Stay [band]", "percent1", band=True, shown=False),
            Column(
                "stay_change",
                "Change of the share who stay, percentage points [band]",
                "points",
                band=True,
            ),
            *(
                Column(group, f"{title}, log points [band]", "log_points", band=True)
                for group, title in (
                    ("stayers", "Stayers"),
                    ("leavers", "Leavers"),
                    ("in_switchers", "In-switchers"),
                )
            ),
        ),
        (
            _ANEW,
            "Leavers are those who were in the occupation before and are elsewhere after; "
            "in-switchers came from elsewhere.",
        ),
    )


def held_table(scenario: Scenario, band: Band) -> Table:
    """Return who moves, and what becomes of their wages, at the same shocks before and after."""
    share, gain = scenario.draws["held_share"], scenario.draws["held_gain"]
    columns: dict[str, NDArray[np.float64]] = {}
    everyone: dict[str, NDArray[np.float64]] = {}
    for group in GROUPS:
        of, total = share.sel(group=group, drop=True), gain.sel(group=group, drop=True)
        columns |= _of_members(group, total, of, band)
        everyone |= _of_members(group, total.sum("occupation"), of.sum("occupation"), band)
    leave, before = (share.sel(group=name, drop=True) for name in ("leavers", "incumbents"))
    columns |= _of_members("leave", leave, before, band)
    everyone |= estimate("leave", leave.sum("occupation"), band)
    frame = pd.DataFrame({"occupation": scenario.occupations, **columns})
    return Table(
        f"{scenario.prefix}-held",
        "Who moves because of the change, at the same wage and taste shocks before and after, and "
        f"the change of the log wage, with {band.name}s",
        f"{ONE_EACH}, in every simulated set of shocks",
        pd.concat(
            [pd.DataFrame({"occupation": ["All occupations"], **everyone}), frame],
            ignore_index=True,
        ),
        (
            Column("occupation", "Occupation"),
            Column("leave", "Leave [band]", "percent1", band=True),
            *(
                Column(group, f"{title}, log points [band]", "log_points", band=True)
                for group, title in zip(
                    GROUPS, ("Stayers", "Leavers", "In-switchers", "Incumbents"), strict=True
                )
            ),
        ),
        (
            "Shocks are simulated: bands hold the noise of the simulation, too. Who moves here "
            "moves because of the change alone, and who stays keeps the shock that he stayed for.",
        ),
    )


def flows_table(scenario: Scenario) -> Table:
    """Return the pairs of occupations between which most workers move, on balance."""
    draws = scenario.draws
    net, paired = draws["net_flow_mean"].to_numpy(), "flow_change_beyond_mean" in draws
    # Each pair once, in the direction in which its net flow is not negative.
    origin, destination = np.nonzero((net > 0) | ((net == 0) & np.tri(len(net), k=-1, dtype=bool)))
    order = np.argsort(-net[origin, destination], kind="stable")[:_FLOWS]
    origin, destination = origin[order], destination[order]

    def at(name: str) -> np.ndarray:
        return np.asarray(draws[name].to_numpy()[origin, destination])

    frame = pd.DataFrame(
        {
            "origin": [scenario.occupations[o] for o in origin],
            "destination": [scenario.occupations[o] for o in destination],
            "net_flow": at("net_flow_mean"),
            "sd": at("net_flow_sd"),
            "positive_probability": at("net_flow_positive"),
            "flow": at("flow_mean"),
            **(
                {"change": at("flow_change_beyond_mean"), "change_sd": at("flow_change_beyond_sd")}
                if paired
                else {}
            ),
        }
    )
    return Table(
        f"{scenario.prefix}-flows",
        "The largest net flows between occupations, in shares of all workers: posterior means and "
        "standard deviations",
        ONE_EACH,
        frame,
        (
            Column("origin", "From"),
            Column("destination", "To"),
            Column("net_flow", "Net flow, percentage points", "points"),
            Column("sd", "Posterior sd, × 100", "hundredths"),
            Column("positive_probability", "Probability of this direction", "probability"),
            Column("flow", "Flow there, without flow back", "percent1"),
            *(
                (
                    Column(
                        "change",
                        "Change of the log wage of who goes there, log points",
                        "log_points",
                    ),
                    Column("change_sd", "Its posterior sd, × 100", "hundredths"),
                )
                if paired
                else ()
            ),
        ),
        (
            f"{_ANEW} In that world every net flow is zero."
            + (" Changes of wages are those beyond it." if paired else ""),
        ),
    )


def transitions_table(scenario: Scenario) -> Table:
    """Return where those of each occupation are after the change: all cells of the heat map."""
    flow = scenario.draws["flow_mean"].to_numpy()
    size = len(flow)
    frame = pd.DataFrame(
        {
            "origin": np.repeat(scenario.occupations, size),
            "destination": np.tile(scenario.occupations, size),
            "share": (flow / flow.sum(1, keepdims=True)).ravel(),
            "flow": flow.ravel(),
        }
    )
    return Table(
        f"{scenario.prefix}-transitions",
        "Where those who hold an occupation before work after the change: posterior means",
        f"{ONE_EACH}, by their probability of each move",
        frame,
        (
            Column("origin", "Before"),
            Column("destination", "After"),
            Column("share", "Of those who were in the first", "percent1"),
            Column("flow", "Of all workers", "percent1"),
        ),
        (
            _ANEW,
            "Computed from the model, for all workers by their probabilities: no cell is a count "
            "of persons.",
        ),
    )


def _of_members(
    name: str, total: xr.DataArray, share: xr.DataArray, band: Band
) -> dict[str, NDArray[np.float64]]:
    """Return means over a group that is empty in some draws, or in all: then not a number."""
    anybody = (share > 0).any(SAMPLE)
    mean = (total / share.where(share > 0)).where(anybody, 0.0)
    found = estimate(name, mean, band)
    return {key: np.where(np.atleast_1d(anybody), value, np.nan) for key, value in found.items()}


def _staying(share: xr.DataArray) -> xr.DataArray:
    """Return the share of incumbents who stay."""
    return share.sel(group="stayers", drop=True) / share.sel(group="incumbents", drop=True)


def _overall(share: xr.DataArray, change: xr.DataArray, group: str) -> xr.DataArray:
    weight = share.sel(group=group, drop=True)
    return (weight * change.sel(group=group, drop=True)).sum("occupation") / weight.sum(
        "occupation"
    )
