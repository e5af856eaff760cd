"""`taskroy calibrate`: chunks, resuming and refusals, with fits that cost nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taskroy.posteriors.calibration_run import Plan, Replications, quantity_names
from taskroy.posteriors.figure_style import Drawing, new_figure


class StandIn:
    """Ranks drawn at random; may stop at a chunk, or be biased."""

    done: list[int] = []
    stops_at: int | None = None
    lowest = 0

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def chunk(self, number: int, progress: Any) -> Replications:
        if number == StandIn.stops_at:
            raise KeyboardInterrupt
        StandIn.done.append(number)
        rng = np.random.default_rng([self.plan.seed, number])
        shape = (self.plan.chunk, len(quantity_names(self.plan)))
        rank = rng.integers(StandIn.lowest, self.plan.draws + 1, shape)
        each = np.zeros(self.plan.chunk)
        return Replications(rng.normal(size=shape), rank, np.full(shape, 90.0), each, each, each)


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX is running in this process already."""
    monkeypatch.setattr("taskroy.numerics.configure_jax", lambda **_: None)
    monkeypatch.setattr("taskroy.posteriors.calibration_run.Calibrator", StandIn)
    StandIn.done, StandIn.stops_at, StandIn.lowest = [], None, 0


@pytest.fixture
def no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes seconds."""
    empty = Drawing("calibration", "", "", lambda: new_figure(1.0))
    place = "taskroy.posteriors.figure_calibration.calibration_drawing"
    monkeypatch.setattr(place, lambda *_: empty)


def found() -> dict[str, Any]:
    return json.loads(Path("out/calibration.json").read_text())


def test_everything_that_it_depends_on_is_written(taskroy: Any) -> None:
    told = taskroy("calibrate", "--replications", "50", "--seed", "5", "--output", "out", "--json")
    assert told.exit_code == 0, told.stderr
    assert StandIn.done == [0, 1, 2], "50 data sets are three chunks of 20"
    stored = found()
    assert json.loads(told.stdout) == {"folder": "out", "warnings": [], **stored}
    assert stored["plan"]["seed"] == 5
    assert stored["plan"]["model"]["priors"]["taste_scale"] == {"median": 0.25, "log_sd": 0.3}
    assert stored["calibration"]["replications"] == 60
    assert stored["calibration"]["verdict"] == "PASS"
    assert stored["versions"].keys() >= {"jax", "numpyro"}
    table = Path("out/calibration.md").read_text()
    lines = [line for line in table.splitlines() if line.endswith("| PASS |")]
    assert len(lines) == len(stored["calibration"]["rows"]) == 36
    assert lines[0].startswith("| wage_shock_scale | ")
    for part in (str(stored["commit"]), "seed 5", "60 data sets", "taste_scale median 0.25"):
        assert part in table
    assert Path("out/calibration.svg").read_text().rstrip().endswith("</svg>")


@pytest.mark.usefixtures("no_figure")
def test_of_a_route_without_chains_none_are_told(taskroy: Any) -> None:
    arguments = ("calibrate", "--replications", "20", "--output")
    assert taskroy(*arguments, "out", "--route", "svi").exit_code == 0
    assert "steps_a_draw" not in found()["fits"]
    effort = next(x for x in Path("out/calibration.md").read_text().splitlines() if "Effort" in x)
    for word in ("chain", "diverged", "steps a draw", "250"):
        assert word not in effort
    assert "1,500 steps of the optimiser" in effort
    assert "100 independent draws of the Gaussian alone" in effort
    assert "not resampled by importance" in effort
    assert taskroy(*arguments, "nuts").exit_code == 0
    table = Path("nuts/calibration.md").read_text()
    assert "1 chain, 250 + 400 draws, thinned by 4; 0 steps a draw, 0% of draws diverged" in table


@pytest.mark.usefixtures("no_figure")
def test_it_goes_on_where_it_stopped(taskroy: Any) -> None:
    arguments = ("calibrate", "--replications", "60", "--output", "out")
    StandIn.stops_at = 1
    assert taskroy(*arguments).exit_code == 130
    assert not Path("out/calibration.json").exists()
    StandIn.stops_at = None
    assert taskroy(*arguments).exit_code == 0
    assert StandIn.done == [0, 1, 2], "the first was not run again"
    resumed = found()["calibration"]
    assert taskroy(*arguments[:-1], "other").exit_code == 0
    whole = json.loads(Path("other/calibration.json").read_text())["calibration"]
    assert resumed == whole
    StandIn.done = []
    assert taskroy(*arguments[:2], "100", *arguments[3:]).exit_code == 0
    assert StandIn.done == [3, 4], "more data sets are added to those that stand there"


@pytest.mark.usefixtures("no_figure")
def test_a_folder_of_another_calibration_is_refused(taskroy: Any) -> None:
    arguments = ("calibrate", "--replications", "20", "--output", "out")
    assert taskroy(*arguments).exit_code == 0
    told = taskroy(*arguments, "--seed", "2", "--route", "svi")
    assert told.exit_code == 2
    assert "another kind: plan.inference.method, plan.seed differ" in told.stderr
    assert "choose another folder" in told.stderr
    plan = json.loads(Path("out/plan.json").read_text())
    Path("out/plan.json").write_text(json.dumps(plan | {"commit": "another"}))
    told = taskroy(*arguments)
    assert told.exit_code == 2
    assert "commit differ" in told.stderr
    assert StandIn.done == [0]


@pytest.mark.usefixtures("no_figure")
def test_a_calibration_that_fails_says_so(taskroy: Any) -> None:
    StandIn.lowest = 60
    told = taskroy("calibrate", "--replications", "20", "--output", "out")
    assert told.exit_code == 7
    assert "FAIL: of 36 quantities over 20 data sets, wage_shock_scale, " in told.stdout


@pytest.mark.usefixtures("no_figure")
def test_the_variant_of_a_study_is_calibrated(taskroy: Any) -> None:
    Path("study.toml").write_text('[model]\nshock = "worker"\namenities = "none"\n')
    told = taskroy("calibrate", "study.toml", "--replications", "20", "--output", "out")
    assert told.exit_code == 0, told.stderr
    model = found()["plan"]["model"]
    assert (model["shock"], model["amenities"]) == ("worker", "none")
    assert model["priors"]["taste_scale"]["median"] == 0.25
    assert not any(row["quantity"] == "amenity[0]" for row in found()["calibration"]["rows"])


def test_an_unknown_route_is_told_the_routes(taskroy: Any) -> None:
    told = taskroy("calibrate", "--route", "mcmc")
    assert told.exit_code == 2
    assert "nuts-marginal" in told.stderr
