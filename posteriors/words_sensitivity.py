"""What a study's alternatives come to in sentences, from the numbers of their table."""

from __future__ import annotations

import math
from typing import Any

from taskroy.posteriors.grid import Grid
from taskroy.posteriors.table_sensitivity import MEAN, OTHER, covers, mean_alone
from taskroy.posteriors.tables import Table, records, show, show_number
from taskroy.posteriors.titles import in_sentence, plain_title

type _Row = dict[str, Any]


def sensitivity_words(grid: Grid, table: Table) -> list[str]:
    """Say which choice matters most, and whether any changes the sign.

    Parameters
    ----------
    grid
        Outcomes of a study and its alternatives.
    table
        Their table.
    """
    said = []
    if not grid.base.trusted:
        said.append("The study’s own fit failed its checks: what is compared here may be wrong.")
    for scenario in grid.base.scenarios:
        base, *others = (r for r in records(table.frame) if r["scenario"] == plain_title(scenario))
        trusted = [row for row in others if row["trusted"]]
        if len(grid.base.scenarios) > 1:
            said.append(f"Scenario “{in_sentence(scenario)}”.")
        said += _most(base, trusted)
        if trusted:
            said += _signs(base, trusted) + _majorities(base, trusted)
    failed = [one for one in grid.alternatives if not one.trusted]
    if failed:
        names = "; ".join(f"{one.choice}: {one.value}" for one in failed)
        said.append(f"Without a result that can be trusted: {names}.")
    return said


def sensitivity_in_brief(grid: Grid, table: Table) -> list[str]:
    """Say of the first scenario which choice matters most, and whether any changes the sign."""
    first = next(iter(grid.base.scenarios))
    base, *others = (r for r in records(table.frame) if r["scenario"] == plain_title(first))
    trusted = [row for row in others if row["trusted"]]
    said = [_most(base, trusted)[0], *(_signs(base, trusted) if trusted else ())]
    if len(grid.base.scenarios) > 1:
        said.append(f"So it is in “{in_sentence(first)}”; of the other scenarios, see below.")
    return said


def _most(base: _Row, rows: list[_Row]) -> list[str]:
    if not rows:
        return ["No alternative has a result that can be trusted."]
    most = max(rows, key=_size)
    where = f" ({show_number(abs(most['difference_sds']), 'number')} posterior sds)"
    said = [
        f"Of {len(rows)} alternatives, what matters most is: {_named([most])}. With it the mean "
        f"change is {show(MEAN, most)} log points instead of {show(MEAN, base)}, a difference of "
        f"{show_number(most['difference'], 'log_points')}"
        f"{where if math.isfinite(most['difference_sds']) else ''}."
    ]
    models = [row for row in rows if row["refitted"]]
    if models and not most["refitted"]:
        first = max(models, key=_size)
        said.append(
            f"Of the {len(models)} that change model or sample, it is: {_named([first])}, with a "
            f"difference of {show_number(first['difference'], 'log_points')}."
        )
    return said


def _size(row: _Row) -> float:
    return abs(float(row["difference"]))


def _signs(base: _Row, rows: list[_Row]) -> list[str]:
    """Say with which alternatives the sign of the mean change is another, or not told."""
    other = _with(rows, "sign", OTHER)
    alone = _with(rows, "sign", mean_alone("mean_change"))
    unclear = _with(rows, "sign", covers("mean_change"))
    said = []
    if other:
        said.append(f"The sign of the mean change is another with: {_named(other)}.")
    if alone:
        said.append(
            "The posterior mean of the mean change has the other sign, though the band covers "
            f"zero, with: {_named(alone)}."
        )
    if not other and not alone:
        said.append("No alternative changes the sign of the mean change.")
    if base["mean_change_side"] == 0:
        said += _open(
            "In the study itself the band of the mean change covers zero",
            *(_with(rows, "mean_change_side", side) for side in (1, -1)),
            of="zero",
        )
    elif unclear:
        said.append(f"It cannot be told from zero with: {_named(unclear)}.")
    return said


def _majorities(base: _Row, rows: list[_Row]) -> list[str]:
    """Say with which alternatives another answer is given to whether most workers gain."""
    other = _with(rows, "majority", OTHER)
    alone = _with(rows, "majority", mean_alone("winners"))
    said = []
    if other:
        said.append(f"Whether most workers gain is another with: {_named(other)}.")
    if alone:
        said.append(
            "By its posterior mean, though the band covers 50%, whether most workers gain is "
            f"another with: {_named(alone)}."
        )
    if base["winners_side"] == 0:
        said += _open(
            "In the study itself the band of the share who gain covers 50%",
            *(_with(rows, "winners_side", side) for side in (1, -1)),
            of="50%",
        )
    return said


def _open(study: str, above: list[_Row], below: list[_Row], *, of: str) -> list[str]:
    """Say what the study leaves open, and which alternatives do not."""
    told = [
        f"it lies {side} {of} with: {_named(rows)}"
        for side, rows in (("above", above), ("below", below))
        if rows
    ]
    return [f"{study}; {', and '.join(told)}." if told else f"{study}, as with every alternative."]


def _with(rows: list[_Row], column: str, value: object) -> list[_Row]:
    return [row for row in rows if row[column] == value]


def _named(rows: list[_Row]) -> str:
    return "; ".join(f"{row['choice']}: {row['value']}" for row in rows)
