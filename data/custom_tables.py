"""Read a user's own tables of task weights, labour shares and exposure labels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from taskroy.data.files import read_cells
from taskroy.data.names import suggest
from taskroy.data.rules import Rule, check, is_missing, number_rules, numbers
from taskroy.errors import DataError, Fault

SUM_TOLERANCE = 1e-6  # rows off by no more are renormalised: figures are rounded in files
_TITLE, _SHARE = "title", "labor_share"


def read_weights(path: str | Path) -> tuple[pd.DataFrame, pd.Series, pd.Series | None]:
    """Read task weights of occupations.

    Parameters
    ----------
    path
        CSV: first column occupation, optionally ``title`` and ``labor_share``, every other column
        a task with weights that are not negative and sum to one in each row.

    Returns
    -------
    tuple
        Weights (O × K, rows renormalised to sum to one), titles, and labour shares or None.

    Raises
    ------
    DataError
        With one fault for each wrong cell.
    """
    cells = _cells(path)
    key, *others = cells.columns
    tasks = [name for name in others if name not in (_TITLE, _SHARE)]
    if len(tasks) < 2 or len(cells) < 2:
        raise DataError(
            f"The table has {len(cells)} occupations and {len(tasks)} tasks.",
            where=str(path),
            expected="two occupations or more in rows, and two tasks or more in columns",
            remedy="add the others: with one there is nothing to choose or to compare",
        )
    rules = _key_rules(key, "an occupation code")
    for task in tasks:
        rules += _bounded_rules(task, "a weight from 0 to 1", low=0.0, high=1.0)
    if _SHARE in others:
        rules += _share_rules(_SHARE)
    faults = check(cells, rules, source=str(path), row_word="line")
    values = pd.DataFrame({task: numbers(cells[task]) for task in tasks})
    sums = values.sum(axis=1, skipna=False)
    off = (sums - 1.0).abs() > SUM_TOLERANCE
    for line, code, total in zip(cells.index[off], cells[key][off], sums[off], strict=True):
        faults.append(
            Fault(
                what=f"The task weights of '{code}' sum to {total:.7g}.",
                where=f"{path}, line {line}",
                expected="a sum of one, to 1e-6",
                remedy="divide the row by its sum",
            )
        )
    _raise(faults, path, "task weights")
    index = pd.Index(cells[key], name="occupation")
    values = values.div(sums, axis=0).set_axis(index).rename_axis(columns="task")
    titles = (
        cells[_TITLE].where(~is_missing(cells[_TITLE]), cells[key])
        if _TITLE in others
        else (cells[key])
    )
    share = numbers(cells[_SHARE]).set_axis(index) if _SHARE in others else None
    return values, titles.set_axis(index).rename("title"), share


def read_labor_share(path: str | Path, occupations: Iterable[str]) -> pd.Series:
    """Read labour shares, one for each of ``occupations``.

    Parameters
    ----------
    path
        CSV with columns ``occupation`` and ``labor_share``; further rows are not used.
    occupations
        Codes that must be there.

    Returns
    -------
    pandas.Series
        In (0, 1), in the order of ``occupations``.

    Raises
    ------
    DataError
        With one fault for each wrong cell or missing occupation.
    """
    cells = _cells(path)
    missing = {"occupation", _SHARE} - set(cells.columns)
    if missing:
        raise DataError(
            f"The column '{sorted(missing)[0]}' is missing.",
            where=f"{path}, line 1",
            expected="columns occupation, labor_share",
            remedy="rename the columns",
        )
    rules = [*_key_rules("occupation", "an occupation code"), *_share_rules(_SHARE)]
    faults = check(cells, rules, source=str(path), row_word="line")
    wanted = list(occupations)
    faults += _absent(wanted, cells["occupation"], path, "occupation")
    _raise(faults, path, "labour shares")
    shares = numbers(cells[_SHARE]).set_axis(pd.Index(cells["occupation"], name="occupation"))
    return shares.loc[wanted]


def read_exposure(path: str | Path, tasks: Iterable[str]) -> pd.DataFrame:
    """Read exposure labels, one row for each of ``tasks``.

    Parameters
    ----------
    path
        CSV: first column task title, every other column a label in [0, 1]; further rows are not
        used.
    tasks
        Titles that must be there.

    Returns
    -------
    pandas.DataFrame
        In the order of ``tasks``.

    Raises
    ------
    DataError
        With one fault for each wrong cell or missing task.
    """
    cells = _cells(path)
    key, *labels = cells.columns
    if not labels:
        raise DataError(
            "The table has no column of labels.",
            where=f"{path}, line 1",
            expected="a column of task titles, then one or more columns of labels",
            remedy="add a column of labels from 0 to 1",
        )
    rules = _key_rules(key, "a task title")
    for label in labels:
        rules += _bounded_rules(label, "an exposure from 0 to 1", low=0.0, high=1.0)
    faults = check(cells, rules, source=str(path), row_word="line")
    wanted = list(tasks)
    faults += _absent(wanted, cells[key], path, "task")
    _raise(faults, path, "exposure labels")
    table = pd.DataFrame({label: numbers(cells[label]) for label in labels})
    return table.set_axis(pd.Index(cells[key], name="task")).loc[wanted]


def _cells(path: str | Path) -> pd.DataFrame:
    cells = read_cells(path)
    if cells.empty:
        raise DataError(
            "The file holds column names and no rows.",
            where=str(path),
            expected="one line for each row below the column names",
            remedy="export the data again",
        )
    return cells


def _key_rules(column: str, word: str) -> list[Rule]:
    return [
        Rule(
            column,
            lambda cells: ~is_missing(cells),
            "The cell is empty.",
            f"{word} in every row",
            "fill it in, or drop the row",
        ),
        Rule(
            column,
            lambda cells: is_missing(cells) | ~cells.duplicated(keep=False),
            "'{value}' appears more than once.",
            f"{word} that no other row has",
            "remove the row that is not meant",
        ),
    ]


def _bounded_rules(column: str, unit: str, *, low: float, high: float) -> list[Rule]:
    slack = SUM_TOLERANCE

    def inside(cells: pd.Series) -> pd.Series:
        values = numbers(cells)
        kept: pd.Series = values.isna() | np.isinf(values) | values.between(low, high + slack)
        return kept

    return [
        *number_rules(column, unit=unit),
        Rule(column, inside, "'{value}' is out of range.", unit, "correct it"),
    ]


def _share_rules(column: str) -> list[Rule]:
    def inside(cells: pd.Series) -> pd.Series:
        values = numbers(cells)
        strictly: pd.Series = values.between(0.0, 1.0, inclusive="neither")
        kept: pd.Series = values.isna() | np.isinf(values) | strictly
        return kept

    unit = "a labour share between 0 and 1"
    return [
        *number_rules(column, unit=unit),
        Rule(column, inside, "'{value}' is out of range.", unit, "correct it"),
    ]


def _absent(wanted: list[str], found: pd.Series, path: str | Path, word: str) -> list[Fault]:
    known = set(found)
    return [
        Fault(
            what=f"The {word} '{name}' is missing." + suggest(name, known),
            where=str(path),
            expected=f"a row for every {word} of the task weights",
            remedy="add the row",
        )
        for name in wanted
        if name not in known
    ]


def _raise(faults: list[Fault], path: str | Path, what: str) -> None:
    if faults:
        raise DataError(
            f"The {what} have {len(faults)} fault{'s' if len(faults) > 1 else ''}.",
            where=str(path),
            faults=faults,
        )
