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
    "count",
    "year",
    "percent",
    "percent1",
    "probability",
    "log_points",
    "number",
    "ratio",
    "rhat",
    "hundredths",
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
        Full numbers; the first column names the row.
    columns
        Of the frame, in order.
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

    def shown_rows(self) -> list[list[str]]:
        """Return the texts of the printed table's cells."""
        return [
            [show(column, record) for column in self.shown_columns] for record in self._records()
        ]

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
                {key: finite_or_none(record[key]) for key in self._keys()}
                for record in self._records()
            ],
        }

    def _keys(self) -> list[str]:
        keys = [key for column in self.columns for key in column.keys]
        return [*keys, SUPPRESSED] if SUPPRESSED in self.frame else keys

    def _records(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = self.frame.astype(object).to_dict("records")
        return records


def show(column: Column, record: Mapping[str, Any]) -> str:
    """Return the text of a cell: a number in its unit, with its band in square brackets."""
    value = record[column.key]
    if column.kind == "text":
        return str(value)
    if not math.isfinite(value):
        return "< 10 workers" if record.get(SUPPRESSED) else "–"
    kind = record[ROW_KIND] if column.kind == "by_row" else column.kind
    text = show_number(value, kind)
    if not column.band:
        return text
    low, high = (show_number(record[key], kind).removesuffix("%") for key in column.keys[1:])
    return f"{text} [{low}, {high}]"


def show_number(value: float, kind: Kind) -> str:
    """Return a number as it is printed: rounded, in its unit, with a true minus sign."""
    return _FORMATS[kind](float(value)).replace("-", "−")


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


def _number(value: float) -> str:
    return _unsigned(value, 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3)


_FORMATS: dict[Kind, Callable[[float], str]] = {
    "count": lambda value: f"{value:,.0f}",
    "percent": lambda value: _unsigned(100 * value, 0) + "%",
    "percent1": lambda value: _unsigned(100 * value, 1) + "%",
    "probability": _probability,
    "log_points": lambda value: _signed(100 * value),
    "number": _number,
    "ratio": lambda value: _unsigned(value, 2),
    "rhat": lambda value: _unsigned(value, 3),
    "hundredths": lambda value: _unsigned(100 * value, 2),
}
_UNITS: dict[Kind, str] = {
    "text": "text",
    "count": "count",
    "percent": "fraction of 1 (shown in per cent)",
    "percent1": "fraction of 1 (shown in per cent)",
    "probability": "probability (shown in per cent)",
    "log_points": "log-wage units (shown in log points, 100 times that)",
    "number": "number",
    "ratio": "ratio",
    "rhat": "ratio",
    "hundredths": "as its quantity (shown times 100)",
    "by_row": "in column 'kind'",
}
