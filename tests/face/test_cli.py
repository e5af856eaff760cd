from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from taskroy.data.validate import PanelWarning
from taskroy.errors import (
    DataError,
    FitError,
    GateError,
    ModelError,
    StoreError,
    StudyError,
    TaskroyError,
)
from taskroy.study import Study
from taskroy.study_file import default_text

COMMANDS = ["run", "init", "fit", "check", "counterfactual", "report", "verify", "bench"]
CSV_STUDY = "[panel]\nsource = 'csv'\npath = 'p.csv'\n[tasks]\ntasks = 'gwa-category'\n"


def test_help_lists_commands_and_exit_codes(taskroy: Any) -> None:
    told = taskroy("--help")
    assert told.exit_code == 0
    assert all(f"\n  {name} " in told.stdout for name in [*COMMANDS, "data"])
    for error in (
        *(TaskroyError, StudyError, DataError, ModelError),
        *(FitError, StoreError, GateError),
    ):
        assert f"\n    {error.exit_code}    " in told.stdout


@pytest.mark.parametrize("name", [[name] for name in COMMANDS] + [["data", "check"]])
def test_every_command_has_help_json_and_debug(taskroy: Any, name: list[str]) -> None:
    told = taskroy(*name, "--help")
    assert told.exit_code == 0
    assert "--json" in told.stdout
    assert "--debug" in told.stdout


@pytest.mark.parametrize("arguments", [["rum"], ["run", "--outptu", "x"], ["run", "a", "b"]])
def test_a_wrong_command_line_is_usage(taskroy: Any, arguments: list[str]) -> None:
    told = taskroy(*arguments)
    assert told.exit_code == 2
    assert "Usage" in told.stderr
    assert told.stdout == ""


def test_init_writes_the_default_study_once(taskroy: Any, tmp_path: Path) -> None:
    assert taskroy("init").exit_code == 0
    assert Study.load(tmp_path / "study.toml") == Study.default()
    (tmp_path / "study.toml").write_text("mine")
    told = taskroy("init", "study.toml")
    assert told.exit_code == 2
    assert "not overwritten" in told.stderr
    assert (tmp_path / "study.toml").read_text() == "mine"
    missing = taskroy("init", "no/such/folder.toml")
    assert missing.exit_code == 1
    assert "no/such/folder.toml: No such file or directory" in missing.stderr


def test_data_check_tells_who_is_in_the_data(taskroy: Any) -> None:
    told = taskroy("data", "check")
    assert told.exit_code == 0
    assert "545 workers, 4360 worker-years, 1980 to 1987" in told.stdout
    assert "Nothing was fitted" in told.stdout
    assert "Sample: 4,360 rows of 545 workers read." in told.stdout
    facts = json.loads(taskroy("data", "check", "--json").stdout)
    assert facts["panel"]["sample"] == [{"rule": "read", "rows": 4360, "workers": 545}]
    assert sum(row["observations"] for row in facts["occupations"]) == 4360
    assert sum(row["share"] for row in facts["occupations"]) == pytest.approx(1.0)
    assert facts["panel"]["workers"] == 545
    assert sum(facts["tasks"]["mean_weight"]) == pytest.approx(1.0)
    assert facts["warnings"] == []


def test_data_check_tells_which_workers_are_told_apart(taskroy: Any) -> None:
    Path("s.toml").write_text(
        "panel = {workers = 90, seed = 1, groups = ['black']}\n"
        "tasks = {level = 'wagepan', tasks = 'gwa-category'}\n"
    )
    groups = json.loads(taskroy("data", "check", "s.toml", "--json").stdout)["panel"]["groups"]
    assert list(groups) == ["black: 0", "black: 1"]
    assert sum(groups.values()) == 90
    said = " ".join(taskroy("data", "check", "s.toml").stdout.split())
    assert f"Told apart: black: 0 ({groups['black: 0']} workers), black: 1" in said


def panel(**columns: list[Any]) -> None:
    rows = {"worker": [1, 1, 2], "year": [2001, 2002, 2001], "occupation": ["11-10"] * 3}
    pd.DataFrame({**rows, "wage": [10.0, 11.0, 12.0], **columns}).to_csv("p.csv", index=False)
    Path("s.toml").write_text(CSV_STUDY)


def test_every_fault_of_a_bad_panel_is_told(taskroy: Any) -> None:
    panel(occupation=["11-10", "99-99", "13-10"], wage=[-1, "x", 12.0])
    told = taskroy("data", "check", "s.toml")
    assert told.exit_code == 3
    assert told.stdout == ""
    for part in ("p.csv", "99-99", "-1", "'x'"):
        assert part in told.stderr
    answer = json.loads(taskroy("data", "check", "s.toml", "--json").stdout)["error"]
    assert answer["exit_code"] == 3
    assert len(answer["faults"]) == 3
    assert {"what", "where", "expected", "remedy"} == set(answer["faults"][0])


def test_soc_codes_become_the_groups_of_the_task_table(taskroy: Any) -> None:
    panel(occupation=["11-1011.00", "13-1020", "11-10"])
    facts = json.loads(taskroy("data", "check", "s.toml", "--json").stdout)
    seen = {row["occupation"]: row for row in facts["occupations"] if row["observations"]}
    assert {code: row["observations"] for code, row in seen.items()} == {"11-10": 2, "13-10": 1}
    assert seen["13-10"]["sd_log_wage"] is None
    told = taskroy("data", "check", "s.toml").stdout
    assert "Nobody is seen in: " in told


@pytest.mark.filterwarnings(f"default::{PanelWarning.__module__}.PanelWarning")
def test_warnings_of_the_data_are_told(taskroy: Any) -> None:
    panel(occupation=["11-10", "13-10", "11-10"], wage=[1e5, 2e5, 1e5])
    told = taskroy("data", "check", "s.toml", "--json")
    assert told.exit_code == 0
    assert len(json.loads(told.stdout)["warnings"]) == 1
    assert "Warning: " in told.stderr


@pytest.mark.parametrize(
    ("text", "code", "match"),
    [
        ("[panel]\nsource = 'wagepan'", 2, 'level = "wagepan"'),
        ("[tasks]\nlevel = 'wagepan'\n[[scenario]]\ntasks = ['Flying']", 4, "Flying"),
        ("[tasks]\nlevel = 'wagepan'\n[[scenario]]\nabove = 0.99", 4, "automates nothing"),
        (
            "[tasks]\nlevel = 'wagepan'\n[[scenario]]\nabove = 0",
            4,
            "without labour",
        ),
        ("[panel]\nsource = 'csv'\n[tasks]\nlevel = 'major'", 3, "needs the path"),
        ("[panel]\nsource = 'csv'\npath = 'no.csv'", 3, "no.csv: The file does not exist"),
        ("[tasks]\nweights = 'no.csv'", 3, "no.csv: The file does not exist"),
        ("[panel", 2, "not TOML"),
        ("[pannel]", 2, "Did you mean 'panel'"),
    ],
)
def test_what_is_wrong_decides_the_exit_code(
    taskroy: Any, text: str, code: int, match: str
) -> None:
    Path("s.toml").write_text(text)
    told = taskroy("data", "check", "s.toml")
    assert match in told.stderr
    assert told.exit_code == code
    assert "Traceback" not in told.output


def test_a_missing_study_is_told(taskroy: Any) -> None:
    told = taskroy("run", "studdy.toml")
    assert told.exit_code == 2
    assert "studdy.toml: The file does not exist." in told.stderr


def test_text_from_files_cannot_steer_the_terminal(taskroy: Any) -> None:
    Path("s.toml").write_text('"[red]\\u001b[2J\\u202e" = 1\n')
    told = taskroy("data", "check", "s.toml")
    assert "[red]\\x1b[2J\\u202e" in told.stderr
    assert "\x1b" not in told.output


def test_run_tells_the_result_and_where_the_report_is(taskroy: Any, stand_ins: Any) -> None:
    told = taskroy("run")
    assert told.exit_code == 0, told.output
    assert "rises for 60% (90% band 51 to 69%) of the workers and falls for 40%" in told.stdout
    assert "changes by +0.100 on average" in told.stdout
    assert "Report: report/report.html" in told.stdout
    assert "Sampling: begins" in told.stderr
    again = taskroy("run", "--json")
    answer = json.loads(again.stdout)
    assert answer["reused"]
    assert answer["report"] == "report/report.html"
    assert answer["headlines"][0]["winners"]["mean"] == pytest.approx(0.6)


def test_a_named_study_runs_into_its_own_folder(taskroy: Any, stand_ins: Any) -> None:
    Path("first.toml").write_text(default_text())
    answer = json.loads(taskroy("run", "first.toml", "--json").stdout)
    assert answer["report"] == "runs/first/report.html"


def test_a_failed_gate_ends_with_its_own_code(taskroy: Any, stand_ins: Any) -> None:
    stand_ins.verdict = "FAIL"
    told = taskroy("run", "--json")
    assert told.exit_code == 7
    assert "More warm-up" in told.stderr
    assert json.loads(told.stdout)["error"]["faults"][0]["where"] == "R-hat"
    checked = taskroy("check", "report")
    assert checked.exit_code == 7
    assert "The gate says FAIL." in checked.stdout
    assert taskroy("run", "--allow-failed").exit_code == 0


def test_each_stage_alone(taskroy: Any, stand_ins: Any) -> None:
    assert taskroy("fit", "--output", "out").stdout == "Posterior: out/posterior.zarr\n"
    assert json.loads(taskroy("check", "out", "--json").stdout)["verdict"] == "PASS"
    Path("other.toml").write_text("[[scenario]]\nname = 'other'\n")
    told = taskroy("counterfactual", "out", "--study", "other.toml")
    assert "Scenario 'other'" in told.stdout
    assert taskroy("report", "out/posterior.zarr").stdout == "Report: out/report.html\n"
    assert taskroy("verify", "out").stdout == "Whole and unchanged: out/posterior.zarr\n"
    assert stand_ins.calls == ["fit", "check", "counterfactual", "report eti 0.9 False"]


def test_a_damaged_or_missing_posterior_is_told(taskroy: Any, stand_ins: Any) -> None:
    taskroy("fit", "--output", "out")
    Path("out/posterior.zarr/manifest.json").write_text("{}")
    for command in ("verify", "check", "counterfactual", "report"):
        assert taskroy(command, "out").exit_code == 6
        told = taskroy(command, "nowhere", "--json")
        assert told.exit_code == 6
        assert json.loads(told.stdout)["error"]["what"] == "there is no posterior here."


@pytest.mark.parametrize("name", ["run", "fit"])
def test_going_on_and_starting_anew_exclude_each_other(
    taskroy: Any, stand_ins: Any, name: str
) -> None:
    told = taskroy(name, "--resume", "--overwrite")
    assert told.exit_code == 2
    assert "they exclude each other" in told.stderr
    assert stand_ins.calls == []
    assert "Nothing was kept" in taskroy(name, "--resume").stderr


def test_an_interrupt_is_a_sentence(taskroy: Any, stand_ins: Any) -> None:
    stand_ins.broken = "fit"
    told = taskroy("run")
    assert told.exit_code == 130
    assert "Interrupted." in told.stderr


@pytest.mark.parametrize(
    ("error", "match"),
    [
        (PermissionError(13, "Permission denied", "/there"), "/there: Permission denied."),
        (OSError(28, "No space left on device"), "No space left on device."),
    ],
)
def test_what_the_machine_refuses_is_a_sentence(
    taskroy: Any, stand_ins: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, match: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("taskroy.run_folder.write_atomically", refuse)
    told = taskroy("run")
    assert told.exit_code == 1
    assert match in told.stderr
    assert "Traceback" not in told.output


def test_the_unexpected_is_a_sentence_with_a_file(
    taskroy: Any, stand_ins: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by [bold]zero")

    monkeypatch.setattr("taskroy.fit_folder.fit_study", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = taskroy("run")
    assert told.exit_code == 1
    assert "(ZeroDivisionError: by [bold]zero)" in told.stderr
    assert "Traceback" not in told.output
    (written,) = tmp_path.glob("taskroy-*.txt")
    assert str(written) in told.stderr
    assert "in fail" in written.read_text()
    assert "Traceback" in taskroy("run", "--debug").stderr
