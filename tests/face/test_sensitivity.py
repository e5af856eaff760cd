"""A grid of alternatives goes on where it was stopped, and tells failures apart from results."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import chdir
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from taskroy.data.task_weights import task_weights
from taskroy.errors import FitError, GateError, ModelError, StudyError
from taskroy.posteriors.checkpoint import open_checkpoint
from taskroy.posteriors.grid import Grid, Outcome
from taskroy.progress import Silent
from taskroy.run_folder import claimed
from taskroy.sensitivity import sensitivity
from taskroy.study import Study

STUDY = """
panel = {source = "simulated", workers = 20, seed = 1}
tasks = {level = "wagepan", tasks = "gwa-category"}
inference = {chains = 4}
sensitivity = {vary = ["prices", "amenities", "shock", "sample"]}
[[scenario]]
name = "first"
"""


def ran(folder: Path, *, text: str = STUDY, **how: Any) -> Grid:
    return sensitivity(
        Study.from_toml(text, where="s.toml"), text, folder, progress=Silent(), **how
    )[0]


class Cluster:
    """A client of a cluster, which does what it is sent when it is asked for, elsewhere."""

    def __init__(self, elsewhere: Path) -> None:
        self.elsewhere, self.sent, self.taken_back = elsewhere, 0, 0
        self.broken, self.blind = "", False
        elsewhere.mkdir()

    def run(self, function: Callable[[], bool]) -> dict[str, bool]:
        return {"one": function(), "two": function() and not self.blind}

    def submit(self, function: Any, *arguments: Any, pure: bool) -> Any:
        self.sent += 1
        return SimpleNamespace(result=partial(self.do, pickle.dumps((function, arguments))))

    def do(self, sent: bytes) -> Any:
        function, arguments = pickle.loads(sent)
        if self.broken in str(arguments[0].value):
            raise CancelledError("a worker died")
        with chdir(self.elsewhere):
            return function(*arguments)

    def cancel(self, futures: list[Any]) -> None:
        self.taken_back += len(futures)


def by_value(grid: Grid) -> dict[str, Outcome]:
    return {one.value: one for one in grid.alternatives}


def test_alternatives_are_run_and_kept(stand_ins: Any, tmp_path: Path) -> None:
    grid = ran(tmp_path / "out")
    assert [one.choice for one in grid.alternatives] == [
        "Occupation prices",
        "Occupation prices",
        "Amenities",
        "Wage shocks",
    ]  # every worker is seen in all years, so that the other sample is the study's own
    assert stand_ins.calls.count("fit") == 3
    assert stand_ins.calls.count("counterfactual") == 5
    for one in grid.alternatives:
        folder = tmp_path / "out" / one.folder
        assert json.loads((folder / "outcome.json").read_text())["outcome"]["verdict"] == "PASS"
        kept = Study.load(folder / "study.toml")
        assert (kept.inference.chains, kept.scenario[0].name) == (4, "first")
        assert (folder / "posterior.zarr").is_dir() == one.refitted
    assert json.loads((tmp_path / "out/sensitivity.json").read_text())["base"]["verdict"] == "PASS"
    stand_ins.calls.clear()
    again = ran(tmp_path / "out")
    assert again == grid
    assert "fit" not in stand_ins.calls
    assert stand_ins.calls.count("counterfactual") == 1  # of the study itself


def test_a_quick_grid_fits_nothing_anew(stand_ins: Any, tmp_path: Path) -> None:
    grid = ran(tmp_path / "out", quick=True)
    assert stand_ins.calls.count("fit") == 1
    assert not any(one.refitted for one in grid.alternatives)


@pytest.mark.parametrize(("stage", "at"), [("fit", 2), ("fit", 3), ("counterfactual", 5)])
def test_a_grid_that_is_stopped_goes_on_without_fitting_again(
    stand_ins: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, at: int
) -> None:
    called = stand_ins.called

    def stopped(name: str) -> None:
        called(name)
        if name == stage and stand_ins.calls.count(stage) == at:
            raise KeyboardInterrupt

    monkeypatch.setattr(stand_ins, "called", stopped)
    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path / "out")
    monkeypatch.setattr(stand_ins, "called", called)
    fitted = stand_ins.calls.count("fit") - (stage == "fit")
    stand_ins.calls.clear()
    assert len(ran(tmp_path / "out").alternatives) == 4
    assert stand_ins.calls.count("fit") == 3 - fitted


def test_an_alternative_that_fails_is_one_row(
    stand_ins: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = stand_ins.called

    def failing(name: str) -> None:
        called(name)
        if name == "counterfactual" and stand_ins.calls.count(name) == 2:
            raise ModelError("Occupation prices do not converge.")
        if name == "fit" and stand_ins.calls.count(name) == 2:
            raise FitError("Some draws are not finite.")

    monkeypatch.setattr(stand_ins, "called", failing)
    found = by_value(ran(tmp_path / "out"))
    assert "do not converge" in found["elasticity of substitution 2"].failure
    assert "not finite" in found["none"].failure
    assert [one.value for one in found.values() if one.trusted] == [
        "elasticity of substitution 1",
        "one for each worker",
    ]
    monkeypatch.setattr(stand_ins, "called", called)
    stand_ins.calls.clear()
    assert all(one.trusted for one in by_value(ran(tmp_path / "out")).values())
    assert stand_ins.calls.count("fit") == 1  # the one that had failed


def test_a_cluster_fits_alternatives_from_wherever_it_is(stand_ins: Any, tmp_path: Path) -> None:
    text = STUDY.replace('level = "wagepan"', 'level = "wagepan", exposure = "exposure.csv"')
    Path("exposure.csv").write_text(own_exposure())
    cluster = Cluster(tmp_path / "elsewhere")
    cluster.broken = "one for each worker"
    there = by_value(ran(Path("out"), text=text, client=cluster))
    assert (
        "The cluster lost the fit: CancelledError: a worker died"
        in there.pop("one for each worker").failure
    )
    assert len(there) == 3
    assert all(one.trusted for one in there.values())
    assert (cluster.sent, cluster.taken_back) == (3, 3)  # of the sample nobody could tell before
    cluster.broken = "nothing"
    grid = ran(Path("out"), text=text, client=cluster)
    assert cluster.sent == 3 + 2
    assert all(one.trusted for one in grid.alternatives)
    assert not any(name.startswith(".") for name in os.listdir("out/alternatives"))
    stand_ins.calls.clear()
    assert ran(Path("out"), text=text) == grid  # what the cluster did is found here
    assert "fit" not in stand_ins.calls


def test_a_fit_that_runs_elsewhere_keeps_its_checkpoint(stand_ins: Any, tmp_path: Path) -> None:
    """Of other devices it would be deleted, were nobody using it."""
    place = tmp_path / "out" / by_value(ran(tmp_path / "out"))["none"].folder
    (place / "outcome.json").unlink()
    with open_checkpoint(place / "checkpoint", {"devices": "others"}) as kept:
        kept.save("state", {})
    with claimed(place, overwrite=False):
        again = by_value(ran(tmp_path / "out"))["none"]
    assert "Another run is using this folder" in again.failure
    assert (place / "checkpoint/state.npz").exists()
    assert by_value(ran(tmp_path / "out"))["none"].trusted
    assert not (place / "checkpoint").exists()


def test_workers_that_do_not_see_the_folder_are_refused(stand_ins: Any, tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "elsewhere")
    cluster.blind = True
    with pytest.raises(StudyError, match=r"worker two does not see .*\n?.*a disk that all"):
        ran(tmp_path / "out", client=cluster)
    assert (cluster.sent, stand_ins.calls) == (0, [])
    assert len(ran(tmp_path / "out", client=cluster, quick=True).alternatives) == 2


def own_exposure() -> str:
    tasks = task_weights("wagepan", "gwa-category").tasks
    return "task,human_beta\n" + "".join(f'"{task}",0.5\n' for task in tasks)


def test_a_failed_gate_of_the_study_ends_it_before_any_alternative(
    stand_ins: Any, tmp_path: Path
) -> None:
    stand_ins.verdict = "FAIL"
    with pytest.raises(GateError):
        ran(tmp_path / "out")
    assert stand_ins.calls == ["fit", "check"]
    grid = ran(tmp_path / "out", allow_failed=True)
    assert not any(one.trusted for one in grid.alternatives)


def test_the_command_tells_which_choice_matters_most(
    stand_ins: Any, taskroy: Any, tmp_path: Path
) -> None:
    Path("s.toml").write_text(STUDY)
    done = taskroy("sensitivity", "s.toml", "--output", tmp_path / "out", "--quick")
    assert done.exit_code == 0, done.output
    assert "what matters most is: Occupation prices" in done.stdout
    found = json.loads(
        taskroy("sensitivity", "s.toml", "--output", tmp_path / "out", "--json", "--quick").stdout
    )
    assert len(found["table"]["rows"]) == 3
    assert found["table"]["rows"][0]["value"] == "the study itself"
