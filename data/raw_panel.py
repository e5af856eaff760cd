"""A panel as it was read: text cells that still know their place, under the source's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from taskroy.data.sample_flow import SampleFlow, SampleStep, counted

#: Columns that a panel may have, under our names.
COLUMNS = ("worker", "year", "occupation", "wage", "log_wage", "weight")


@dataclass(frozen=True)
class RawPanel:
    """Text cells of a panel that nobody has checked yet.

    Attributes
    ----------
    cells
        Text cells; the index holds row numbers.
    source
        File name or description.
    row_word
        What the index counts, ``"line"`` of a file or ``"row"`` of a table.
    names
        Our column name → the source's, where they differ.
    flow
        What was read, and what the filters left.
    """

    cells: pd.DataFrame
    source: str
    row_word: str = "line"
    names: Mapping[str, str] = field(default_factory=dict)
    flow: SampleFlow = ()

    def column(self, name: str) -> str:
        """Name of one of our columns in the source."""
        return self.names.get(name, name)

    def has(self, name: str) -> bool:
        """Whether the source has one of our columns."""
        return self.column(name) in self.cells.columns

    def counted(self, rule: str) -> SampleStep:
        """Count rows and workers; of a source that does not name them, no workers."""
        none = pd.Series("", index=self.cells.index, dtype=str)
        return counted(rule, self.cells[self.column("worker")] if self.has("worker") else none)
