"""The rules that a worker panel must keep, column by column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskroy.data.names import suggest
from taskroy.data.raw_panel import RawPanel
from taskroy.data.rules import Rule, is_infinite, is_missing, number_rules, numbers
from taskroy.data.soc import SocLevel, soc_group

MAX_YEAR = 9999
MAX_LOG_WAGE = 25.0  # e^25 is 7e10 an hour: no currency, but a mistake
WAGE_AGREEMENT = 0.01  # log points; wages are often rounded to cents
# Of what `drop_missing` looks at.
_IF_EMPTY = "fill it in, or leave such rows out with drop_missing = true"
_WAGE_UNIT = "an hourly wage above zero, such as 12.50"


def panel_rules(
    raw: RawPanel,
    cells: pd.DataFrame,
    codes: pd.Series,
    occupations: Sequence[str] | None,
    level: SocLevel | None,
    covariates: Sequence[str],
    pair: str,
) -> list[Rule]:
    """Collect the rules that apply to the columns a panel has.

    Parameters
    ----------
    raw
        The panel's source and column names.
    cells
        Its text cells, with the column ``pair``.
    codes
        Normalised occupation codes, aligned with ``cells``.
    occupations, level
        Codes that exist and the SOC level asked for; None checks neither.
    covariates
        Columns that must be numeric.
    pair
        Name of the column that holds "worker, year" as text, "" where either is faulty.

    Returns
    -------
    list of Rule
    """
    rules: list[Rule] = []
    if raw.has("worker"):
        rules.append(_present(raw.column("worker"), "a worker label"))
    if raw.has("year"):
        rules += _year_rules(raw.column("year"))
    if pair in cells.columns:
        rules.append(
            Rule(
                pair,
                lambda text: text.eq("") | ~text.duplicated(keep=False),
                "The worker-year '{value}' appears more than once.",
                "one row for each worker and year",
                "keep the main job of the year, or drop the repeated row",
            )
        )
    if raw.has("occupation"):
        column = raw.column("occupation")
        rules.append(_present(column, "an occupation code", _IF_EMPTY))
        if level is not None:
            rules.append(_soc_rule(column, level))
        if occupations is not None:
            rules.append(_known_rule(column, codes, occupations))
    if raw.has("wage"):
        rules += _wage_rules(raw.column("wage"))
    if raw.has("log_wage"):
        rules += _log_wage_rules(raw.column("log_wage"))
    if raw.has("wage") and raw.has("log_wage"):
        rules.append(_agreement_rule(raw, cells))
    if raw.has("weight"):
        rules += _weight_rules(raw.column("weight"))
    for name in covariates:
        rules += number_rules(name, unit="a number", if_empty=_IF_EMPTY)
    return rules


def _present(column: str, word: str, remedy: str = "fill it in, or drop the row") -> Rule:
    return Rule(
        column,
        lambda cells: ~is_missing(cells),
        "The cell is empty ('{value}').",
        f"{word} in every row",
        remedy,
    )


def _year_rules(column: str) -> list[Rule]:
    def whole(cells: pd.Series) -> pd.Series:
        year = numbers(cells)
        kept: pd.Series = ~np.isfinite(year) | ((year % 1 == 0) & year.between(0, MAX_YEAR))
        return kept

    unit = "a whole number such as 1987"
    return [
        *number_rules(column, unit=unit),
        Rule(column, whole, "'{value}' is not a year.", unit, "write the calendar year"),
    ]


def _soc_rule(column: str, level: SocLevel) -> Rule:
    return Rule(
        column,
        lambda cells: (
            is_missing(cells) | cells.map(lambda code: soc_group(code, level) is not None)
        ),
        f"'{{value}}' has no SOC {level} group.",
        "a SOC code such as 11-10, 11-1000, 11-1011 or 11-1011.00",
        "correct the code, or leave occupation_level out",
    )


def _known_rule(column: str, codes: pd.Series, occupations: Sequence[str]) -> Rule:
    return Rule(
        column,
        lambda cells: is_missing(cells) | codes.isin(occupations),
        "The occupation code '{value}' is unknown.",
        "one of the task table's codes, such as " + ", ".join(occupations[:5]),
        lambda code: (
            (suggest(code, occupations).strip() or "correct the code") + " Or drop the row"
        ),
    )


def _wage_rules(column: str) -> list[Rule]:
    return [
        *number_rules(column, unit=_WAGE_UNIT, if_empty=_IF_EMPTY),
        Rule(
            column,
            lambda cells: numbers(cells).isna() | (numbers(cells) > 0),
            "The wage '{value}' is not positive.",
            _WAGE_UNIT,
            "drop the row (a filter such as wage = [2, 300] does), or correct the wage",
        ),
        Rule(
            column,
            lambda cells: is_infinite(cells) | ~(numbers(cells) > np.exp(MAX_LOG_WAGE)),
            "The wage '{value}' is too large to be one.",
            _WAGE_UNIT,
            "correct it, or drop the row",
        ),
        Rule(  # 1e-320 and the like: positive, yet no wage
            column,
            lambda cells: (
                numbers(cells).isna()
                | (numbers(cells) <= 0)
                | (numbers(cells) >= np.exp(-MAX_LOG_WAGE))
            ),
            "The wage '{value}' is too small to be one.",
            _WAGE_UNIT,
            "correct it, or drop the row",
        ),
    ]


def _log_wage_rules(column: str) -> list[Rule]:
    unit = "the natural log of an hourly wage, such as 2.53"
    return [
        *number_rules(column, unit=unit, if_empty=_IF_EMPTY),
        Rule(
            column,
            lambda cells: is_infinite(cells) | ~(numbers(cells).abs() > MAX_LOG_WAGE),
            "The log wage '{value}' is out of any range.",
            unit,
            "if the column holds wages and not their logs, name it wage",
        ),
    ]


def _agreement_rule(raw: RawPanel, cells: pd.DataFrame) -> Rule:
    wage = numbers(cells[raw.column("wage")])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_of_wage = np.log(wage)

    def agrees(log_wage: pd.Series) -> pd.Series:
        difference = (numbers(log_wage) - log_of_wage).abs()
        kept: pd.Series = ~np.isfinite(difference) | (difference <= WAGE_AGREEMENT)
        return kept

    return Rule(
        raw.column("log_wage"),
        agrees,
        "The log wage '{value}' is not the log of the wage in the same row.",
        f"log_wage = log(wage), to {WAGE_AGREEMENT}",
        "keep one of the two columns: which one is meant is not guessed",
    )


def _weight_rules(column: str) -> list[Rule]:
    unit = "a weight, zero or above"
    return [
        *number_rules(column, unit=unit),
        Rule(
            column,
            lambda cells: ~(numbers(cells) < 0),
            "The weight '{value}' is negative.",
            unit,
            "correct it, or drop the row",
        ),
        Rule(
            column,
            lambda cells: pd.Series(not numbers(cells).eq(0).all(), index=cells.index),
            "The weight is '{value}', as in every row.",
            "at least one weight above zero",
            "drop the column of weights",
        ),
    ]
