"""Calibration of the program into a folder: chunk by chunk, so that a run that stopped goes on."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskroy.benchmarks.calibration_effort import chain_statistics
from taskroy.benchmarks.calibration_table import table
from taskroy.benchmarks.machine import machine, versions
from taskroy.errors import StudyError
from taskroy.posteriors.files import sole_holder, write_atomically
from taskroy.progress import Progress, Silent

if TYPE_CHECKING:
    from taskroy.models.settings import ModelSettings
    from taskroy.posteriors.calibration_run import Plan, Replications

PLAN, RESULT, TABLE, FIGURE = "plan.json", "calibration.json", "calibration.md", "calibration.svg"
_CHUNKS, _LOCK = "chunks", ".calibration.lock"
# Of the figure's bands, family-wise.
_BAND = 0.95


def plan_of(model: ModelSettings | None, route: str, seed: int) -> Plan:
    """Return what is calibrated: a variant of the model, by default that of a plan, by a route.

    Raises
    ------
    StudyError
        For a variant that the simulator does not know.
    """
    from taskroy.posteriors.calibration_run import Plan

    if model is not None and model.state_dependence != "none":
        raise StudyError(
            "The simulator of the calibration knows no returns to experience.",
            where="[model], state_dependence",
            expected=f"'none', not '{model.state_dependence}'",
            remedy="calibrate the model without state dependence",
        )
    plan = Plan(seed=seed)
    inference = plan.inference.model_copy(update={"method": route})
    return plan.model_copy(update={"inference": inference, "model": model or plan.model})


def calibrate_into(
    folder: Path, plan: Plan, replications: int, progress: Progress
) -> dict[str, Any]:
    """Run a calibration, or the rest of one, and write what it says.

    Parameters
    ----------
    folder
        Where ``calibration.json``, ``calibration.md``, ``calibration.svg``, ``plan.json`` and
        ``chunks`` go; made if it is not there. Chunks that stand there already are not run again.
    plan
        What is calibrated, and with which seed.
    replications
        Data sets, rounded up to whole chunks; chunks beyond them do not count.
    progress
        Told how far it is.

    Returns
    -------
    dict
        What ``calibration.json`` holds.

    Raises
    ------
    StudyError
        If the folder holds the chunks of another plan, commit or versions, or another process
        writes to it.
    """
    (folder / _CHUNKS).mkdir(parents=True, exist_ok=True)
    busy = StudyError("Another calibration is using this folder.", where=str(folder))
    with sole_holder(folder / _LOCK, busy=busy):
        origin = {"plan": plan.model_dump(), "commit": commit(), "versions": versions()}
        _claim(folder / PLAN, origin)
        names, parts = _chunks(folder / _CHUNKS, plan, ceil(replications / plan.chunk), progress)
        return _written(folder, plan, origin, names, parts)


def commit() -> str | None:
    """Return the commit of the program, with a plus where files differ from it; None without git.

    What is not under version control does not count.
    """
    here = Path(__file__).resolve().parent

    def git(*words: str) -> str:
        command = ["git", "-C", str(here), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/*.py")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _claim(file: Path, origin: Mapping[str, Any]) -> None:
    """Write down what the folder's chunks are of, or refuse a folder that holds others."""
    mine = json.loads(json.dumps(origin))
    if not file.exists():
        write_atomically(file, _text(mine))
        return
    theirs = json.loads(file.read_text(encoding="utf-8"))
    if different := sorted(_differences(mine, theirs)):
        raise StudyError(
            f"The folder holds a calibration of another kind: {', '.join(different)} differ.",
            where=str(file.parent),
            expected="the settings, the commit and the versions that it was begun with",
            remedy="choose another folder with --output",
        )


def _differences(mine: Any, theirs: Any, place: str = "") -> list[str]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return [
            found
            for key in mine.keys() | theirs.keys()
            for found in _differences(mine.get(key), theirs.get(key), f"{place}.{key}".strip("."))
        ]
    return [] if mine == theirs else [place]


def _chunks(
    folder: Path, plan: Plan, number: int, progress: Progress
) -> tuple[tuple[str, ...], list[Replications]]:
    """Return names of quantities and all chunks, those that are missing run and stored first."""
    from taskroy.posteriors.calibration_run import Calibrator, quantity_names

    files = [folder / f"{i:05d}.npz" for i in range(number)]
    missing = [i for i, file in enumerate(files) if not file.exists()]
    if missing:
        progress.start("compiling", 1)
        calibrator = Calibrator(plan)
        progress.finish()
        progress.start(
            f"calibration, {len(missing)} chunks of {plan.chunk} data sets", len(missing)
        )
        for done, i in enumerate(missing, start=1):
            stored = io.BytesIO()
            np.savez(stored, **calibrator.chunk(i, Silent())._asdict())
            write_atomically(files[i], stored.getvalue())
            progress.advance(done)
        progress.finish()
    return quantity_names(plan), [_read(file) for file in files]


def _read(file: Path) -> Replications:
    from taskroy.posteriors.calibration_run import Replications

    with np.load(file, allow_pickle=False) as stored:
        return Replications(*(stored[name] for name in Replications._fields))


def _written(
    folder: Path,
    plan: Plan,
    origin: Mapping[str, Any],
    names: tuple[str, ...],
    parts: list[Replications],
) -> dict[str, Any]:
    from taskroy.posteriors.calibration import assess, uniforms
    from taskroy.posteriors.calibration_run import Replications
    from taskroy.posteriors.figure_calibration import calibration_drawing
    from taskroy.posteriors.figure_style import render

    whole = Replications(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    assessed = assess(whole.rank, plan.draws, names, seed=plan.seed)
    found = {
        **origin,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "calibration": assessed.to_json(),
        "fits": {
            "effective_draws": dict(
                zip(names, np.median(whole.effective, 0).round(1).tolist(), strict=True)
            ),
            **chain_statistics(plan.inference.method, whole.diverging, whole.steps),
            "largest_grid_error": float(whole.grid_error.max()),
        },
    }
    write_atomically(folder / RESULT, _text(found))
    write_atomically(folder / TABLE, table(found))
    spread = uniforms(whole.rank, plan.draws, np.random.default_rng(plan.seed))
    drawing = calibration_drawing(spread, names, _BAND)
    write_atomically(folder / FIGURE, render(drawing, watermark=None, kinds=("svg",))["svg"])
    return found


def _text(value: Any) -> str:
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
