"""A table of a report: one frame of full numbers, and its forms in HTML, CSV and JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

Kind = Literal[
    "text",
    "truth",
    "count",
    "percent",
    "percent1",
    "probability",
    "log_points",
    "number",
    "ratio",
    "rhat",
    "hundredths",
    "points",
    "by_row",
]

#: In this column of a frame stands the kind of each row, for columns of kind "by_row".
ROW_KIND = "kind"
#: In this column of a frame, True marks rows whose empty cells are hidden, not missing.
SUPPRESSED = "suppressed"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes
    ----------
    key
        Its name in the frame, in CSV and in JSON.
    title
        Its heading.
    kind
        How its numbers are shown. Shares are stored as fractions of one and shown in per cent;
        changes are stored in log-wage units and shown in log points, 100 times that.
    band
        Whether `key`_low and `key`_high are the ends of a band.
    shown
        False for what is in CSV and JSON only.
    """

    key: str
    title: str
    kind: Kind = "text"
    band: bool = False
    shown: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns of the frame."""
        return (self.key, f"{self.key}_low", f"{self.key}_high") if self.band else (self.key,)


@dataclass(frozen=True)
class Table:
    """Numbers with what one must know to read them.

    Attributes
    ----------
    name
        Of its files.
    caption
        What it shows.
    weights
        Who or what counts how much.
    frame
        Full numbers, a row each.
    columns
        Of the frame, in order; the first text names the row, or the first of all without one.
    notes
        Further sentences below it.
    """

    name: str
    caption: str
    weights: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()

    @property
    def shown_columns(self) -> tuple[Column, ...]:
        """Those of the printed table."""
        return tuple(column for column in self.columns if column.shown)

    @property
    def is_wide(self) -> bool:
        """Whether the printed table needs more room than text."""
        return sum(2 if column.band else 1 for column in self.shown_columns) > 8

    @property
    def row_header(self) -> str:
        """Key of the column that names the rows: the first text, or else the first column."""
        first = self.columns[0]
        return next((column.key for column in self.columns if column.kind == "text"), first.key)

    def shown_rows(self) -> list[list[str]]:
        """Return the texts of the printed table's cells."""
        return [[show(column, row) for column in self.shown_columns] for row in records(self.frame)]

    def to_csv(self) -> str:
        """Return the table as CSV in which no text is taken for a formula."""
        frame = self.frame[self._keys()].map(
            lambda cell: _no_formula(cell) if isinstance(cell, str) else cell
        )
        return str(frame.to_csv(index=False, lineterminator="\n"))

    def to_json(self) -> dict[str, Any]:
        """Return plain texts, numbers and nulls."""
        return {
            "caption": self.caption,
            "weights": self.weights,
            "notes": list(self.notes),
            "columns": [
                {"key": column.key, "title": column.title, "unit": _UNITS[column.kind]}
                for column in self.columns
            ],
            "rows": [
                {key: finite_or_none(row[key]) for key in self._keys()}
                for row in records(self.frame)
            ],
        }

    def _keys(self) -> list[str]:
        keys = [key for column in self.columns for key in column.keys]
        return [*keys, SUPPRESSED] if SUPPRESSED in self.frame else keys


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame by names of columns."""
    return [
        {str(key): value for key, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


def record(frame: pd.DataFrame, place: int) -> dict[str, Any]:
    """Return the row at a place of a frame, by names of columns."""
    return records(frame.iloc[[place]])[0]


def show(column: Column, row: Mapping[str, Any]) -> str:
    """Return the text of a cell: a number in its unit, with its band in square brackets."""
    value = row[column.key]
    if column.kind in ("text", "truth"):
        return str(value)
    if not math.isfinite(value):
        return "not shown" if row.get(SUPPRESSED) else "–"
    kind = row[ROW_KIND] if column.kind == "by_row" else column.kind
    if not column.band:
        return show_number(value, kind)
    ends = [row[key] for key in column.keys[1:]]
    text, low, high = (
        show_number(x, kind, like=max(map(abs, (value, *ends)))) for x in (value, *ends)
    )
    return f"{text} [{low.removesuffix('%')}, {high.removesuffix('%')}]"


def show_number(value: float, kind: Kind, *, like: float | None = None) -> str:
    """Return a number as it is printed: rounded, in its unit, with a true minus sign.

    Plain numbers get as many decimals as one of the size of `like` (their own by default) needs.
    """
    number = float(value)
    if kind == "number":
        size = abs(number if like is None else like)
        return _unsigned(number, 1 if size >= 100 else 2 if size >= 1 else 3).replace("-", "−")
    return _FORMATS[kind](number).replace("-", "−")


def finite_or_none(value: Any) -> Any:
    """Return what JSON can hold: texts, truth values, and numbers that are finite."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value if value is None else str(value)


def _no_formula(text: str) -> str:
    # A spreadsheet runs a cell that starts like a formula; an apostrophe makes it text.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _signed(value: float) -> str:
    text = f"{value:+.1f}"
    return "0.0" if float(text) == 0 else text


def _unsigned(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _probability(value: float) -> str:
    if 0.005 <= value < 0.995:
        return f"{100 * value:.0f}%"
    return "> 99%" if value > 0.5 else "< 1%"


_FORMATS: dict[Kind, Callable[[float], str]] = {
    "count": lambda value: f"{value:,.0f}",
    "percent": lambda value: _unsigned(100 * value, 0) + "%",
    "percent1": lambda value: _unsigned(100 * value, 1) + "%",
    "probability": _probability,
    "log_points": lambda value: _signed(100 * value),
    "ratio": lambda value: "< 0.01" if 0 < value < 0.005 else _unsigned(value, 2),
    "rhat": lambda value: _unsigned(value, 3),
    "points": lambda value: _signed(100 * value),
    "hundredths": lambda value: _unsigned(100 * value, 2),
}
_UNITS: dict[Kind, str] = {
    "text": "text",
    "truth": "true or false",
    "count": "count",
    "percent": "fraction of 1 (shown in per cent)",
    "percent1": "fraction of 1 (shown in per cent)",
    "probability": "probability (shown in per cent)",
    "log_points": "log-wage units (shown in log points, 100 times that)",
    "points": "fraction of 1 (shown in percentage points)",
    "number": "number",
    "ratio": "ratio",
    "rhat": "ratio",
    "hundredths": "as its quantity (shown times 100)",
    "by_row": "in column 'kind'",
}
