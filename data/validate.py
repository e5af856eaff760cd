"""From text cells to a typed, sorted frame of worker-years, or all faults at once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskroy.data.groups import kept_as
from taskroy.data.names import suggest
from taskroy.data.panel_rules import panel_rules
from taskroy.data.raw_panel import COLUMNS, RawPanel
from taskroy.data.rules import check, is_missing, numbers
from taskroy.data.soc import SocLevel, soc_group
from taskroy.errors import DataError, Fault

USUAL_MEDIAN = (1.0, 500.0)  # hourly wage in dollars or the like
USUAL_LOG_WAGE = 12.0
_TRUTH = {"True": "1", "TRUE": "1", "true": "1", "False": "0", "FALSE": "0", "false": "0"}
_INTEGER = r"[+-]?[0-9]{1,18}(?:\.0*)?"  # fits int64


class PanelWarning(UserWarning):
    """Something about a panel is unusual but not wrong for certain."""


def validated(
    raw: RawPanel,
    *,
    covariates: Sequence[str] = (),
    groups: Sequence[str] = (),
    occupations: Sequence[str] | None = None,
    occupation_level: SocLevel | None = None,
    drop_missing: bool = False,
) -> pd.DataFrame:
    """Check the cells of a panel against every rule and make them numbers.

    Parameters
    ----------
    raw
        Cells with a worker, a year, an occupation and a wage or log wage, optionally a weight.
    covariates
        Further columns, named as in the source, that must be numeric.
    groups
        Columns that are kept as texts, under the names that `kept_as` gives them.
    occupations
        Codes that exist; others are faults. None allows any.
    occupation_level
        Normalise SOC codes to their minor or major group.
    drop_missing
        Drop rows whose occupation, wage or covariates are empty (warns, with the count) instead
        of refusing them.

    Returns
    -------
    pandas.DataFrame
        ``worker`` (int64 where all labels are whole numbers, else str), ``year`` (int64),
        ``occupation`` (str), ``log_wage`` (float64), ``weight`` where the source has one, and the
        covariates; sorted by worker and year.

    Raises
    ------
    DataError
        With one fault for each cell that breaks a rule (ten a rule, and the count of the rest).

    Warns
    -----
    PanelWarning
        If the scale of wages is unusual for hourly pay, or rows were dropped.
    """
    if raw.cells.empty:
        raise DataError(
            "The panel has column names and no rows.",
            where=raw.source,
            expected="one row for each worker and year",
            remedy="export the data again, or widen the filters",
        )
    _refuse_reserved(raw, covariates)
    faults = _missing_columns(raw, (*covariates, *groups))
    cells = raw.cells
    present = [name for name in covariates if name in cells.columns]
    if drop_missing:
        cells = _without_missing(raw, present)
    known = None if occupations is None else [str(code) for code in occupations]
    codes = _normalised_occupations(raw, cells, known, occupation_level)
    for name in present:  # indicators are often spelled as truth values
        cells = cells.assign(**{name: cells[name].replace(_TRUTH)})
    pair = f"{raw.column('worker')}, {raw.column('year')}"
    if raw.has("worker") and raw.has("year"):
        cells = cells.assign(**{pair: _worker_years(raw, cells)})
    rules = panel_rules(raw, cells, codes, known, occupation_level, present, pair)
    faults += check(cells, rules, source=raw.source, row_word=raw.row_word)
    if faults:
        raise DataError("The panel cannot be used as it is.", where=raw.source, faults=faults)
    frame = _typed(raw, cells, codes, present, groups)
    _warn_scale(frame["log_wage"], raw)
    return frame


def _refuse_reserved(raw: RawPanel, covariates: Sequence[str]) -> None:
    """Refuse covariates that are the panel's own columns: they would be used twice."""
    reserved = {*COLUMNS, *raw.names.values()}
    for name in covariates:
        if name in reserved:
            raise DataError(
                f"The covariate '{name}' is one of the panel's own columns.",
                where=raw.source,
                expected="covariates other than " + ", ".join(sorted(reserved)),
                remedy="leave it out; year effects have a setting of their own",
            )


def _missing_columns(raw: RawPanel, covariates: Sequence[str]) -> list[Fault]:
    """One fault for each column that is needed and not there."""
    known = [str(name) for name in raw.cells.columns]
    wanted = [raw.column(name) for name in ("worker", "year", "occupation")]
    wanted += [raw.names[name] for name in ("wage", "log_wage", "weight") if name in raw.names]
    wanted += dict.fromkeys(covariates)
    faults = []
    if not (raw.has("wage") or raw.has("log_wage")) and not {"wage", "log_wage"} & set(raw.names):
        wanted.append("wage")
    for name in wanted:
        if name not in known:
            alternative = " (or 'log_wage')" if name == "wage" and "wage" not in raw.names else ""
            faults.append(
                Fault(
                    what=f"The column '{name}'{alternative} is missing." + suggest(name, known),
                    where=raw.source,
                    expected="columns worker, year, occupation and wage or log_wage; there are "
                    + ", ".join(known[:20])
                    + (", …" if len(known) > 20 else ""),
                    remedy="rename the column, or map it with columns = {ours: 'theirs'}",
                )
            )
    return faults


def _without_missing(raw: RawPanel, covariates: Sequence[str]) -> pd.DataFrame:
    columns = [raw.column(name) for name in ("occupation", "wage", "log_wage") if raw.has(name)]
    empty = pd.DataFrame({c: is_missing(raw.cells[c]) for c in [*columns, *covariates]}).any(axis=1)
    if empty.all():
        raise DataError(
            "Every row lacks an occupation, a wage or a covariate.",
            where=raw.source,
            expected="rows without empty cells",
            remedy="check the column map: are these the right columns?",
        )
    if empty.any():
        warnings.warn(
            f"{raw.source}: dropped {int(empty.sum())} of {len(empty)} rows that lack an "
            "occupation, a wage or a covariate.",
            PanelWarning,
            stacklevel=4,
        )
    return raw.cells[~empty]


def _normalised_occupations(
    raw: RawPanel,
    cells: pd.DataFrame,
    occupations: Sequence[str] | None,
    level: SocLevel | None,
) -> pd.Series:
    """Occupation codes in one spelling; codes that cannot be normalised stay as they are."""
    if not raw.has("occupation"):
        return pd.Series("", index=cells.index, dtype=str)
    codes = cells[raw.column("occupation")]
    whole = codes.str.fullmatch(_INTEGER)
    if whole.all():  # numeric codes that passed through float columns: 4760.0
        codes = codes.str.replace(r"\.0*$", "", regex=True)
    spelled: dict[str, str] = {}
    for code in codes.unique():
        if level is not None:
            spelled[code] = soc_group(code, level) or code
        elif occupations is not None and code not in occupations:
            groups = (soc_group(code, "minor"), soc_group(code, "major"))
            spelled[code] = next((g for g in groups if g in occupations and g is not None), code)
        else:
            spelled[code] = code
    return codes.map(spelled).astype(str)


def _worker_years(raw: RawPanel, cells: pd.DataFrame) -> pd.Series:
    """Text "worker, year" of each row in one spelling, "" where either is not usable."""
    worker = _labels(cells[raw.column("worker")]).astype(str)
    year = numbers(cells[raw.column("year")])
    usable = ~is_missing(cells[raw.column("worker")]) & np.isfinite(year) & (year % 1 == 0)
    text = worker + ", " + year.where(usable, 0).map("{:.0f}".format)
    return text.where(usable, "")


def _typed(
    raw: RawPanel,
    cells: pd.DataFrame,
    codes: pd.Series,
    covariates: Sequence[str],
    groups: Sequence[str],
) -> pd.DataFrame:
    """Make clean cells numbers, in our column names, sorted by worker and year."""
    columns: dict[str, pd.Series] = {
        "worker": _labels(cells[raw.column("worker")]),
        "year": numbers(cells[raw.column("year")]).astype(np.int64),
        "occupation": codes,
        "log_wage": numbers(cells[raw.column("log_wage")])
        if raw.has("log_wage")
        else np.log(numbers(cells[raw.column("wage")])),
    }
    if raw.has("weight"):
        columns["weight"] = numbers(cells[raw.column("weight")])
    for name in covariates:
        columns.setdefault(name, numbers(cells[name]))
    for name in groups:
        columns[kept_as(name)] = cells[name]
    return pd.DataFrame(columns).sort_values(["worker", "year"], ignore_index=True)


def _labels(cells: pd.Series) -> pd.Series:
    """Worker labels: int64 where every one is a whole number in its plain spelling, else text."""
    if not cells.str.fullmatch(_INTEGER).all():
        return cells
    plain = cells.str.replace(r"\.0*$", "", regex=True)
    whole = [int(text) for text in plain]
    if all(str(number) == text for number, text in zip(whole, plain, strict=True)):
        return pd.Series(whole, index=cells.index, dtype=np.int64)
    return plain  # 007 and 7 are two workers


def _warn_scale(log_wage: pd.Series, raw: RawPanel) -> None:
    """Warn where wages look annual, in cents, or not logged: the model takes any currency."""
    median, top = float(np.exp(log_wage).median()), float(log_wage.max())
    low = USUAL_MEDIAN[0] if not raw.has("log_wage") else 0.0  # log wages may be normalised
    if not low <= median <= USUAL_MEDIAN[1]:
        warnings.warn(
            f"{raw.source}: the median wage is {median:.6g} an hour. Expected: hourly wages in a "
            "currency like the dollar, with a median from 1 to 500. To do: check that wages are "
            "not annual or in cents, and that a column named log_wage holds logs.",
            PanelWarning,
            stacklevel=4,
        )
    elif top > USUAL_LOG_WAGE:
        warnings.warn(
            f"{raw.source}: the highest log wage is {top:.6g}, a wage of {np.exp(top):.3g} an "
            "hour. To do: check that row, or filter wages to a range.",
            PanelWarning,
            stacklevel=4,
        )
