"""Which assumption would change the answer: one table of all alternatives, most influential first.

One choice is changed at a time, so the table says nothing of two changed together.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from taskroy.posteriors.grid import Grid, Outcome, Summary, difference
from taskroy.posteriors.tables import Column, Table, records, show, show_number
from taskroy.posteriors.titles import in_sentence, plain_title

NONE, SAME, UNCLEAR, OTHER = "–", "no", "band covers zero", "yes"
UNTRUSTED, FAILED = "not to be trusted", "no result"
_MEAN = Column("mean_change", "Mean change, log points [band]", "log_points", band=True)
_BLANK = Summary(np.nan, np.nan, np.nan, np.nan)


def sensitivity_table(grid: Grid) -> Table:
    """Return a row for each scenario and alternative, those furthest from the study first.

    Alternatives whose fit failed its checks, and those without a result, come last.
    """
    frames = []
    for scenario in grid.base.scenarios:
        rows = pd.DataFrame([_row(one, grid, scenario) for one in (grid.base, *grid.alternatives)])
        order = rows.assign(
            last=rows["sign"].isin([UNTRUSTED, FAILED]),
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
            _MEAN,
            Column("difference", "Difference, log points", "log_points"),
            Column("difference_sds", "In sds of the study", "number"),
            Column("winners_difference", "Difference of the share", "points", shown=False),
            Column("sign", "Changes the sign?"),
            Column("majority", "Changes who outnumber?", shown=False),
            Column("verdict", "Checks"),
            Column("refitted", "New fit", shown=False),
            Column("folder", "Folder", shown=False),
            Column("failure", "Why there is no result", shown=False),
        ),
        (
            "The sign is that of the mean change: an alternative changes it if its whole band lies "
            "on the other side of zero.",
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


def sensitivity_words(grid: Grid, table: Table) -> list[str]:
    """Say which choice matters most, and whether any changes the sign."""
    said = []
    several = len(grid.base.scenarios) > 1
    for scenario in grid.base.scenarios:
        rows = [row for row in records(table.frame) if row["scenario"] == plain_title(scenario)]
        base, others = rows[0], rows[1:]
        trusted = [row for row in others if row["sign"] not in (UNTRUSTED, FAILED)]
        if several:
            said.append(f"Scenario “{in_sentence(scenario)}”.")
        said += _most(base, trusted) + _signs(base, trusted)
    failed = [one for one in grid.alternatives if not one.trusted]
    if failed:
        names = "; ".join(_named({"choice": one.choice, "value": one.value}) for one in failed)
        said.append(f"Without a result that can be trusted: {names}.")
    return said


def _most(base: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["No alternative has a result that can be trusted."]
    most = max(rows, key=_size)
    where = f" ({show_number(abs(most['difference_sds']), 'number')} posterior sds)"
    said = [
        f"Of {len(rows)} alternatives, what matters most is: {_named(most)}. With it the mean "
        f"change is {show(_MEAN, most)} log points instead of {show(_MEAN, base)}, a difference of "
        f"{show_number(most['difference'], 'log_points')}"
        f"{where if math.isfinite(most['difference_sds']) else ''}."
    ]
    models = [row for row in rows if row["refitted"]]
    if models and not most["refitted"]:
        first = max(models, key=_size)
        said.append(
            f"Of the {len(models)} that change model or sample, it is: {_named(first)}, with a "
            f"difference of {show_number(first['difference'], 'log_points')}."
        )
    return said


def _size(row: dict[str, Any]) -> float:
    return abs(float(row["difference"]))


def _signs(base: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    told = base["mean_change_low"] > 0 or base["mean_change_high"] < 0
    other = [_named(row) for row in rows if row["sign"] == OTHER]
    unclear = [_named(row) for row in rows if row["sign"] == UNCLEAR]
    majority = [_named(row) for row in rows if row["majority"] == OTHER]
    said = []
    if rows and not other:
        said.append("No alternative changes the sign of the mean change.")
    if other:
        said.append(f"The sign of the mean change is another with: {'; '.join(other)}.")
    if not told:
        said.append("In the study itself the band of the mean change covers zero.")
    elif unclear:
        said.append(f"It cannot be told from zero with: {'; '.join(unclear)}.")
    if majority:
        said.append(f"Whether more workers gain than lose is another with: {'; '.join(majority)}.")
    return said


def _named(row: dict[str, Any]) -> str:
    return f"{row['choice']}: {row['value']}"


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
    own = one is grid.base
    return row | {
        "difference": np.nan if own else gap,
        "difference_sds": np.nan if own else sds,
        "winners_difference": np.nan if own else winners_gap,
        "sign": NONE if own else _sign(one, grid.base, scenario),
        "majority": NONE if own else _majority(one, grid.base, scenario),
        "verdict": one.verdict or FAILED,
        "refitted": one.refitted,
        "folder": one.folder,
        "failure": one.failure,
    }


def _side(summary: Summary, centre: float) -> int:
    """Return 1 or -1 where the whole band lies above or below a centre, else 0."""
    return int(summary.low > centre) - int(summary.high < centre)


def _sign(one: Outcome, base: Outcome, scenario: str) -> str:
    if one.failure or scenario not in one.scenarios:
        return FAILED
    if not one.trusted:
        return UNTRUSTED
    return _changed(one, base, scenario, "mean_change", 0.0)


def _majority(one: Outcome, base: Outcome, scenario: str) -> str:
    if one.failure or scenario not in one.scenarios:
        return FAILED
    return _changed(one, base, scenario, "winners", 0.5)


def _changed(one: Outcome, base: Outcome, scenario: str, key: str, centre: float) -> str:
    here, there = one.scenarios[scenario][key], base.scenarios[scenario][key]
    if _side(here, centre) == 0:
        return UNCLEAR
    return SAME if (here.mean > centre) == (there.mean > centre) else OTHER
