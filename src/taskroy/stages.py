"""The stages of a study, each a function: data, fit, gate, counterfactual."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from taskroy.errors import StudyError
from taskroy.progress import Progress
from taskroy.study import Study

if TYPE_CHECKING:
    import xarray as xr

    from taskroy.data.panel import Panel
    from taskroy.data.task_table import TaskTable

#: Name of the posterior in a run folder.
POSTERIOR = "posterior.zarr"
#: Name of the folder in it that holds the work of a fit that has not ended.
CHECKPOINT = "checkpoint"
_OWN_OCCUPATIONS = ("wagepan", "simulated")  # panels whose occupations are those of "wagepan"


def load_data(study: Study) -> tuple[Panel, TaskTable]:
    """Load what a study is about, and make sure that its scenarios fit its tasks.

    Parameters
    ----------
    study
        The study.

    Returns
    -------
    tuple
        The panel and the task table.

    Raises
    ------
    StudyError
        If panel and tasks speak of different occupations by their very settings, or workers are to
        count by weights that the panel does not have.
    DataError
        With every fault of the data.
    ModelError
        If a scenario names an unknown task or label, automates nothing, or leaves an occupation
        without labour: found here, before the long fit.
    """
    from taskroy.data.load import load_panel
    from taskroy.data.task_weights import task_weights

    settings = study.panel.model_dump(exclude_none=True)
    settings |= {"covariates": study.panel.covariates}
    level, own_weights = study.tasks.level, study.tasks.weights is not None
    if not own_weights and study.panel.source in (None, *_OWN_OCCUPATIONS):
        _require_wagepan(study)
    elif not own_weights and level != "wagepan":
        # The shipped tables know occupations by minor or major group, and by no other code.
        settings.setdefault("occupation_level", level or "minor")
    tasks = task_weights(**study.tasks.model_dump(exclude_none=True))
    panel = load_panel(**settings, occupations=tasks.occupations)
    _check_scenarios(study, tasks)
    if study.counterfactual.weighted and not panel.has_weights:
        raise StudyError(
            "Workers are to count by their weights, and the panel has none.",
            where="[counterfactual], weighted",
            expected="a panel with a column 'weight'",
            remedy="name the column in [panel], columns, or set weighted = false",
        )
    return panel, tasks


def _require_wagepan(study: Study) -> None:
    if study.tasks.level != "wagepan":
        raise StudyError(
            f"The panel '{study.panel.source or 'wagepan'}' has nine occupations of its own, and "
            f"the task table has SOC {study.tasks.level or 'minor'} groups.",
            where="[tasks], level",
            expected='level = "wagepan" with this panel',
            remedy='set level = "wagepan" in [tasks], or choose another panel',
        )


def _check_scenarios(study: Study, tasks: TaskTable) -> None:
    from taskroy.models.scenario_tasks import check_scenario, expand
    from taskroy.posteriors.skill_groups import skill_groups

    settings = study.counterfactual
    skill_groups(settings.skill_groups, settings.skill_percentiles, list(tasks.tasks))
    for scenario in expand(study.scenario, tasks.exposure):
        check_scenario(
            scenario,
            *(tasks.exposure, tasks.weights.to_numpy(), tasks.titles),
            experience=study.model.state_dependence == "experience",
        )


def fit_study(
    study: Study,
    panel: Panel,
    tasks: TaskTable,
    *,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> xr.DataTree:
    """Fit a study's model to its data, and note the study in the posterior's provenance.

    Parameters
    ----------
    study, panel, tasks
        The study and what `load_data` loaded for it.
    progress
        Told how far the work is.
    checkpoint
        Where the fit keeps its work, and goes on from; it stays when the fit is done.

    Returns
    -------
    xr.DataTree
        The posterior (docs/posterior.md).

    Raises
    ------
    ModelError, FitError
        As `taskroy.fit` does.
    """
    from taskroy.posteriors.fit import fit

    posterior = fit(
        panel,
        tasks,
        model=study.model,
        inference=study.inference,
        progress=progress,
        checkpoint=checkpoint,
        keep_checkpoint=True,
    )
    posterior.attrs["study"] = study.to_json()
    return posterior


def study_of(posterior: xr.DataTree, *, where: str) -> Study:
    """Return the study that a posterior was fitted for.

    Raises
    ------
    StudyError
        If its provenance names none, or one that this version cannot read.
    """
    if "study" not in posterior.attrs:
        raise StudyError(
            "The posterior does not say which study it belongs to.",
            where=where,
            expected="a posterior made with 'taskroy run' or 'taskroy fit'",
            remedy="fit the study with 'taskroy run' or 'taskroy fit'",
        )
    return Study.from_json(posterior.attrs["study"], where=where)


def find_posterior(place: Path) -> Path:
    """Return the posterior's own folder, given that or the run folder that holds it."""
    inside = place / POSTERIOR
    return inside if inside.is_dir() else place
