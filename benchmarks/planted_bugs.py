"""Plant bugs in the program, one at a time, and see which check catches each.

    python benchmarks/planted_bugs.py                       # all; goes on where it stopped
    python benchmarks/planted_bugs.py --only "amenity sign" --replications 200

A bug is a change of the source text, in a copy of it. Checks of each: the vault of stored
densities; what NumPy computes at the truth, and the prior of a simulator in NumPy (the tests of
those names); the tests of densities, of the model's sites and of a world; and calibration, by the
tests of mean and variance, chi-square and ECDF. The other tests, which may catch a bug too, are not
run. Writes planted_bugs.json and .md after each bug.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bugs import BUGS, ROY, SKILLS, Bug

ROOT = Path(__file__).resolve().parents[1]
TESTS = {
    "vault": "test_vault.py",
    "NumPy at the truth": "test_the_program_computes",
    "NumPy prior": "test_both_programs_draw_from_one_prior[pooled]",
    "densities, sites, world": (
        "test_density.py",
        "test_roy.py",
        "test_skill_covariance.py",
        "test_world.py",
    ),
}
FILES = ("tests/models/test_vault.py", "tests/posteriors/test_calibration_simulator.py")
MODEL_TESTS = (
    "tests/inference/test_density.py",
    "tests/models/test_roy.py",
    "tests/models/test_skill_covariance.py",
    "tests/models/test_world.py",
)
# What is calibrated: the variant that compiles fastest, unless the bug is not in it.
VARIANTS = {
    "known": {"shock": "worker", "intercept": "known", "amenities": "none"},
    "pooled": {"shock": "worker"},
}
CALIBRATED = ("mean and variance", "chi-square", "ECDF")
WORKERS, SEED = 20, 7
# A bug may leave trees that never end; and how well a faulty posterior is sampled does not matter.
EFFORT = {"warmup": 150, "draws": 240, "max_tree_depth": 6}
LONGEST = 600


def main() -> None:
    """Plant every bug that has not been planted, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", help="a bug, by its name")
    parser.add_argument("--replications", type=int, default=40)
    parser.add_argument(
        "--thorough", action="store_true", help="calibrate also what the tests have caught"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks")
    parser.add_argument("--check", metavar="BUG", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.check:
        bug = next(bug for bug in BUGS if bug.name == given.check)
        lazy = not given.thorough
        tests = failed_tests("test_value_and_gradient or computes")
        run = ["vault", "NumPy at the truth"]
        if bug.file in (ROY, SKILLS) and not (tests and lazy):
            tests += failed_tests("one_prior and pooled")
            run.append("NumPy prior")
        if not (tests and lazy):
            tests += failed_tests("test", MODEL_TESTS)
            run.append("densities, sites, world")
        print(json.dumps({"tests": tests, "run": run, "calibration": None}), flush=True)
        if tests and lazy:
            print(json.dumps({"tests": tests, "run": run, "calibration": "not run"}))
            return
        calibration = calibrated(bug.route, bug.variant, given.replications)
        print(json.dumps({"tests": tests, "run": run, "calibration": calibration}))
        return
    results = given.output / "planted_bugs.json"
    found = json.loads(results.read_text()) if results.exists() else {}
    for bug in BUGS:
        if bug.name in found or (given.only and bug.name not in given.only):
            continue
        began = time.monotonic()
        checks = planted(bug, given.replications, thorough=given.thorough)
        found[bug.name] = {**bug._asdict(), "replications": given.replications, "checks": checks}
        print(f"{bug.name}: {checks} ({time.monotonic() - began:.0f} s)", flush=True)
        results.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        (given.output / "planted_bugs.md").write_text(table(found))


def planted(bug: Bug, replications: int, *, thorough: bool) -> dict[str, Any]:
    """Run the checks on a copy of the program that has the bug, calibration last.

    Returns, of each test, whether it failed; of calibration, the quantities that each of its tests
    failed, or why it did not end.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "src", "taskroy")
        shutil.copytree(ROOT / "src" / "taskroy", place)
        file = place / bug.file
        text = file.read_text(encoding="utf-8")
        if text.count(bug.old) != 1:
            raise SystemExit(f"{bug.name}: {bug.file} holds {text.count(bug.old)} of '{bug.old}'")
        file.write_text(text.replace(bug.old, bug.new), encoding="utf-8")
        environment = os.environ | {"PYTHONPATH": str(place.parent)}
        more = ["--check", bug.name, "--replications", str(replications)]
        more += ["--thorough"] * thorough
        try:
            done = subprocess.run(
                [sys.executable, __file__, *more],
                env=environment,
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST,
            )
            said, error = done.stdout, done.stderr.strip().splitlines()[-1:]
        except subprocess.TimeoutExpired as ended:
            said, error = (ended.stdout or b"").decode(), [f"not done in {LONGEST} s"]
    told = [line for line in said.splitlines() if line.startswith('{"tests"')]
    if not told:
        raise SystemExit(f"{bug.name}: {said}{error}")
    checks = json.loads(told[-1])
    failed = checks["tests"]
    found = {check: any(_is_of(check, name) for name in failed) for check in checks["run"]}
    return {**found, "calibration": checks["calibration"] or {"error": error[0]}}


def _is_of(check: str, test: str) -> bool:
    """Tell whether a test is one of a check's."""
    marks = TESTS[check]
    return any(mark in test for mark in ((marks,) if isinstance(marks, str) else marks))


def failed_tests(chosen: str, files: tuple[str, ...] = FILES) -> list[str]:
    """Run some of the cheap tests in this process; return those that fail."""
    import pytest

    failed: list[str] = []

    class Watch:
        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed:
                failed.append(report.nodeid)

    options = ["-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-k", chosen]
    pytest.main([*options, *files], plugins=[Watch()])
    return failed


def calibrated(route: str, variant: str, replications: int) -> dict[str, list[str]]:
    """Calibrate the program that is imported; return the quantities that fail, by test."""
    from taskroy.models.settings import ModelSettings
    from taskroy.posteriors.calibration import assess
    from taskroy.posteriors.calibration_run import PRIORS, Calibrator, Plan, quantity_names
    from taskroy.progress import Silent

    model = ModelSettings.model_validate({"priors": PRIORS, **VARIANTS[variant]})
    plan = Plan(seed=SEED, model=model, workers=WORKERS)
    inference = plan.inference.model_copy(update={"method": route, **EFFORT})
    plan = plan.model_copy(update={"inference": inference})
    found = Calibrator(plan).replicate(range(replications), Silent())
    assessed = assess(found.rank, plan.draws, quantity_names(plan), seed=SEED)
    failed: dict[str, list[str]] = {name: [] for name in CALIBRATED}
    for row in assessed.rows:
        for test in row.failed(assessed.level):
            failed[test].append(row.quantity)
    return failed


def table(found: dict[str, Any]) -> str:
    """Return the table in Markdown."""
    columns = ("bug", "file", "route", "variant", *TESTS, *CALIBRATED, "quantities")
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    caught = 0
    replications = ", ".join(sorted({str(known["replications"]) for known in found.values()}))
    left = [bug.name for bug in BUGS if bug.name not in found]
    bugs = {name: known for name, known in found.items() if not name.startswith("none")}
    for name, known in found.items():
        checks = known["checks"]
        marks = [_mark(checks.get(check)) for check in TESTS]
        sbc = checks["calibration"]
        if sbc == "not run":
            marks += ["not run"] * 3
            told = ""
        elif "error" in sbc:
            marks += ["stopped"] * 3
            told = sbc["error"].replace("|", "/")
        else:
            marks += [f"**{len(sbc[test])}**" if sbc[test] else "–" for test in CALIBRATED]
            failed = list(dict.fromkeys(q for test in CALIBRATED for q in sbc[test]))
            told = ", ".join(failed[:4]) + (f" and {len(failed) - 4} more" if failed[4:] else "")
        caught += name in bugs and any(mark not in ("–", "not run") for mark in marks)
        cells = (name, f"`{known['file']}`", known["route"], known["variant"], *marks, told)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(
        [
            "# Planted bugs",
            "",
            "Written by `python benchmarks/planted_bugs.py`, which has each change of the source.",
            "",
            f"{caught} of {len(bugs)} bugs are caught by one of these checks. *caught*: the check "
            "failed; *–*: it did not; *not run*: another had, or, of the prior, the bug is not in "
            "the model's file. Under the "
            f"tests of calibration stands how many quantities failed, over {replications} data "
            f"sets of {WORKERS} workers and four years. Shocks are by worker, intercepts known "
            "and amenities none, or both pooled: bugs in the choice integral of shocks by "
            "occupation cannot show there. The family-wise false-alarm rate of a calibration is "
            "0.001.",
            "",
            *lines,
            "",
            *([f"Not planted yet: {', '.join(left)}.", ""] if left else []),
        ]
    )


def _mark(caught: bool | None) -> str:
    return "not run" if caught is None else "**caught**" if caught else "–"


if __name__ == "__main__":
    main()
