"""Which assumption would change the answer: one table of all alternatives, most influential first.

One choice is changed at a time, so the table says nothing of two changed together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from taskroy.posteriors.grid import Grid, Outcome, Summary, difference
from taskroy.posteriors.tables import Column, Table
from taskroy.posteriors.titles import plain_title

NONE, SAME, OTHER = "–", "no", "yes"
UNTRUSTED, FAILED = "not to be trusted", "no result"
#: The side of these numbers on which a headline lies is what an alternative may change.
CENTRES = {"mean_change": (0.0, "zero"), "winners": (0.5, "50%")}
MEAN = Column("mean_change", "Mean change, log points [band]", "log_points", band=True)
_BLANK = Summary(np.nan, np.nan, np.nan, np.nan)


def sensitivity_table(grid: Grid) -> Table:
    """Return a row for each scenario and alternative, those furthest from the study first.

    Alternatives whose fit failed its checks, and those without a result, come last.
    """
    frames = []
    for scenario in grid.base.scenarios:
        rows = pd.DataFrame([_row(one, grid, scenario) for one in (grid.base, *grid.alternatives)])
        order = rows.assign(
            last=~rows["trusted"],
            size=-rows["difference"].abs(),
            later=np.arange(len(rows)) > 0,
        ).sort_values(["later", "last", "size"], kind="stable")
        frames.append(rows.loc[order.index])
    frame = pd.concat(frames, ignore_index=True)
    return Table(
        "sensitivity",
        f"The study and its alternatives, one choice changed at a time, with {grid.band.name}s",
        "each worker counts once",
        frame,
        (
            Column("alternative", "Alternative"),
            Column("choice", "Choice", shown=False),
            Column("value", "Value", shown=False),
            Column("scenario", "Scenario", shown=len(grid.base.scenarios) > 1),
            Column("winners", "Share who gain [band]", "percent", band=True),
            MEAN,
            Column("difference", "Difference, log points", "log_points"),
            Column("difference_sds", "In sds of the study", "number"),
            Column("winners_difference", "Difference of the share", "points", shown=False),
            Column("sign", "Changes the sign?"),
            Column("majority", "Changes whether most gain?", shown=False),
            Column("mean_change_side", "Side of zero of the band", "count", shown=False),
            Column("winners_side", "Side of 50% of the band", "count", shown=False),
            Column("verdict", "Checks"),
            Column("trusted", "To be trusted", "truth", shown=False),
            Column("refitted", "New fit", "truth", shown=False),
            Column("folder", "Folder", shown=False),
            Column("failure", "Why there is no result", shown=False),
        ),
        (
            "The sign is that of the mean change: an alternative changes it if its whole band lies "
            "on the other side of zero than the study’s posterior mean. In the files, ‘majority’ "
            "says the same of 50% of workers who gain, and a side is 1 where the whole band lies "
            "above, −1 where below, 0 where it covers it.",
            *(
                f"{one.choice}, {one.value}: {plain_title(one.failure)}"
                for one in grid.alternatives
                if one.failure
            ),
        ),
    )


def variants_table(grid: Grid) -> Table:
    """Return how well the models that were fitted to the same workers predict a new career."""
    return Table(
        "variants",
        "How well variants of the model predict a career that they have not seen",
        "each worker counts once",
        pd.DataFrame(list(grid.variants)),
        (
            Column("model", "Model"),
            Column("elpd", "Expected log density, all workers", "number"),
            Column("elpd_diff", "Less the best", "number"),
            Column("dse", "Standard error of the difference", "number"),
            Column("p", "Effective number of parameters", "number"),
            Column("influential", "Workers whose weights fail", "count"),
        ),
        (
            "By leaving one worker out (PSIS-LOO of the marginal likelihood of a career). A "
            "difference of less than 4, or of less than two standard errors, tells no model from "
            "another.",
        ),
    )


def _row(one: Outcome, grid: Grid, scenario: str) -> dict[str, Any]:
    found = one.scenarios.get(scenario, {})
    gap, sds = difference(one, grid.base, scenario, "mean_change")
    winners_gap, _ = difference(one, grid.base, scenario, "winners")
    row: dict[str, Any] = {
        "alternative": f"{one.choice}: {one.value}" if one.choice else one.value,
        "choice": one.choice,
        "value": one.value,
        "scenario": plain_title(scenario),
    }
    for key in ("winners", "mean_change"):
        summary = found.get(key, _BLANK)
        row |= {key: summary.mean, f"{key}_low": summary.low, f"{key}_high": summary.high}
    own, trusted = one is grid.base, one.trusted and scenario in one.scenarios
    return row | {
        "difference": np.nan if own else gap,
        "difference_sds": np.nan if own else sds,
        "winners_difference": np.nan if own else winners_gap,
        "sign": NONE if own else _changed(one, grid.base, scenario, "mean_change"),
        "majority": NONE if own else _changed(one, grid.base, scenario, "winners"),
        **{f"{key}_side": _side(found[key], key) if found else np.nan for key in CENTRES},
        "verdict": one.verdict or FAILED,
        "trusted": trusted,
        "refitted": one.refitted,
        "folder": one.folder,
        "failure": one.failure,
    }


def covers(key: str) -> str:
    """Say that the band of a headline leaves open on which side of its centre it lies."""
    return f"band covers {CENTRES[key][1]}"


def mean_alone(key: str) -> str:
    """Say that the mean of a headline lies on the other side, and its band on both."""
    return f"its mean does, {covers(key)}"


def _side(summary: Summary, key: str) -> int:
    """Return 1 or -1 where the whole band lies above or below the centre, else 0."""
    centre, _ = CENTRES[key]
    return int(summary.low > centre) - int(summary.high < centre)


def _changed(one: Outcome, base: Outcome, scenario: str, key: str) -> str:
    """Say whether a headline is on the other side of its centre than the study's mean."""
    if one.failure or scenario not in one.scenarios:
        return FAILED
    if not one.trusted:
        return UNTRUSTED
    centre, _ = CENTRES[key]
    here, there = one.scenarios[scenario][key], base.scenarios[scenario][key]
    same = (here.mean > centre) == (there.mean > centre)
    if _side(here, key) == 0:
        return covers(key) if same else mean_alone(key)
    return SAME if same else OTHER
