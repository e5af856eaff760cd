"""From a panel and a task table to a posterior tree (docs/posterior.md)."""

from __future__ import annotations

import os
import platform
import time
from functools import partial
from importlib import metadata
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from taskroy.data.panel import Panel, PanelArrays
from taskroy.data.sample_flow import flow_to_json
from taskroy.data.task_table import TaskTable
from taskroy.inference.checkpoint import Checkpoint, InMemory
from taskroy.inference.drawn_skills import DrawnSkills
from taskroy.inference.draws import Draws
from taskroy.inference.pilot import FIRST_GRID, check_start, starting_values
from taskroy.inference.replace_skills import WHITENED
from taskroy.inference.routes import sample_posterior
from taskroy.inference.seen import seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.theta import careers, theta_at
from taskroy.models.careers import Careers
from taskroy.models.roy import Economy, economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology
from taskroy.posteriors.checkpoint import delete_checkpoint, describe_fit, open_checkpoint
from taskroy.posteriors.forward_draws import (
    completed,
    levels_of_skills,
    prior_draws,
    require_finite,
)
from taskroy.posteriors.groups_of_some_draws import groups_of_some_draws
from taskroy.posteriors.posterior_groups import (
    constants_dataset,
    dataset_of_draws,
    predictive_dataset,
    statistics_dataset,
    summaries_dataset,
)
from taskroy.posteriors.predictive import summarize_panel
from taskroy.posteriors.room import values_in
from taskroy.progress import Progress, Silent


def fit(
    panel: Panel,
    tasks: TaskTable,
    *,
    model: ModelSettings = ModelSettings(),  # noqa: B008  (frozen)
    inference: InferenceSettings = InferenceSettings(),  # noqa: B008
    progress: Progress | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    keep_checkpoint: bool = False,
) -> xr.DataTree:
    """Fit the model to a panel.

    Parameters
    ----------
    panel
        Workers, years, occupations, wages.
    tasks
        Task weights, labour shares and exposure of the panel's occupations.
    model
        Variant of the model and priors.
    inference
        Route, effort and seed.
    progress
        Told how far long work is.
    checkpoint
        A folder of its own in which NUTS keeps its draws after every ten iterations. A
        process that is killed loses the block it was at: the same call goes on after the last one
        kept, and gives the posterior of a fit that was never stopped, bit by bit, on the same
        machine. SVI is quick, and keeps nothing to go on from. While a fit runs, every worker's
        skills in every draw are there, not in memory: once for `nuts` as it draws them, and twice
        more when it is done.
    keep_checkpoint
        Leave the checkpoint when the fit is done, to be deleted once the posterior is stored: until
        then skills are read from it when they are asked for. Without this they are read into memory
        at the end.

    Returns
    -------
    DataTree
        The posterior tree, without counterfactuals; groups and dimensions as in
        ``docs/posterior.md``.

    Raises
    ------
    DataError
        If the panel has an occupation without task weights.
    FitError
        If the density is not finite at the start, or the draws are not; if the checkpoint is of
        another fit, damaged, or in use.
    """
    tell = progress or Silent()
    with jax.enable_x64(inference.precision == "float64"):
        if checkpoint is None:
            return _fit(panel, tasks, model, inference, tell, InMemory())
        folder = Path(checkpoint)
        with open_checkpoint(folder, describe_fit(panel, tasks, model, inference)) as kept:
            tree = _fit(panel, tasks, model, inference, tell, kept)
            tree.attrs["seconds"] = round(kept.seconds, 1)
            if not keep_checkpoint:
                tree.load()  # skills are in it
    if not keep_checkpoint:
        delete_checkpoint(folder)
    return tree


def _fit(
    panel: Panel,
    tasks: TaskTable,
    model: ModelSettings,
    inference: InferenceSettings,
    progress: Progress,
    checkpoint: Checkpoint,
) -> xr.DataTree:
    began = time.perf_counter()
    used = tasks.select(panel.occupations)
    arrays = panel.arrays(used.occupations)
    technology = Technology.from_task_weights(
        jnp.asarray(used.weights.to_numpy()), jnp.asarray(used.labor_share.to_numpy())
    )
    conditions = economy(technology, arrays)
    log_wage, occupation = jnp.asarray(arrays.log_wage), jnp.asarray(arrays.occupation)
    _check_start(conditions, model, arrays, used)
    fit_key, after_key, prior_key = jax.random.split(jax.random.key(inference.seed), 3)
    draws = sample_posterior(
        conditions, log_wage, occupation, model, inference, fit_key, progress, checkpoint
    )
    for values in draws.sites.values():
        require_finite(values)
    career = jnp.stack([log_wage, occupation], axis=-1)
    posterior, predicted = completed(conditions, model, draws, career, after_key)
    deviation = draws.skill_deviation.room
    skills = checkpoint.room("skill", deviation.shape, deviation.dtype)
    levels_of_skills(posterior["skill_mean"], draws.skill_deviation, DrawnSkills(skills))
    prior, prior_predicted = prior_draws(conditions, model, draws.pilot.grid, prior_key)
    observed = summarize_panel(career, conditions.observed, len(used.occupations))
    coordinates = {
        "occupation": list(used.occupations),
        "task": list(used.tasks),
        "task_other": list(used.tasks),
        "covariate": list(arrays.covariate_names),
        "worker": np.arange(len(arrays.worker)),
        "exposure_label": list(used.exposure.columns),
    }
    of_some_draws: dict[str, xr.Dataset] = {}
    if inference.method != "simulated-mle":  # one point: neither says anything of a posterior
        known = seen(conditions, log_wage, occupation)
        of_some_draws = groups_of_some_draws(
            *(known, model, draws, posterior, coordinates),
            *(after_key, progress, checkpoint.room),
        )
    groups = {
        "posterior": dataset_of_draws(posterior | {"skill": values_in(skills)}, coordinates),
        "sample_stats": statistics_dataset(draws),
        "prior": dataset_of_draws(prior, coordinates),
        "posterior_predictive": predictive_dataset(predicted, coordinates),
        "prior_predictive": predictive_dataset(prior_predicted, coordinates),
        "observed_data": summaries_dataset(observed, coordinates),
        "constant_data": constants_dataset(panel, arrays, used, technology, coordinates),
        **of_some_draws,
    }
    tree = xr.DataTree.from_dict({k: v for k, v in groups.items() if v is not None})
    tree.attrs = {
        "taskroy_version": metadata.version("taskroy"),
        "versions": {
            p: metadata.version(p) for p in ("jax", "numpyro", "numpy", "arviz", "xarray", "zarr")
        },
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {jax.local_devices()[0].device_kind}",
        "method": inference.method,
        "seed": inference.seed,
        "model": model.model_dump(mode="json"),
        "inference": inference.model_dump(mode="json"),
        "panel_source": panel.source,
        "panel_sha256": panel.sha256,
        "sample": flow_to_json(panel.flow),
        "tasks_source": used.source,
        "tasks_sha256": tasks.sha256,
        "workers": len(arrays.worker),
        "observations": int(arrays.observed.sum()),
        "years": [
            int(arrays.year[arrays.observed].min()),
            int(arrays.year[arrays.observed].max()),
        ],
        "grid": _grid(draws),
        "seconds": round(time.perf_counter() - began, 1),
    }
    return tree


def _grid(draws: Draws) -> dict[str, float]:
    """Return the quadrature's sizes and its error, measured at draws, for provenance."""
    grid, error = draws.pilot.grid, draws.error
    return {
        "nodes": grid.nodes,
        "terms": grid.terms,
        "largest_error": error.largest,
        "summed_error": error.summed,
    }


def _check_start(
    conditions: Economy, model: ModelSettings, arrays: PanelArrays, used: TaskTable
) -> None:
    values = starting_values(conditions, model)
    log_wage, occupation = jnp.asarray(arrays.log_wage), jnp.asarray(arrays.occupation)
    known, average = seen(conditions, log_wage, occupation), values.pop(WHITENED)
    simulate = partial(
        roy_model, conditions, model, FIRST_GRID, log_wage=log_wage, occupation=occupation
    )

    @jax.jit
    def start(values: dict[str, Array]) -> Careers:
        return careers(theta_at(simulate, values), known, average, model, FIRST_GRID)

    check_start(start(values), known.career, arrays.worker, arrays.year, used.occupations)
