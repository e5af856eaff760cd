"""The task table: what each occupation does, task by task, and how exposed each task is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from taskroy.data.names import suggest
from taskroy.errors import DataError


@dataclass(frozen=True, eq=False)
class TaskTable:
    """Relative task weights of occupations, labour shares and exposure labels of tasks.

    Attributes
    ----------
    weights
        A of the model: index occupation code (O), columns task titles (K), rows sum to one.
    labor_share
        Share of labour in the occupation's costs, in (0, 1); index occupation.
    exposure
        Share of each task exposed, in [0, 1]; index task title, columns such as ``human_beta`` or
        ``gpt4_alpha``. Without columns where no labels are known.
    titles
        Readable title of each occupation; index occupation.
    source
        Where the table came from, in words.
    """

    weights: pd.DataFrame
    labor_share: pd.Series
    exposure: pd.DataFrame
    titles: pd.Series
    source: str

    def __post_init__(self) -> None:
        """Guard the invariants: aligned labels, rows that sum to one, shares in their ranges."""
        for name, index in (("labor_share", self.labor_share.index), ("titles", self.titles.index)):
            if not index.equals(self.weights.index):
                raise self._broken(
                    f"'{name}' does not list the occupations of the weights in order"
                )
        if not self.exposure.index.equals(self.weights.columns):
            raise self._broken("'exposure' does not list the tasks of the weights in order")
        if self.weights.index.has_duplicates or self.weights.columns.has_duplicates:
            raise self._broken("an occupation or a task appears twice")
        values = self.weights.to_numpy()
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise self._broken("a task weight is negative or not finite")
        if not np.allclose(values.sum(axis=1), 1.0, rtol=0.0, atol=1e-12):
            raise self._broken("a row of task weights does not sum to one")
        if not self.labor_share.between(0.0, 1.0, inclusive="neither").all():
            raise self._broken("a labour share is not between 0 and 1")
        exposure = self.exposure.to_numpy(dtype=np.float64)
        if not ((exposure >= 0.0) & (exposure <= 1.0)).all():
            raise self._broken("an exposure is not between 0 and 1")

    def _broken(self, what: str) -> DataError:
        return DataError(
            f"The task table is inconsistent: {what}.",
            where=self.source,
            remedy="build task tables with taskroy.task_weights, which names every fault",
        )

    @property
    def occupations(self) -> tuple[str, ...]:
        """Occupation codes in the table's order."""
        return tuple(self.weights.index)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Task titles in the table's order."""
        return tuple(self.weights.columns)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content (not of the source's name), for provenance."""
        parts: tuple[pd.DataFrame | pd.Series, ...] = (
            self.weights,
            self.labor_share,
            self.exposure,
            self.titles,
        )
        text = "\x1f".join(part.to_csv(float_format="%.17g", lineterminator="\n") for part in parts)
        return hashlib.sha256(text.encode()).hexdigest()

    def exposure_of(self, label: str) -> pd.Series:
        """Exposure of each task by one label.

        Parameters
        ----------
        label
            A column of ``exposure``, such as ``"gpt4_beta"``.

        Returns
        -------
        pandas.Series
            In [0, 1], index task title.

        Raises
        ------
        DataError
            If the table has no such label.
        """
        if label not in self.exposure.columns:
            known = [str(column) for column in self.exposure.columns]
            raise DataError(
                f"The tasks have no exposure label '{label}'." + suggest(label, known),
                where=self.source,
                expected="one of " + ", ".join(known) if known else "a table of exposure labels",
                remedy="choose a label that exists"
                if known
                else "give task_weights(exposure=...) a CSV with a row for each task",
            )
        return self.exposure[label]

    def without(self, tasks: Sequence[str]) -> TaskTable:
        """Leave tasks out; what an occupation weighs of the others is scaled to sum to one.

        Parameters
        ----------
        tasks
            Titles of the table.

        Returns
        -------
        TaskTable

        Raises
        ------
        DataError
            If a title is unknown (names it and the nearest), or an occupation is left without work.
        """
        if not tasks:
            return self
        for task in tasks:
            if task not in self.tasks:
                raise DataError(
                    f"There is no task '{task}' to leave out.{suggest(task, self.tasks)}",
                    where=self.source,
                    expected="one of " + ", ".join(self.tasks[:5]),
                    remedy="correct the title",
                )
        kept = self.weights.drop(columns=list(tasks))
        total = kept.sum(axis=1)
        if idle := [str(code) for code in kept.index[~(total > 0)]]:
            raise DataError(
                f"Occupation '{idle[0]}' is left without any task.",
                where=self.source,
                expected="a task in every occupation",
                remedy="leave fewer tasks out",
            )
        return replace(
            self,
            weights=kept.div(total, axis=0),
            exposure=self.exposure.drop(index=list(tasks)),
            source=f"{self.source}, without {', '.join(tasks)}",
        )

    def select(self, occupations: Sequence[str]) -> TaskTable:
        """Keep these occupations, in this order.

        Parameters
        ----------
        occupations
            Codes of the table, each once.

        Returns
        -------
        TaskTable

        Raises
        ------
        DataError
            If a code is unknown (names it and the nearest) or repeated.
        """
        codes = [occupations] if isinstance(occupations, str) else list(occupations)
        if not codes or len(set(codes)) != len(codes):
            raise DataError(
                "The list of occupations is empty or repeats a code.",
                where=self.source,
                remedy="list each occupation once",
            )
        unknown = [code for code in codes if code not in self.weights.index]
        if unknown:
            more = f" ({len(unknown)} occupations are not)" if len(unknown) > 1 else ""
            raise DataError(
                f"Occupation '{unknown[0]}' is not in the task table{more}."
                + suggest(str(unknown[0]), self.occupations),
                where=self.source,
                expected="one of its codes, such as " + ", ".join(self.occupations[:5]),
                remedy="correct the code, choose another level of task weights, or add a row",
            )
        return replace(
            self,
            weights=self.weights.loc[codes],
            labor_share=self.labor_share.loc[codes],
            titles=self.titles.loc[codes],
        )
