"""The one way to a panel: a named source, a file or a data frame, validated and designed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from taskroy.data import nlsy97, wagepan
from taskroy.data.design import Covariates, with_design
from taskroy.data.names import suggest
from taskroy.data.panel import Panel
from taskroy.data.raw_panel import RawPanel
from taskroy.data.sample_flow import counted
from taskroy.data.select_sample import select_sample
from taskroy.data.simulate import simulate_panel
from taskroy.data.soc import SocLevel
from taskroy.data.table import Filter, read_table
from taskroy.data.task_weights import task_weights
from taskroy.data.validate import validated
from taskroy.errors import DataError

SOURCES = ("wagepan", "nlsy97", "csv", "simulated")
_NEED_PATH = ("nlsy97", "csv")
SIMULATED_WORKERS, SIMULATED_YEARS = 200, 6


def load_panel(
    source: str | Path | pd.DataFrame = "wagepan",
    *,
    path: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    filters: Mapping[str, Filter] | None = None,
    covariates: Covariates | None = None,
    groups: Sequence[str] = (),
    occupations: Sequence[str] | None = None,
    occupation_level: SocLevel | None = None,
    workers: int | None = None,
    seed: int | None = None,
    min_years: int = 1,
    drop_missing: bool = False,
    without: Sequence[str] = (),
) -> Panel:
    """Load, validate and design a worker panel.

    Parameters
    ----------
    source
        ``"wagepan"`` (the embedded NLSY men 1980–1987), ``"nlsy97"`` or ``"csv"`` (with
        ``path``), ``"simulated"`` (200 workers by default, six years, nine occupations), the path
        of a CSV, CSV.gz or Parquet file, or a data frame.
    path
        The file, where ``source`` is a name that needs one.
    columns
        Our column name → the table's, such as ``{"worker": "id", "wage": "job_wage"}``.
    filters
        Column → ``[low, high]`` or list of texts to keep, applied before validation.
    covariates
        Common covariates; None takes the source's own: year effects, and for wagepan, simulated
        and nlsy97 a quadratic in experience (age).
    groups
        Columns, named as in the source, by whose last value of each worker winners and losers are
        told apart: texts, or numbers, which are cut into quarters where they take many values.
    occupations
        Codes that exist, usually a task table's; rows with others are faults.
    occupation_level
        Normalise SOC codes to ``"minor"`` or ``"major"`` groups.
    workers
        Keep a random subset of so many workers (``"simulated"``: simulate so many).
    seed
        Seed of that draw; needed with ``workers`` and with ``"simulated"``.
    min_years
        Keep workers observed in at least so many years.
    drop_missing
        Drop rows without occupation, wage or covariate (warns) instead of refusing them.
    without
        Codes of occupations that are left out, with the years in which they were held.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        With every fault of the data at once, or the setting that is wrong.

    Warns
    -----
    PanelWarning
        If the scale of wages is unusual, rows were dropped, or fewer workers exist than asked for.

    Notes
    -----
    The order of work: filters, validation, ``min_years``, ``workers``, ``without``, design. Design
    columns are therefore centred over the rows that are kept, and the workers who are drawn are
    the same whatever is left out.
    """
    _check_settings(workers, seed, min_years)
    if isinstance(source, str) and source == "simulated":
        return _simulated(workers, seed, groups, without)
    raw, default, level = _raw(source, path, columns or {}, filters or {})
    chosen = default if covariates is None else covariates
    kept = wagepan.COLUMNS if raw.source == wagepan.SOURCE else ()
    frame = validated(
        raw,
        covariates=tuple(dict.fromkeys((*kept, *chosen.used))),
        groups=groups,
        occupations=occupations,
        occupation_level=occupation_level or level,
        drop_missing=drop_missing,
    )
    flow = raw.flow
    if drop_missing:
        flow += (counted("with occupation, wage and covariates", frame["worker"]),)
    frame, flow = select_sample(
        frame, flow, min_years=min_years, workers=workers, seed=seed, without=without,
        source=raw.source,
    )  # fmt: skip
    _refuse_single_occupation(frame, raw.source)
    designed, names = with_design(frame, chosen, source=raw.source)
    return Panel(designed, names, raw.source, tuple(groups), flow)


def _check_settings(workers: int | None, seed: int | None, min_years: int) -> None:
    least_values = (("workers", workers, 1), ("min_years", min_years, 1), ("seed", seed, 0))
    for name, value, least in least_values:
        if value is not None and not (isinstance(value, int | np.integer) and value >= least):
            raise DataError(
                f"The setting {name} is {value!r}.",
                where=f"panel, {name}",
                expected=f"a whole number, {least} or above",
                remedy="correct it, or leave it out",
            )
    if workers is not None and seed is None:
        raise DataError(
            "A random subset of workers needs a seed.",
            where="panel, seed",
            expected="any whole number: the same seed keeps the same workers",
            remedy="set seed, for example seed = 1",
        )


def _simulated(
    workers: int | None, seed: int | None, groups: Sequence[str], without: Sequence[str]
) -> Panel:
    if without:
        raise DataError(
            "Of a simulated panel no occupation is left out.",
            where="panel, without",
            expected="nothing with the source 'simulated'",
            remedy="leave it out: simulated workers chose among all occupations",
        )
    if groups:
        raise DataError(
            "Simulated workers have nothing to be grouped by.",
            where="panel, groups",
            expected="no groups with the source 'simulated'",
            remedy="leave groups out",
        )
    if seed is None:
        raise DataError(
            "A simulated panel needs a seed.",
            where="panel, seed",
            expected="any whole number",
            remedy="set seed, for example seed = 1",
        )
    tasks = task_weights("wagepan", "gwa-category")
    size = SIMULATED_WORKERS if workers is None else workers
    panel, _ = simulate_panel(tasks, workers=size, years=SIMULATED_YEARS, seed=seed)
    return panel


def _raw(
    source: str | Path | pd.DataFrame,
    path: str | Path | None,
    columns: Mapping[str, str],
    filters: Mapping[str, Filter],
) -> tuple[RawPanel, Covariates, SocLevel | None]:
    """Cells of the source, its default covariates and its SOC level."""
    if not isinstance(source, str | Path | pd.DataFrame):
        raise DataError(
            f"A panel cannot be read from a {type(source).__name__}.",
            where="panel, source",
            expected="a source's name, a path or a pandas data frame",
            remedy="convert it, for example with pandas.DataFrame(...)",
        )
    if path is not None and not (isinstance(source, str) and source in _NEED_PATH):
        raise DataError(
            "A path is given beside a source that has none.",
            where="panel, path",
            expected="a path with the sources " + " and ".join(_NEED_PATH),
            remedy="leave the path out, or set source = 'csv'",
        )
    if isinstance(source, pd.DataFrame):
        return read_table(source, columns=columns, filters=filters), Covariates(), None
    if source == "wagepan":
        read = read_table(wagepan.wagepan_frame(), columns=columns, filters=filters)
        return replace(read, source=wagepan.SOURCE), wagepan.DEFAULT_COVARIATES, None
    if source in _NEED_PATH:
        if path is None:
            raise DataError(
                f"The source '{source}' needs the path of its file.",
                where="panel, path",
                remedy=f"load_panel('{source}', path='…'), or path = '…' in the study file",
            )
        if source == "nlsy97":
            read = read_table(path, columns={**nlsy97.COLUMNS, **columns}, filters=filters)
            return read, nlsy97.DEFAULT_COVARIATES, "minor"
        return read_table(path, columns=columns, filters=filters), Covariates(), None
    hint = suggest(str(source), SOURCES)
    if isinstance(source, str) and hint and not os.path.exists(source) and "." not in source:
        raise DataError(
            f"There is no panel source '{source}', and no such file." + hint,
            where="panel, source",
            expected="one of " + ", ".join(SOURCES) + ", or the path of a file",
            remedy="correct the name",
        )
    return read_table(source, columns=columns, filters=filters), Covariates(), None


def _refuse_single_occupation(frame: pd.DataFrame, source: str) -> None:
    codes = frame["occupation"].unique()
    if len(codes) == 1:
        raise DataError(
            f"Every row has the occupation '{codes[0]}'.",
            where=source,
            expected="two occupations or more: skills are learned from which occupation workers "
            "choose and from wages across occupations, and with one there is no choice",
            remedy="check the occupation column, use a finer occupation level, or widen a filter",
        )
