"""Which of the valid worker-years are a study's: long careers, a random subset, occupations."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from taskroy.data.names import suggest
from taskroy.data.sample_flow import SampleFlow, counted
from taskroy.data.validate import PanelWarning
from taskroy.errors import DataError


def select_sample(
    frame: pd.DataFrame,
    flow: SampleFlow,
    *,
    min_years: int,
    workers: int | None,
    seed: int | None,
    without: Sequence[str],
    source: str,
) -> tuple[pd.DataFrame, SampleFlow]:
    """Keep a sample, and count what each rule leaves.

    Parameters
    ----------
    frame
        Validated worker-years.
    flow
        What was counted so far.
    min_years, workers, seed, without
        As for :func:`taskroy.data.load.load_panel`.
    source
        Of the panel, in words.

    Returns
    -------
    tuple
        The rows that are kept, and the steps with those of the rules that apply.
    """
    if min_years > 1:
        frame = _seen_long(frame, min_years, source)
        flow += (counted(f"of workers seen in {min_years} years or more", frame["worker"]),)
    if workers is not None:
        frame = _drawn(frame, workers, seed, source)
        flow += (counted("of workers drawn at random", frame["worker"]),)
    if without:
        frame = _without(frame, without, source)
        flow += (counted("without the occupations left out", frame["worker"]),)
    return frame, flow


def _seen_long(frame: pd.DataFrame, min_years: int, source: str) -> pd.DataFrame:
    """Keep workers with enough years."""
    years = frame.groupby("worker")["year"].transform("size")
    kept = frame[years >= min_years].reset_index(drop=True)
    if kept.empty:
        raise DataError(
            f"No worker is observed in {min_years} years or more.",
            where=source,
            expected=f"min_years of at most {years.max()} in this panel",
            remedy="lower min_years",
        )
    return kept


def _drawn(frame: pd.DataFrame, workers: int, seed: int | None, source: str) -> pd.DataFrame:
    """Keep a random subset of workers."""
    labels = frame["worker"].unique()
    if len(labels) < workers:
        warnings.warn(
            f"{source}: {workers} workers were asked for and {len(labels)} exist: all are kept.",
            PanelWarning,
            stacklevel=4,
        )
        return frame
    drawn = np.random.default_rng(seed).choice(len(labels), size=workers, replace=False)
    return frame[frame["worker"].isin(labels[np.sort(drawn)])].reset_index(drop=True)


def _without(frame: pd.DataFrame, codes: Sequence[str], source: str) -> pd.DataFrame:
    """Leave out the years in which these occupations were held."""
    known = sorted(frame["occupation"].unique())
    for code in codes:
        if code not in known:
            raise DataError(
                f"Nobody holds the occupation '{code}' that is left out.{suggest(code, known)}",
                where=f"{source}, without",
                expected="codes of occupations that somebody holds",
                remedy="correct the code, or take it off the list",
            )
    return frame[~frame["occupation"].isin(codes)].reset_index(drop=True)
