"""Errors as sentences: what happened, where, what was expected, what to do.

Every error a user can cause is one of these classes; each class has the exit code with which the
command line ends (``taskroy --help`` lists them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input, placed so that its owner can find and mend it."""

    what: str
    where: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        """Return the fault as one line."""
        return f"{self.where}: {self.what} Expected: {self.expected}. To do: {self.remedy}."


class TaskroyError(Exception):
    """Base of all errors that a person can act on.

    Parameters
    ----------
    what
        What happened, as a sentence.
    where, expected, remedy
        Place (file, row, worker, occupation), expectation, and what to do; each optional.
    faults
        When one pass found several faults, all of them.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        self.what, self.where, self.expected, self.remedy = what, where, expected, remedy
        self.faults = tuple(faults)
        lines = [f"{where}: {what}" if where else what]
        if expected:
            lines.append(f"Expected: {expected}.")
        if remedy:
            lines.append(f"To do: {remedy}.")
        lines += [f"- {fault}" for fault in self.faults]
        super().__init__("\n".join(lines))


class StudyError(TaskroyError):
    """The study file or a setting is wrong."""

    exit_code = 2


class DataError(TaskroyError):
    """A panel, a task table or an exposure table is wrong."""

    exit_code = 3


class ModelError(TaskroyError):
    """The model cannot be built or its counterfactual does not exist."""

    exit_code = 4


class FitError(TaskroyError):
    """Inference could not start or did not finish."""

    exit_code = 5


class StoreError(TaskroyError):
    """A stored posterior is missing, damaged or not ours."""

    exit_code = 6


class GateError(TaskroyError):
    """The gate failed and a report was asked for all the same."""

    exit_code = 7
