"""Groups of workers by what a panel says of them, whose gains and losses are told apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from taskroy.data.rules import is_missing, numbers
from taskroy.errors import DataError

UNKNOWN = "not known"
# Numbers that take more values are cut into quarters of the workers.
_MOST_VALUES = 8
_MOST_TEXTS = 30
_QUARTERS = 4


def kept_as(group: str) -> str:
    """Name the column in which the texts that group workers are kept."""
    return f"by {group}"


def group_members(texts: pd.DataFrame, source: str) -> pd.DataFrame:
    """Say who belongs to which group.

    Parameters
    ----------
    texts
        One row a worker, one text column for each way to group them; empty where not known.
    source
        Where they came from, for messages.

    Returns
    -------
    pandas.DataFrame
        One row a worker, one column of truth values a group, named such as ``educ: 12 to 13``;
        within a column the groups in order, those of whom nothing is known last.

    Raises
    ------
    DataError
        If a column takes more than 30 values that are not numbers.
    """
    columns: dict[str, pd.Series] = {}
    for name in texts.columns:
        for label, member in _groups(texts[name], source):
            columns[f"{name}: {label}"] = member
    return pd.DataFrame(columns, index=texts.index)


def _groups(texts: pd.Series, source: str) -> list[tuple[str, pd.Series]]:
    unknown = is_missing(texts)
    value = numbers(texts)
    if not np.isfinite(value[~unknown]).all():
        found = _of_texts(texts[~unknown], source)
    elif value[~unknown].nunique() <= _MOST_VALUES:
        found = [(f"{v:g}", value == v) for v in sorted(value[~unknown].unique())]
    else:
        part = pd.qcut(value[~unknown], _QUARTERS, labels=False, duplicates="drop")
        found = []
        for number in sorted(part.unique()):
            member = part == number
            low, high = value[~unknown][member].min(), value[~unknown][member].max()
            found.append((f"{low:g} to {high:g}" if low < high else f"{low:g}", member))
    if unknown.any():
        found.append((UNKNOWN, unknown))
    return [(label, m.reindex(texts.index, fill_value=False).astype(bool)) for label, m in found]


def _of_texts(texts: pd.Series, source: str) -> list[tuple[str, pd.Series]]:
    values = sorted(texts.unique())
    if len(values) > _MOST_TEXTS:
        raise DataError(
            f"The column '{texts.name}' divides workers into {len(values)} groups.",
            where=source,
            expected=f"numbers, which are cut into quarters, or at most {_MOST_TEXTS} texts",
            remedy="leave it out of groups, or make its values coarser",
        )
    return [(value, texts == value) for value in values]
