"""Stand-ins for the long stages, so that the face is tested without a fit."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

from taskroy.cli import app
from taskroy.progress import Silent


@dataclass(frozen=True)
class Line:
    name: str = "R-hat"
    status: str = "PASS"
    value: str = "1.00"
    bar: str = "at most 1.01"
    meaning: str = "The chains agree."
    remedy: str = "More warm-up."
    of: str = "draws"


@dataclass(frozen=True)
class StandInGate:
    verdict: str
    lines: tuple[Line, ...]

    @property
    def to_review(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.status != "PASS")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class StandIns:
    """What the stand-ins were asked, and what they are to answer."""

    calls: list[str] = field(default_factory=list)
    verdict: str = "PASS"
    of: str = "draws"
    broken: str = ""

    def called(self, name: str) -> None:
        self.calls.append(name)
        if self.broken == name:
            raise KeyboardInterrupt

    def fit(
        self, panel: Any, tasks: Any, *, model: Any, inference: Any, progress: Any, **_: Any
    ) -> Any:
        self.called("fit")
        progress = progress or Silent()
        progress.start("Sampling", 2)
        progress.advance(1, "a note")
        progress.finish()
        draws = np.random.default_rng(inference.seed).normal(size=(2, 5))
        tree = xr.DataTree.from_dict(
            {"posterior": xr.Dataset({"taste_scale": (("chain", "draw"), draws)})}
        )
        tree.attrs |= {"panel_sha256": panel.sha256, "tasks_sha256": tasks.sha256}
        return tree

    def check(self, posterior: Any) -> StandInGate:
        self.called("check")
        return StandInGate(
            self.verdict, (Line(status=self.verdict, of=self.of), Line("divergences"))
        )

    def counterfactual(self, posterior: Any, scenarios: Any, *, progress: Any, **_: Any) -> Any:
        self.called("counterfactual")
        shape = (len(scenarios), 2, 5)
        dims = ("scenario", "chain", "draw")
        posterior["counterfactual"] = xr.DataTree(
            xr.Dataset(
                {
                    "winners": (dims, np.linspace(0.5, 0.7, 10).reshape(1, 2, 5) * np.ones(shape)),
                    "losers": (dims, np.full(shape, 0.4)),
                    "mean_change": (
                        dims,
                        np.linspace(-0.1, 0.3, 10).reshape(1, 2, 5) * np.ones(shape),
                    ),
                },
                coords={"scenario": [scenario.name for scenario in scenarios]},
            )
        )
        return posterior

    def write_report(
        self, posterior: Any, folder: Path, *, interval: str, level: float, allow_failed: bool
    ) -> Path:
        self.called(f"report {interval} {level} {allow_failed}")
        (folder / "report.json").write_text("{}")
        (folder / "report.html").write_text("a report")
        return folder / "report.html"


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> StandIns:
    """Replace fit, check, counterfactual and report; leave everything between them as it is."""
    state = StandIns()
    for module, name in (
        ("fit", "fit"),
        ("checks", "check"),
        ("counterfactual", "counterfactual"),
        ("report", "write_report"),
    ):
        stand_in = ModuleType(module)
        setattr(stand_in, name, getattr(state, name))
        monkeypatch.setitem(sys.modules, f"taskroy.posteriors.{module}", stand_in)
    monkeypatch.setattr("taskroy.numerics.configure_jax", lambda **_: None)
    return state


@pytest.fixture
def taskroy() -> Any:
    """Run the command line in this process."""

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let default outputs go where nobody minds."""
    monkeypatch.chdir(tmp_path)
