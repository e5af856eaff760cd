"""Winners and losers by what the panel says of workers, such as education, and by their skills."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from taskroy.posteriors.bands import SAMPLE, Band, above_zero, estimate
from taskroy.posteriors.skill_groups import AUTOMATED_TITLE
from taskroy.posteriors.small_cells import SMALLEST, to_suppress
from taskroy.posteriors.table_scenario import BY_WEIGHT, ONE_EACH, Scenario
from taskroy.posteriors.tables import SUPPRESSED, Column, Table
from taskroy.posteriors.titles import plain_title

_PANEL_NOTE = (
    "Workers are grouped by their last known value; numbers that take many are cut into quarters "
    "of the workers."
)
_SKILL_NOTE = (
    "Skills are those before the change. In each posterior draw workers are lined up by the skills "
    "of that draw, so that the bands hold how little is known of who is in which group."
)
_AUTOMATED_NOTE = (
    "“Skill at what is automated” is the mean of the skills at all tasks, weighted by the share "
    "of each that is automated."
)


def people_table(scenario: Scenario, constants: xr.Dataset, band: Band) -> Table:
    """Return who gains in each group of people: the panel's columns in order, then skills."""
    known = known_groups(scenario.draws)
    left_out = _left_out(scenario.draws, known)
    draws = scenario.draws.isel(people=np.flatnonzero(known))
    names = [str(name) for name in draws["people"].to_numpy()]
    told = set(constants["people"].to_numpy().tolist()) if "people" in constants else set()
    by_skill = [name not in told for name in names]
    # What follows the last colon is a cell of skill; of the panel's, what follows the first.
    column = [
        name.rsplit(": ", 1)[0] if skilled else name.split(": ")[0]
        for name, skilled in zip(names, by_skill, strict=True)
    ]
    workers = _workers(draws, constants, by_skill)
    hidden = np.zeros(len(names), bool)
    for one in set(column):  # whose groups make up the panel
        where = np.array([c == one for c in column])
        hidden[where] = to_suppress(workers[where])
    weighted = "worker_weight" in constants
    # Where weights decide who is in a group by skill, it is as large as that only about.
    counted = np.where(weighted & np.array(by_skill), np.nan, workers)
    numbers = {
        "workers": counted,
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
    hide = f"Groups of fewer than {SMALLEST} workers are not shown, nor the next smallest where "
    return Table(
        f"{scenario.prefix}-people",
        f"Winners and losers, by {_by(by_skill)}, with {band.name}s",
        BY_WEIGHT if weighted else ONE_EACH,
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
            *((_PANEL_NOTE,) if not all(by_skill) else ()),
            *((_SKILL_NOTE,) if any(by_skill) else ()),
            *((_AUTOMATED_NOTE,) if AUTOMATED_TITLE in column else ()),
            *((hide + "that is needed to hide a single one.",) if hidden.any() else ()),
            *((f"Left out, because nobody is in it in some draws: {left_out}.",) * bool(left_out)),
        ),
    )


def known_groups(draws: xr.Dataset) -> NDArray[np.bool_]:
    """Return which groups of people have members in every draw."""
    change = draws["people_change"].transpose(*SAMPLE, "people").to_numpy()
    return np.asarray(np.isfinite(change).all((0, 1)))


def _left_out(draws: xr.Dataset, known: NDArray[np.bool_]) -> str:
    """Name the groups without members but those that the scenario does not have."""
    automates = bool((draws["automated_share"] > 0).any())
    names = [str(name) for name in draws["people"].to_numpy()[~known]]
    undefined = f"{AUTOMATED_TITLE}: "
    return ", ".join(
        plain_title(name) for name in names if automates or not name.startswith(undefined)
    )


def _workers(draws: xr.Dataset, constants: xr.Dataset, by_skill: list[bool]) -> NDArray[np.float64]:
    """Return how many workers are in each group."""
    names, skilled = draws["people"].to_numpy(), np.array(by_skill)
    # Shares are weighted, and small cells are of people: those that the panel names are counted.
    found = np.zeros(len(names))
    if not skilled.all():
        found[~skilled] = constants["member"].sum("worker").sel(people=names[~skilled])
    if skilled.any():
        share = draws["people_share"].to_numpy()[skilled]
        found[skilled] = np.round(share * draws.sizes["worker"])
    return found


def _by(by_skill: list[bool]) -> str:
    if all(by_skill):
        return "workers’ skill"
    return "what the panel says of workers" + (", and by skill" if any(by_skill) else "")
