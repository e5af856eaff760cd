"""The folder of a run: one run at a time, and nothing of anybody else's is overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taskroy.errors import StudyError
from taskroy.posteriors.files import sole_holder, write_atomically
from taskroy.posteriors.gate import GATE
from taskroy.stages import POSTERIOR

STUDY = "study.toml"
_RESULTS = (GATE, "report.html", "report.json")
_LOCK = ".run.lock"  # stays when a run has ended, and so marks the folder as a run's


@contextmanager
def claimed(folder: Path, *, overwrite: bool) -> Iterator[None]:
    """Hold a folder for one run.

    Parameters
    ----------
    folder
        Made if it is missing. It may be empty, or that of an earlier run.
    overwrite
        Accept a folder that holds other things. Only the files of a run are ever replaced.

    Raises
    ------
    StudyError
        If the folder is a file or not a run's, or another run holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StudyError(
            "A file stands where the output folder should be.",
            where=str(folder),
            remedy="choose another folder with --output",
        ) from error
    if not overwrite:
        _refuse_foreign(folder)
    busy = StudyError(
        "Another run is using this folder.",
        where=str(folder),
        remedy="wait until it has ended, or choose another folder with --output",
    )
    with sole_holder(folder / _LOCK, busy=busy):
        yield


def _refuse_foreign(folder: Path) -> None:
    names = os.listdir(folder)
    visible = [name for name in names if not name.startswith(".")]
    if visible and _LOCK not in names and not (folder / POSTERIOR).is_dir():
        raise StudyError(
            f"The folder holds other things ('{min(visible)}').",
            where=str(folder),
            expected="a new or empty folder, or that of an earlier run",
            remedy="choose another folder with --output, or say --overwrite to put the files of "
            "this run among them",
        )


def begin(folder: Path, study_text: str) -> None:
    """Copy the study into its folder, and remove the results of an earlier run.

    They are remade; if this run is stopped before, no old report stands beside a new posterior.
    """
    for name in _RESULTS:
        (folder / name).unlink(missing_ok=True)
    write_atomically(folder / STUDY, study_text)
