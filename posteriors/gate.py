"""What the checks of a posterior add up to, and the refusal of one that fails them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from taskroy.errors import Fault, GateError
from taskroy.posteriors.files import write_atomically

#: Name of the gate's file in a folder.
GATE = "gate.json"
Status = Literal["PASS", "REVIEW", "FAIL"]
_ORDER: tuple[Status, ...] = ("PASS", "REVIEW", "FAIL")


@dataclass(frozen=True)
class CheckLine:
    """One check: what was looked at, what was found, what it means, what to do.

    A line asks ``of`` the ``"draws"`` whether they are the posterior's, or of the ``"model"``
    whether it suits its data. Where what was found is one number, it stands beside its text with
    the threshold that it is held to.
    """

    name: str
    status: Status
    value: str
    bar: str
    meaning: str
    remedy: str
    of: Literal["draws", "model"] = "draws"
    number: float | None = None
    threshold: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain values; a number that is not finite is none."""
        values = asdict(self)
        for key in ("number", "threshold"):
            if values[key] is not None and not math.isfinite(values[key]):
                values[key] = None
        return values


@dataclass(frozen=True)
class Gate:
    """All checks of one posterior."""

    lines: tuple[CheckLine, ...]

    @property
    def verdict(self) -> Status:
        """The worst status of a line that asks whether the draws are the posterior's.

        What a line says of the model stands in the report, and is for its reader to judge: draws
        from the posterior of a poor model are what they say they are.
        """
        statuses = [line.status for line in self.lines if line.of == "draws"]
        return max(statuses, key=_ORDER.index)

    @property
    def to_review(self) -> tuple[CheckLine, ...]:
        """Lines of either kind that did not pass."""
        return tuple(line for line in self.lines if line.status != "PASS")

    def to_json(self) -> dict[str, Any]:
        """Return verdict and lines as plain values."""
        return {"verdict": self.verdict, "lines": [line.to_json() for line in self.lines]}


def write_gate(gate: Gate, folder: Path) -> Path:
    """Write what the gate says into the folder of a run or of a report."""
    return write_atomically(folder / GATE, json.dumps(gate.to_json(), indent=2) + "\n")


def require_gate(gate: Gate, *, remedy: str, where: str | None = None) -> None:
    """Refuse a posterior that fails the gate.

    Raises
    ------
    GateError
        With one fault for each line that failed: its value, the bar and what to do.
    """
    if gate.verdict != "FAIL":
        return
    raise GateError(
        "The fit did not pass the gate, so no conclusion is drawn from it.",
        where=where,
        remedy=remedy,
        faults=[
            Fault(
                what=f"{line.value}. {line.meaning}",
                where=line.name,
                expected=line.bar,
                remedy=line.remedy.removesuffix("."),
            )
            for line in gate.lines
            if line.status == "FAIL" and line.of == "draws"
        ],
    )
