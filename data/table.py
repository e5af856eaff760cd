"""Panels from tables: CSV, CSV.gz, Parquet and data frames, with a column map and filters."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from taskroy.data.files import read_bytes, read_cells
from taskroy.data.names import suggest
from taskroy.data.raw_panel import COLUMNS, RawPanel
from taskroy.data.rules import check, is_missing, number_rules, numbers
from taskroy.errors import DataError

#: ``[low, high]`` keeps rows in a closed range; a list of texts keeps rows that hold one of them.
Filter = Sequence[float] | Sequence[str]


def read_table(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    filters: Mapping[str, Filter] | None = None,
) -> RawPanel:
    """Read a table as text cells that still know their row numbers.

    Parameters
    ----------
    source
        Path of a CSV (plain or gzip) or Parquet file, or a data frame.
    columns
        Our column name (``worker``, ``year``, ``occupation``, ``wage``, ``log_wage``,
        ``weight``) → the table's.
    filters
        Column of the table → ``[low, high]`` (both included, ``inf`` allowed), or a list of texts
        to keep. Rows whose cell is empty are not kept.

    Returns
    -------
    RawPanel

    Raises
    ------
    DataError
        If the file cannot be read, or a map or filter names what is not there.
    """
    if isinstance(source, pd.DataFrame):
        cells, name, row_word = _text_cells(source, "the data frame"), "the data frame", "row"
    elif read_bytes(source)[:4] == b"PAR1":
        cells, name, row_word = _parquet(source), str(source), "row"
    else:
        cells, name, row_word = read_cells(source), str(source), "line"
    names = {ours: str(theirs) for ours, theirs in (columns or {}).items()}
    for ours in names:
        if ours not in COLUMNS:
            raise DataError(
                f"The column map names '{ours}', which a panel does not have."
                + suggest(str(ours), COLUMNS),
                where="columns",
                expected="keys among " + ", ".join(COLUMNS),
                remedy="write our name on the left and the table's on the right",
            )
    doubled = sorted(
        {theirs for theirs in names.values() if list(names.values()).count(theirs) > 1}
    )
    if doubled:
        raise DataError(
            f"The column map uses the column '{doubled[0]}' twice.",
            where="columns",
            expected="a column of its own for each of " + ", ".join(names),
            remedy="correct the map",
        )
    raw = RawPanel(cells, name, row_word, names)
    read = (raw.counted("read"),)
    if not filters:
        return replace(raw, flow=read)
    left = replace(raw, cells=_filtered(raw, filters))
    return replace(left, flow=(*read, left.counted("with the filters")))


def _parquet(path: str | Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(read_bytes(path)))
    except Exception as error:  # pyarrow raises many kinds on a damaged file
        raise DataError(
            f"The Parquet file cannot be read ({error}).",
            where=str(path),
            remedy="write it again",
        ) from error
    return _text_cells(frame, str(path))


def _text_cells(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Turn values into text that reads back as the same number; rows are counted from 1."""
    if any(name is not None for name in frame.index.names):  # a panel is often indexed by its keys
        overlap = set(frame.index.names) & set(frame.columns)
        frame = frame.reset_index(drop=bool(overlap))
    names = [str(name).strip() for name in frame.columns]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(
            "The column name '" + "', '".join(doubled) + "' appears more than once.",
            where=source,
            expected="each column name once",
            remedy="rename or remove the doubled column: which one is meant is not guessed",
        )
    index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return pd.DataFrame(
        {
            name: pd.Series([_text(v) for v in frame.iloc[:, j].tolist()], index=index, dtype=str)
            for j, name in enumerate(names)
        },
        index=index,
    )


def _text(value: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else repr(float(value))
    return str(value).strip()


def _filtered(raw: RawPanel, filters: Mapping[str, Filter]) -> pd.DataFrame:
    cells = raw.cells
    for column, allowed in filters.items():
        if column not in cells.columns:
            raise DataError(
                f"The filter names the column '{column}', which is not in the table."
                + suggest(column, map(str, cells.columns)),
                where=raw.source,
                expected="a column of the table: " + ", ".join(map(str, cells.columns)),
                remedy="correct the name in the filters",
            )
        before = len(cells)
        cells = cells[_kept(cells[[column]], allowed, raw)]
        if before and cells.empty:
            raise DataError(
                f"The filter {column} = {list(allowed)} keeps none of {before} rows.",
                where=raw.source,
                remedy="widen the filter, or check the column's unit",
            )
    return cells


def _kept(cells: pd.DataFrame, allowed: Filter, raw: RawPanel) -> pd.Series:
    column = cells.columns[0]
    texts = cells[column]
    if isinstance(allowed, str) or not isinstance(allowed, Sequence):
        raise _bad_filter(column, allowed)
    if allowed and all(isinstance(value, str) for value in allowed):
        return texts.isin([str(value) for value in allowed])
    bounds = [v for v in allowed if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(allowed) != 2 or len(bounds) != 2 or not bounds[0] <= bounds[1]:
        raise _bad_filter(column, allowed)
    there = cells[~is_missing(texts)]
    faults = check(
        there,
        number_rules(str(column), unit="a number, since the filter is a range"),
        source=raw.source,
        row_word=raw.row_word,
    )
    if faults:
        raise DataError(
            f"The column '{column}' cannot be filtered by a range.",
            where=raw.source,
            faults=faults,
        )
    return numbers(texts).between(bounds[0], bounds[1])


def _bad_filter(column: object, allowed: object) -> DataError:
    return DataError(
        f"The filter {column} = {allowed!r} is neither a range nor a list of texts.",
        where="filters",
        expected='[low, high] with low <= high, or a list such as ["Women", "Men"]',
        remedy="correct the filter",
    )
