"""What a benchmark is: a question, and rows of numbers that answer it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from taskroy.progress import Progress, Silent


@dataclass(frozen=True)
class Effort:
    """How large a benchmark is, and on what.

    Attributes
    ----------
    quick
        Tiny sizes, to see that it runs; the numbers say little.
    panel
        A CSV of NLSY97 for the benchmark of a full panel; a simulated one without.
    """

    quick: bool = False
    panel: Path | None = None
    progress: Progress = field(default_factory=Silent)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what
        What was measured, in words.
    sizes
        Workers, years, occupations, tasks and the like.
    seed
        Of the simulated panel and of every random number.
    precision
        ``"float64"`` or ``"float32"``.
    measured
        Numbers by what they are, unit included: ``{"seconds": 0.06}``.
    note
        What a reader has to know in order not to misread the numbers.
    """

    what: str
    sizes: Mapping[str, int]
    seed: int
    precision: str
    measured: Mapping[str, float]
    note: str = ""


@dataclass(frozen=True)
class Benchmark:
    """A question with a name; the module of that name answers it, and is imported only then."""

    name: str
    asks: str

    def run(self, effort: Effort) -> Iterable[Row]:
        """Measure; the long ones give row by row."""
        module = importlib.import_module(f"taskroy.benchmarks.{self.name.replace('-', '_')}")
        rows: Iterable[Row] = module.run(effort)
        return rows
