"""What the steps of a scenario have in common: how they act, and how they name tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Self

import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from taskroy.errors import ModelError
from taskroy.models.world import Economy, World


def refusal(what: str, *, expected: str, remedy: str | None = None) -> ValueError:
    """Return what a validator raises, so that a study's faults and Python both get the sentence."""
    cause = ModelError(what, expected=expected, remedy=remedy)
    error = ValueError(str(cause))
    error.__cause__ = cause
    return error


#: What a step tells about a draw besides the world that it leaves, by name.
Told = dict[str, Array]


class Step(BaseModel, ABC):
    """One thing that a scenario does to the world; a frozen value, compared by its content."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    #: Whether the step only answers to what others do.
    answers: ClassVar[bool] = False

    @abstractmethod
    def act(self, now: Economy, before: Economy, share: Array, nearby: Told) -> tuple[World, Told]:
        """Return the world after the step, and what is to be told of it.

        Parameters
        ----------
        now
            The economy that the steps before have left.
        before
            The economy before the scenario.
        share
            φ_τ, the share of each task that the step acts on, (K,): what `shares` gives.
        nearby
            What the scenario's steps told at a draw like this one, where a search may start; empty
            where there is none.
        """

    def shares(self, exposure: pd.DataFrame, *, where: str = "scenario") -> NDArray[np.float64]:
        """Return the share of each task that the step acts on, (K,); none, for one without tasks.

        Parameters
        ----------
        exposure
            Labels of each task: one row a task (its title is the index), one column a label.
        where
            The scenario, for messages.
        """
        return np.zeros(len(exposure))

    @property
    def form(self) -> Self:
        """The step without what only decides its shares: what `act` depends on."""
        return self

    def idle(
        self,
        share: NDArray[np.float64],
        weights: NDArray[np.float64],
        left: NDArray[np.float64],
        *,
        experience: bool,
    ) -> str | None:
        """Return why the step changes nothing, whatever the draw; None where it may.

        Parameters
        ----------
        share
            What `shares` gives, (K,).
        weights, left
            How much of each occupation each task is, (O, K): before the scenario, and what the
            steps before this one have left to workers.
        experience
            Whether experience pays before the step.
        """
        return None


class OfTasks(Step):
    """A step that acts on tasks: those named, those exposed above a cut, or all by exposure.

    With neither `tasks` nor `above`, it acts on every task in proportion to its exposure.
    """

    _verb: ClassVar[str]

    tasks: Annotated[
        tuple[str, ...] | None, Field(description="Titles of tasks to act on in whole.")
    ] = None
    exposure: Annotated[
        str, Field(description="Column of exposure labels, such as human_beta or gpt4_beta.")
    ] = "human_beta"
    above: Annotated[
        float | None,
        Field(ge=0, le=1, description="Act in whole on the tasks whose exposure is above this."),
    ] = None

    def shares(self, exposure: pd.DataFrame, *, where: str = "scenario") -> NDArray[np.float64]:
        """Return the share of each task that the step acts on, (K,), in [0, 1].

        Parameters
        ----------
        exposure
            Labels of each task: one row a task (its title is the index), one column a label.
        where
            The scenario, for messages.

        Raises
        ------
        ModelError
            For an unknown task or label, an exposure outside [0, 1], a step that acts on nothing
            or that gives both tasks and a cut.
        """
        if self.tasks is not None and self.above is not None:
            raise ModelError(
                "It names tasks and also gives a cut of exposure.",
                where=where,
                expected="either 'tasks' or 'above'",
            )
        if self.tasks is not None:
            unknown = [task for task in self.tasks if task not in exposure.index]
            if unknown:
                raise ModelError(
                    f"It {self._verb} '{unknown[0]}', which is no task of this study.",
                    where=where,
                    expected="one of " + ", ".join(map(str, exposure.index)),
                )
            share = np.asarray(exposure.index.isin(self.tasks), dtype=float)
        else:
            label = self._label(exposure, where)
            share = label if self.above is None else (label > self.above).astype(float)
        if not share.any():
            raise ModelError(
                f"It {self._verb} nothing.",
                where=where,
                expected="at least one task with a positive share",
                remedy="name a task, or lower the cut",
            )
        return share

    @property
    def form(self) -> Self:
        """The step without the tasks that it acts on."""
        return self.model_copy(
            update={name: field.default for name, field in OfTasks.model_fields.items()}
        )

    def idle(
        self,
        share: NDArray[np.float64],
        weights: NDArray[np.float64],
        left: NDArray[np.float64],
        *,
        experience: bool,
    ) -> str | None:
        """Return why the step changes nothing; see `Step.idle`."""
        if (left * share).any():
            return None
        if (weights * share).any():
            return "machines already do what it acts on"
        return "no occupation has a task that it acts on"

    def _label(self, exposure: pd.DataFrame, where: str) -> NDArray[np.float64]:
        if self.exposure not in exposure.columns:
            raise ModelError(
                f"There is no exposure label '{self.exposure}'.",
                where=where,
                expected="one of " + ", ".join(map(str, exposure.columns)),
            )
        label = exposure[self.exposure].to_numpy(dtype=float)
        outside = ~((label >= 0) & (label <= 1))
        if outside.any():
            raise ModelError(
                f"The exposure of '{exposure.index[outside][0]}' is {label[outside][0]}.",
                where=where,
                expected="a number between 0 and 1",
            )
        return label
