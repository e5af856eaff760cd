"""Check a table of text cells against rules, all in one pass, and say where each one fails.

A rule is one sentence about the cells of one column. pandera applies all of them lazily, and each
failing cell becomes a :class:`taskroy.errors.Fault` with file, row, column, value, expectation and
remedy. A rule passes cells on which a more basic rule already fails, so that one mistake is
reported once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import pandera.pandas as pa

from taskroy.data.files import MISSING
from taskroy.errors import Fault

MAX_ROWS = 10  # faults listed a rule; the rest are counted
MAX_SHOWN = 40  # characters of a faulty cell
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_INFINITE = r"[+-]?inf(?:inity)?"


@dataclass(frozen=True)
class Rule:
    """What must hold for each cell of a column.

    Attributes
    ----------
    column
        The column, as the file names it.
    holds
        Takes the column's text cells, returns True where the rule is kept.
    what
        Sentence about a failing cell; ``{value}`` stands for its text.
    expected, remedy
        As in :class:`taskroy.errors.Fault`; ``remedy`` may be made from the value.
    """

    column: str
    holds: Callable[[pd.Series], pd.Series]
    what: str
    expected: str
    remedy: str | Callable[[str], str]


def is_missing(cells: pd.Series) -> pd.Series:
    """Where a cell is empty or a usual spelling of "no value"."""
    return cells.str.lower().isin(MISSING)


def is_number(cells: pd.Series) -> pd.Series:
    """Where a cell is a finite decimal number with a point, in plain or exponent form."""
    return cells.str.fullmatch(_NUMBER)


def is_infinite(cells: pd.Series) -> pd.Series:
    """Where a cell says infinity, or is a number too large for float64."""
    return cells.str.lower().str.fullmatch(_INFINITE) | numbers(cells).abs().eq(float("inf"))


def numbers(cells: pd.Series) -> pd.Series:
    """Cells as float64, NaN where they are no number."""
    # float(), and not pandas' own parser, because it rounds correctly.
    values = [
        float(text) if plain else float("nan")
        for text, plain in zip(cells.tolist(), is_number(cells).tolist(), strict=True)
    ]
    return pd.Series(values, index=cells.index, dtype="float64")


def number_rules(
    column: str, *, unit: str, if_empty: str = "fill it in, or drop the row"
) -> list[Rule]:
    """Rules that make a column numeric: present, a number, finite."""
    return [
        Rule(
            column,
            lambda cells: ~is_missing(cells),
            "The cell is empty ('{value}').",
            unit,
            if_empty,
        ),
        Rule(
            column,
            lambda cells: is_missing(cells) | is_infinite(cells) | is_number(cells),
            "'{value}' is not a number.",
            unit,
            _number_remedy,
        ),
        Rule(
            column,
            lambda cells: ~is_infinite(cells),
            "'{value}' is infinite.",
            f"{unit}, finite",
            "correct it, or drop the row",
        ),
    ]


def _number_remedy(value: str) -> str:
    decimal = value.replace(".", "").replace(",", ".")
    if "," in value and pd.Series([decimal]).str.fullmatch(_NUMBER).item():
        return "write numbers with a decimal point and without separators of thousands"
    return "write a plain number, without unit or currency, or drop the row"


def check(cells: pd.DataFrame, rules: Sequence[Rule], *, source: str, row_word: str) -> list[Fault]:
    """Apply all rules to a table of text cells.

    Parameters
    ----------
    cells
        Text cells; the index holds the row numbers that messages are to name.
    rules
        Rules on columns of ``cells``.
    source
        File name or description, for the place of each fault.
    row_word
        What the index counts: ``"line"`` or ``"row"``.

    Returns
    -------
    list of Fault
        In the order of the rules, then of the rows; at most ten a rule, and one more that counts
        the rest.
    """
    columns = {
        name: pa.Column(
            checks=[
                pa.Check(rule.holds, name=str(number), ignore_na=False, n_failure_cases=MAX_ROWS)
                for number, rule in enumerate(rules)
                if rule.column == name
            ],
            nullable=True,
        )
        for name in {rule.column for rule in rules}
    }
    try:
        pa.DataFrameSchema(columns).validate(cells, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    faults: list[Fault] = []
    for number, rule in enumerate(rules):
        failed = cases[cases["check"] == str(number)].sort_values("index")
        faults += [
            _fault(rule, str(value), f"{source}, {row_word} {line}, column '{rule.column}'")
            for line, value in zip(failed["index"], failed["failure_case"], strict=True)
        ]
        more = int((~rule.holds(cells[rule.column])).sum()) - len(failed) if len(failed) else 0
        if more:
            faults.append(
                Fault(
                    what=f"{more} more rows fail the same rule.",
                    where=f"{source}, column '{rule.column}'",
                    expected=rule.expected,
                    remedy="mend the first ones: the rest are likely to be alike",
                )
            )
    return faults


def _fault(rule: Rule, value: str, where: str) -> Fault:
    shown = value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…"
    remedy = rule.remedy if isinstance(rule.remedy, str) else rule.remedy(value)
    return Fault(rule.what.replace("{value}", shown), where, rule.expected, remedy)
