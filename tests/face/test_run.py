from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from taskroy.errors import GateError, StoreError, StudyError
from taskroy.fit_folder import fit_into
from taskroy.posteriors.checkpoint import describe_fit, open_checkpoint
from taskroy.posteriors.store import open_posterior, save_posterior
from taskroy.progress import Silent
from taskroy.run import Run, run
from taskroy.stages import load_data
from taskroy.study import Study

STUDY = """
panel = {source = "simulated", workers = 20, seed = 1}
tasks = {level = "wagepan", tasks = "gwa-category"}
model = {amenities = "pooled"}
inference = {chains = 4}
[[scenario]]
name = "first"
"""
SECOND = '[[scenario]]\nname = "second"\n'
REPORTED = "report eti 0.9 False"


def ran(folder: Path, *more: str, overwrite: bool = False, allow_failed: bool = False) -> Run:
    text = STUDY + "".join(more)
    study = Study.from_toml(text, where="s.toml")
    return run(
        study, text, folder, overwrite=overwrite, allow_failed=allow_failed, progress=Silent()
    )


def test_a_run_does_every_stage_in_order(stand_ins: Any, tmp_path: Path) -> None:
    done = ran(tmp_path / "a/b")
    assert stand_ins.calls == ["fit", "check", "counterfactual", "check", REPORTED]
    folder = tmp_path / "a/b"
    assert (folder / "study.toml").read_text() == STUDY
    assert json.loads((folder / "gate.json").read_text())["verdict"] == "PASS"
    assert done.report.read_text() == "a report"
    stored = open_posterior(done.posterior)
    assert set(stored.children) == {"posterior", "counterfactual"}
    assert Study.from_json(stored.attrs["study"], where="store") == Study.from_toml(
        STUDY, where="s.toml"
    )
    assert done.headlines[0].scenario == "first"
    assert not done.reused


def test_a_second_run_uses_the_posterior_again(stand_ins: Any, tmp_path: Path) -> None:
    ran(tmp_path / "out")
    stand_ins.calls.clear()
    done = ran(tmp_path / "out", SECOND)
    assert done.reused
    assert stand_ins.calls == ["check", "counterfactual", "check", REPORTED]
    stored = open_posterior(done.posterior)
    assert stored["counterfactual"].to_dataset()["scenario"].values[1] == "second"
    assert len(Study.from_json(stored.attrs["study"], where="store").scenario) == 2


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("chains = 4", "chains = 5", r"not the same: \[inference\]\."),
        ("pooled", "none", r"not the same: \[model\]\."),
        ("gwa-category", "gwa-group", r"not the same: the tasks\."),
        ("seed = 1", "seed = 2", r"not the same: the panel\."),
    ],
)
def test_a_posterior_of_another_study_is_not_used(
    stand_ins: Any, tmp_path: Path, old: str, new: str, match: str
) -> None:
    ran(tmp_path / "out")
    stand_ins.calls.clear()
    text = STUDY.replace(old, new)
    study = Study.from_toml(text, where="s.toml")
    with pytest.raises(StudyError, match=match):
        run(study, text, tmp_path / "out", progress=Silent())
    assert stand_ins.calls == []
    assert (tmp_path / "out/study.toml").read_text() == STUDY  # nothing was touched
    assert (tmp_path / "out/report.html").exists()
    run(study, text, tmp_path / "out", overwrite=True, progress=Silent())
    assert stand_ins.calls == ["fit", "check", "counterfactual", "check", REPORTED]
    assert open_posterior(tmp_path / "out/posterior.zarr").attrs["study"] == study.to_json()


@pytest.mark.parametrize("stage", ["fit", "check", "counterfactual", REPORTED])
def test_a_run_that_is_stopped_goes_on(stand_ins: Any, tmp_path: Path, stage: str) -> None:
    stand_ins.broken = stage
    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path / "out")
    assert not (tmp_path / "out/report.html").exists()
    stand_ins.broken = ""
    done = ran(tmp_path / "out")
    assert done.reused == (stage != "fit")
    assert done.report.exists()


def leave_checkpoint(folder: Path, text: str) -> Path:
    """Put there what a fit that was killed leaves."""
    study = Study.from_toml(text, where="s.toml")
    fit = describe_fit(*load_data(study), study.model, study.inference)
    with open_checkpoint(folder / "checkpoint", fit) as checkpoint:
        checkpoint.save("state", {})
    (folder / ".run.lock").touch()
    return folder / "checkpoint"


def test_a_fit_that_was_stopped_goes_on(
    stand_ins: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = leave_checkpoint(tmp_path / "out", STUDY)
    with caplog.at_level(logging.INFO, "taskroy"):
        assert not ran(tmp_path / "out", SECOND).reused  # other scenarios, one fit
    assert f"goes on from what an earlier one kept in {checkpoint}" in caplog.text
    assert not checkpoint.exists()


def test_a_stopped_fit_that_was_to_replace_a_posterior_goes_on(
    stand_ins: Any, tmp_path: Path
) -> None:
    ran(tmp_path / "out")
    other = STUDY.replace("chains = 4", "chains = 5")
    checkpoint = leave_checkpoint(tmp_path / "out", other)
    assert ran(tmp_path / "out").reused  # the posterior is of this study, the checkpoint is not
    study = Study.from_toml(other, where="s.toml")
    place, reused = fit_into(study, other, tmp_path / "out", resume=True, progress=Silent())
    assert not reused
    assert open_posterior(place).attrs["study"] == study.to_json()
    assert not checkpoint.exists()


def test_overwriting_begins_anew(stand_ins: Any, tmp_path: Path) -> None:
    checkpoint = leave_checkpoint(tmp_path / "out", STUDY)
    stand_ins.broken = "fit"
    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path / "out", overwrite=True)
    assert not checkpoint.exists()


def test_nothing_to_go_on_from_is_told(
    stand_ins: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    study = Study.from_toml(STUDY, where="s.toml")
    with caplog.at_level(logging.INFO, "taskroy"):
        fit_into(study, STUDY, tmp_path / "out", resume=True, progress=Silent())
    assert "Nothing was kept" in caplog.text


def test_a_stopped_second_run_leaves_no_report_of_the_first(stand_ins: Any, tmp_path: Path) -> None:
    ran(tmp_path / "out")
    stand_ins.broken = "counterfactual"
    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path / "out", SECOND)
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.name[0] != ".") == [
        "gate.json",
        "posterior.zarr",
        "study.toml",
    ]


def test_a_study_may_be_changed_after_a_run_that_never_fitted(
    stand_ins: Any, tmp_path: Path
) -> None:
    stand_ins.broken = "fit"
    with pytest.raises(KeyboardInterrupt):
        ran(tmp_path / "out")
    stand_ins.broken = ""
    ran(tmp_path / "out", SECOND)
    assert "second" in (tmp_path / "out/study.toml").read_text()


def test_a_failed_gate_refuses_the_report(stand_ins: Any, tmp_path: Path) -> None:
    stand_ins.verdict = "FAIL"
    with pytest.raises(
        GateError, match=r"(?s)did not pass.*- R-hat: 1.00. .*More warm-up"
    ) as refused:
        ran(tmp_path / "out")
    assert [fault.where for fault in refused.value.faults] == ["R-hat"]
    assert stand_ins.calls == ["fit", "check"]
    assert json.loads((tmp_path / "out/gate.json").read_text())["verdict"] == "FAIL"
    done = ran(tmp_path / "out", allow_failed=True)
    assert stand_ins.calls[-1] == "report eti 0.9 True"
    assert done.gate.verdict == "FAIL"


@pytest.mark.parametrize("earlier", [False, True])
def test_the_gate_that_is_told_is_that_of_the_headlines(
    stand_ins: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    if earlier:  # what an earlier scenario's headlines say is of no account
        ran(tmp_path / "out")
    check, asked = stand_ins.check, []

    def of_headlines(posterior: Any) -> Any:
        asked.append("counterfactual" in posterior.children)
        stand_ins.verdict = "FAIL" if asked[-1] else "PASS"
        return check(posterior)

    monkeypatch.setattr(sys.modules["taskroy.posteriors.checks"], "check", of_headlines)
    with pytest.raises(GateError):
        ran(tmp_path / "out", SECOND)
    assert asked == [False, True]
    assert json.loads((tmp_path / "out/gate.json").read_text())["verdict"] == "FAIL"
    assert ran(tmp_path / "out", SECOND, allow_failed=True).gate.verdict == "FAIL"
    assert stand_ins.calls[-1] == "report eti 0.9 True"


def test_a_review_is_told_and_goes_on(
    stand_ins: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stand_ins.verdict = "REVIEW"
    assert ran(tmp_path / "out").report.exists()
    assert caplog.text.count("second look") == 1
    assert "second look: R-hat is 1.00 (at most 1.01). More warm-up." in caplog.text


def test_what_is_said_of_the_model_is_told_in_one_line(
    stand_ins: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stand_ins.verdict, stand_ins.of = "REVIEW", "model"
    assert ran(tmp_path / "out").report.exists()
    assert "second look" not in caplog.text
    assert "Of the model, the gate asks to look at: R-hat. The report" in caplog.text


def test_other_peoples_folders_are_left_alone(stand_ins: Any, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("mine")
    with pytest.raises(StudyError, match=r"holds other things \('study\.toml'\)"):
        ran(tmp_path)
    with pytest.raises(StudyError, match="file stands where"):
        ran(tmp_path / "study.toml")
    with pytest.raises(StudyError, match="file stands where"):
        ran(tmp_path / "study.toml/out")
    assert (tmp_path / "study.toml").read_text() == "mine"
    assert stand_ins.calls == []
    assert ran(tmp_path, overwrite=True).report.exists()


def test_one_run_at_a_time(stand_ins: Any, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".run.lock"), pytest.raises(StudyError, match="Another run is using"):
        ran(tmp_path)


def test_a_damaged_posterior_is_not_used(stand_ins: Any, tmp_path: Path) -> None:
    place = ran(tmp_path / "out").posterior
    victim = max((path for path in place.rglob("*") if path.is_file()), key=lambda p: p.name)
    victim.write_bytes(b"")
    with pytest.raises(StoreError):
        ran(tmp_path / "out")
    assert not ran(tmp_path / "out", overwrite=True).reused


def test_a_posterior_without_a_study_is_not_used(stand_ins: Any, tmp_path: Path) -> None:
    place = ran(tmp_path / "out").posterior
    tree = open_posterior(place)
    del tree.attrs["study"]
    save_posterior(tree, place, overwrite=True)
    with pytest.raises(StudyError, match="does not say which study"):
        ran(tmp_path / "out")


def test_fitting_alone_stops_at_the_posterior(stand_ins: Any, tmp_path: Path) -> None:
    first = fit_into(
        Study.from_toml(STUDY, where="s.toml"), STUDY, tmp_path / "out", progress=Silent()
    )
    again = fit_into(
        Study.from_toml(STUDY, where="s.toml"), STUDY, tmp_path / "out", progress=Silent()
    )
    assert stand_ins.calls == ["fit"]
    assert (first[1], again[1]) == (False, True)
    assert set(open_posterior(first[0]).children) == {"posterior"}
