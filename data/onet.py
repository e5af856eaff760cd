"""Read an O*NET release: occupations' tasks, and the generalised work activities they belong to.

A release is a folder of tables, in Excel (``Task Statements.xlsx``) or tab-separated text
(``Task Statements.txt``) form. Tasks lead to detailed work activities (DWA), and those to the
generalised work activities (element ids ``4.A.x.y.z``), whose first seven characters name one of
nine groups and first five one of four categories. Source: O*NET database, U.S. Department of
Labor, CC BY 4.0.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from taskroy.data.files import read_cells
from taskroy.errors import DataError

GROUP_LENGTH, CATEGORY_LENGTH = 7, 5
_CODE, _TASK, _DWA, _ELEMENT = "O*NET-SOC Code", "Task ID", "DWA ID", "Element ID"


@dataclass(frozen=True, eq=False)
class OnetRelease:
    """The parts of a release that task weights need; every cell is text.

    Attributes
    ----------
    tasks
        ``onet_soc``, ``task_id``, ``task`` (its text), ``task_type`` (``Core``, ``Supplemental``
        or ``""`` where the release gives none).
    links
        ``onet_soc``, ``task_id``, ``element_id``: one row for each detailed activity of a task.
    activities
        Generalised activities that some task reaches: ``element_id``, ``title``, ``group``,
        ``category`` (titles), sorted by element id.
    """

    tasks: pd.DataFrame
    links: pd.DataFrame
    activities: pd.DataFrame


def read_onet(folder: str | Path) -> OnetRelease:
    """Read a release folder in either form.

    Parameters
    ----------
    folder
        Folder with Task Statements, Tasks to DWAs, DWA Reference and Content Model Reference,
        each as ``.xlsx`` or ``.txt``.

    Returns
    -------
    OnetRelease

    Raises
    ------
    DataError
        If a table or a column is missing, openpyxl is not installed for an Excel table, or a task
        names an activity that the references do not know.
    """
    statements = _table(folder, "Task Statements", (_CODE, _TASK, "Task", "Task Type"))
    to_dwa = _table(folder, "Tasks to DWAs", (_CODE, _TASK, _DWA))
    dwa = _table(folder, "DWA Reference", (_ELEMENT, _DWA))
    elements = _table(folder, "Content Model Reference", (_ELEMENT, "Element Name"))

    tasks = pd.DataFrame(
        {
            "onet_soc": statements[_CODE],
            "task_id": statements[_TASK],
            "task": statements["Task"],
            "task_type": statements["Task Type"].where(
                statements["Task Type"].isin(["Core", "Supplemental"]), ""
            ),
        }
    ).reset_index(drop=True)
    element = to_dwa[_DWA].map(dwa.set_index(_DWA)[_ELEMENT])
    _refuse_unknown(to_dwa[_DWA], element, folder, "DWA Reference")
    links = pd.DataFrame(
        {"onet_soc": to_dwa[_CODE], "task_id": to_dwa[_TASK], "element_id": element}
    ).reset_index(drop=True)

    title = elements.set_index(_ELEMENT)["Element Name"]
    reached = pd.Series(sorted(links["element_id"].unique()))
    activities = pd.DataFrame(
        {
            "element_id": reached,
            "title": reached.map(title),
            "group": reached.str[:GROUP_LENGTH].map(title),
            "category": reached.str[:CATEGORY_LENGTH].map(title),
        }
    )
    for column in ("title", "group", "category"):
        _refuse_unknown(reached, activities[column], folder, "Content Model Reference")
    return OnetRelease(tasks=tasks, links=links, activities=activities)


def _table(folder: str | Path, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """One table of the release as text, whichever form is there; Excel where both are."""
    excel, text = Path(folder) / f"{name}.xlsx", Path(folder) / f"{name}.txt"
    if excel.exists():
        if importlib.util.find_spec("openpyxl") is None:
            raise DataError(
                "Reading the Excel form of O*NET needs the package 'openpyxl'.",
                where=str(excel),
                remedy="python -m pip install openpyxl, or download the text form of the release",
            )
        try:
            cells = pd.read_excel(excel, dtype=str, keep_default_na=False)
        except Exception as error:  # openpyxl raises many kinds on a damaged workbook
            raise DataError(
                f"The workbook cannot be read ({error}).",
                where=str(excel),
                remedy="download the release again",
            ) from error
    elif text.exists():
        cells = read_cells(text, separator="\t", quoted=False)
    else:
        raise DataError(
            f"The table '{name}' of O*NET is not in the folder.",
            where=str(folder),
            expected=f"'{name}.xlsx' or '{name}.txt'",
            remedy="give the folder of an unpacked O*NET database release",
        )
    missing = [column for column in columns if column not in cells.columns]
    if missing:
        raise DataError(
            f"The table '{name}' lacks the column '{missing[0]}'.",
            where=str(folder),
            expected="columns " + ", ".join(columns),
            remedy="use an unmodified O*NET release, 18.1 or later",
        )
    return cells.assign(**{column: cells[column].str.strip() for column in columns})


def _refuse_unknown(keys: pd.Series, values: pd.Series, folder: str | Path, reference: str) -> None:
    unknown = keys[values.isna().to_numpy()]
    if len(unknown):
        raise DataError(
            f"The activity '{unknown.iloc[0]}' is not in the {reference} ({len(unknown)} rows).",
            where=str(folder),
            expected="tables of one and the same O*NET release",
            remedy="do not mix releases in a folder",
        )
