"""From the rows that were read to those that are kept: how many each rule of the sample left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class SampleStep:
    """What is left after one rule.

    Attributes
    ----------
    rule
        In words, such as ``"with the filters"``; the first is that of reading.
    rows
        Rows, each a worker-year.
    workers
        Different workers in them.
    """

    rule: str
    rows: int
    workers: int


#: Steps in their order; the last is what is kept. Empty where nothing was read, as of a simulation.
type SampleFlow = tuple[SampleStep, ...]


def counted(rule: str, workers: pd.Series) -> SampleStep:
    """Return a step from the worker of each row that is left; rows without one are no worker's."""
    return SampleStep(rule, len(workers), int(workers[workers != ""].nunique()))


def flow_to_json(flow: SampleFlow) -> list[dict[str, Any]]:
    """Return steps as plain values."""
    return [asdict(step) for step in flow]


def flow_in_words(flow: Sequence[SampleStep]) -> str:
    """Return a line such as ``4,360 rows of 545 workers read; 4,105 of 512 with the filters``."""
    first, *rest = flow
    said = [f"{first.rows:,} rows of {first.workers:,} workers {first.rule}"]
    said += [f"{step.rows:,} of {step.workers:,} {step.rule}" for step in rest]
    return "; ".join(said)
