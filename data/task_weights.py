"""Task weights of occupations: the shipped O*NET tables, or an own CSV.

The shipped tables come from :mod:`taskroy.data.derive_tables`. One table is stored, SOC minor
groups × 37 generalised work activities; the others follow from it: nine activity groups and four
categories by adding columns; major groups, and the nine occupations of wagepan, as the mean over
the detailed occupations of their minor groups (``tables/wagepan_soc.csv`` says which).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from taskroy.data.custom_tables import read_exposure, read_labor_share, read_weights
from taskroy.data.names import suggest
from taskroy.data.task_table import TaskTable
from taskroy.data.wagepan import TITLES
from taskroy.errors import DataError

__all__ = ["DEFAULT_LABOR_SHARE", "TaskTable", "task_weights"]

Level = Literal["minor", "major", "wagepan"]
Tasks = Literal["gwa", "gwa-group", "gwa-category"]

#: The labour share of the United States has stayed near 0.6 for decades (nonfarm business sector,
#: Bureau of Labor Statistics: 0.56 to 0.65 since 1947); shares by occupation are not measured, so
#: one number serves all until the user knows better.
DEFAULT_LABOR_SHARE = 0.6

_TABLES = Path(__file__).parent / "tables"
_TASK_COLUMN: dict[Tasks, str] = {"gwa": "title", "gwa-group": "group", "gwa-category": "category"}


def task_weights(
    level: Level = "minor",
    tasks: Tasks = "gwa",
    *,
    weights: str | Path | None = None,
    labor_share: float | str | Path = DEFAULT_LABOR_SHARE,
    exposure: str | Path | None = None,
    without: Sequence[str] = (),
) -> TaskTable:
    """Read task weights with labour shares and exposure labels.

    Parameters
    ----------
    level
        Occupations: SOC ``"minor"`` groups (``11-10``), ``"major"`` groups (``11``), or the nine
        of ``"wagepan"``. Not used with ``weights``.
    tasks
        Tasks: 37 generalised work activities (``"gwa"``), nine groups of them (``"gwa-group"``)
        or four categories (``"gwa-category"``).
    weights
        Path of an own CSV: first column occupation, optionally ``title`` and ``labor_share``,
        every other column a task; rows sum to one.
    labor_share
        Share of labour in costs, in (0, 1), the same for all occupations; or the path of a CSV
        with columns ``occupation`` and ``labor_share``. A ``labor_share`` column of ``weights``
        goes before a number and after a path.
    exposure
        Path of an own CSV: first column task, every other column a label in [0, 1].
    without
        Titles of tasks that are left out; the weights of the others are scaled to sum to one.

    Returns
    -------
    TaskTable
        With own weights whose task titles are not those of ``tasks`` and no ``exposure``, the
        exposure table has no columns.

    Raises
    ------
    DataError
        Naming every faulty row of an own table, or the setting that is wrong.

    Notes
    -----
    Sources: O*NET 29.2 (U.S. Department of Labor, CC BY 4.0); exposure labels of Eloundou et al.
    (2023, MIT), averaged over tasks with the weights of the tables.
    """
    _known(level, get_args(Level), "level")
    _known(tasks, get_args(Tasks), "tasks")
    own_share: pd.Series | None = None
    if weights is None:
        table, titles = _shipped_weights(level, tasks)
        source = f"O*NET 29.2, {level} × {tasks}"
    else:
        table, titles, own_share = read_weights(weights)
        source = str(weights)

    if isinstance(labor_share, str | Path):
        share = read_labor_share(labor_share, table.index)
    elif own_share is not None:
        share = own_share
    else:
        share = pd.Series(_checked_share(labor_share), index=table.index, name="labor_share")

    labels = _shipped_exposure(tasks)
    if exposure is not None:
        labels = read_exposure(exposure, table.columns)
    elif table.columns.isin(labels.index).all():
        labels = labels.loc[table.columns]
    else:
        labels = pd.DataFrame(index=table.columns)
    found = TaskTable(
        weights=table, labor_share=share, exposure=labels, titles=titles, source=source
    )
    return found.without(without)


def _shipped_weights(level: Level, tasks: Tasks) -> tuple[pd.DataFrame, pd.Series]:
    """Read the stored table at the level and tasks asked for, rows summing to one, and titles."""
    stored = pd.read_csv(_TABLES / "task_weights_minor.csv", index_col="occupation")
    detailed = stored.pop("detailed").astype("float64")
    minor = stored.div(stored.sum(axis=1), axis=0)
    titles = pd.read_csv(_TABLES / "soc_titles.csv", index_col="occupation", dtype=str)["title"]
    if level == "minor":
        group = pd.Series(minor.index, index=minor.index)
    elif level == "major":
        group = pd.Series(minor.index.str[:2], index=minor.index)
    else:
        group = pd.read_csv(_TABLES / "wagepan_soc.csv", index_col="soc_minor")["occupation"]
        titles = pd.Series(TITLES)
    # Each group is the mean over its detailed occupations, whose number the minor table keeps.
    groups = group.loc[minor.index].to_numpy()
    rows = (
        minor.mul(detailed, axis=0)
        .groupby(groups)
        .sum()
        .div(detailed.groupby(groups).sum(), axis=0)
    )
    if level == "wagepan":
        rows = rows.loc[list(TITLES)]
    names = _activities()[_TASK_COLUMN[tasks]]
    table = rows.T.groupby(names.loc[rows.columns].to_numpy(), sort=False).sum().T
    table = table.div(table.sum(axis=1), axis=0)
    table.index.name, table.columns.name = "occupation", "task"
    return table, titles.loc[table.index].rename_axis("occupation").rename("title")


def _shipped_exposure(tasks: Tasks) -> pd.DataFrame:
    """Exposure of activities, averaged into groups or categories by their weight in O*NET."""
    stored = pd.read_csv(_TABLES / "exposure.csv", index_col="element_id")
    weight = stored.pop("weight")
    names = _activities()[_TASK_COLUMN[tasks]].loc[stored.index].to_numpy()
    sums = stored.mul(weight, axis=0).groupby(names, sort=False).sum()
    means = sums.div(weight.groupby(names, sort=False).sum(), axis=0)
    return means.clip(0.0, 1.0).rename_axis("task")


def _activities() -> pd.DataFrame:
    return pd.read_csv(_TABLES / "activities.csv", index_col="element_id", dtype=str)


def _known(value: str, known: tuple[str, ...], setting: str) -> None:
    if value not in known:
        raise DataError(
            f"'{value}' is no {setting} of task weights." + suggest(str(value), known),
            where=f"tasks, {setting}",
            expected="one of " + ", ".join(known),
            remedy="choose one of them",
        )


def _checked_share(share: float) -> float:
    if not (isinstance(share, int | float) and 0.0 < share < 1.0):
        raise DataError(
            f"The labour share is {share}.",
            where="tasks, labor_share",
            expected="a number between 0 and 1, such as 0.6",
            remedy="correct it, or give the path of a CSV with a share for each occupation",
        )
    return float(share)
