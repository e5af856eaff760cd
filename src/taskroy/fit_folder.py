"""The fit of a study in its folder: used again if it stands there, gone on with if it stopped."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from taskroy.errors import StudyError
from taskroy.progress import Progress
from taskroy.run_folder import begin, claimed
from taskroy.stages import CHECKPOINT, POSTERIOR, fit_study, load_data, study_of
from taskroy.study import Study

if TYPE_CHECKING:
    import xarray as xr

    from taskroy.data.panel import Panel
    from taskroy.data.task_table import TaskTable

_LOG = logging.getLogger(__name__)


def fit_into(
    study: Study,
    study_text: str,
    folder: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
) -> tuple[Path, bool]:
    """Fit a study and store the posterior in a folder.

    Arguments and errors are those of `taskroy.run.run`.

    Returns
    -------
    tuple
        Where the posterior is, and whether it stood there before.
    """
    panel, tasks = load_data(study)
    with claimed(folder, overwrite=overwrite):
        _, reused = fitted(
            study,
            study_text,
            panel,
            tasks,
            folder,
            overwrite=overwrite,
            resume=resume,
            progress=progress,
        )
    return folder / POSTERIOR, reused


def help_fit(study: Study) -> None:
    """Do one process's share of a fit that process 0 stores."""
    fit_study(study, *load_data(study))


def fitted(
    study: Study,
    study_text: str,
    panel: Panel,
    tasks: TaskTable,
    folder: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
) -> tuple[xr.DataTree, bool]:
    """Open the posterior of this study, or fit and store it.

    Parameters
    ----------
    study, study_text, panel, tasks
        The study, the text that it was read from, and its data.
    folder
        Claimed by the caller.
    overwrite, resume, progress
        As for `taskroy.run.run`.

    Returns
    -------
    tuple
        The posterior, its draws left on disk, and whether it stood there before.
    """
    import jax

    from taskroy.posteriors.checkpoint import (
        delete_checkpoint,
        delete_room,
        describe_fit,
        stands,
    )
    from taskroy.posteriors.store import open_posterior, save_posterior

    place, checkpoint = folder / POSTERIOR, folder / CHECKPOINT
    # What one process keeps, the others would not know of.
    alone = jax.process_count() == 1
    # Beside a posterior it is of a fit that was to replace it, and was stopped.
    goes_on = (
        alone
        and not overwrite
        and stands(checkpoint, describe_fit(panel, tasks, study.model, study.inference))
    )
    if place.exists() and not (overwrite or alone):
        raise StudyError(
            "A posterior stands here, and the other processes have begun to fit.",
            where=str(place),
            remedy="choose another folder with --output, or replace it with --overwrite",
        )
    if place.exists() and not (overwrite or goes_on):
        posterior = open_posterior(place, lazy=True)
        _require_same(posterior, study, panel, tasks, place)
        begin(folder, study_text)
        delete_room(checkpoint)
        _LOG.info("The posterior in %s is of this study: it is used again.", place)
        return posterior, True
    if overwrite:
        delete_checkpoint(checkpoint)
    if goes_on:
        _LOG.info("The fit goes on from what an earlier one kept in %s.", checkpoint)
    elif resume:
        _LOG.info("Nothing was kept in %s: the fit begins.", checkpoint)
    begin(folder, study_text)
    found = fit_study(
        study, panel, tasks, progress=progress, checkpoint=checkpoint if alone else None
    )
    save_posterior(found, place, overwrite=overwrite or goes_on)
    delete_checkpoint(checkpoint)
    _LOG.info("The posterior is stored in %s.", place)
    return open_posterior(place, lazy=True), False


def _require_same(
    posterior: xr.DataTree, study: Study, panel: Panel, tasks: TaskTable, place: Path
) -> None:
    fitted = study_of(posterior, where=str(place))
    other = {
        "the panel": posterior.attrs.get("panel_sha256") != panel.sha256,
        "the tasks": posterior.attrs.get("tasks_sha256") != tasks.sha256,
        "[model]": fitted.model != study.model,
        "[inference]": fitted.inference != study.inference,
    }
    names = [name for name, differs in other.items() if differs]
    if names:
        raise StudyError(
            f"The posterior that stands here is of another study; not the same: "
            f"{', '.join(names)}.",
            where=str(place),
            remedy="choose another folder with --output, or fit anew with --overwrite",
        )
