"""From a panel and a task table to a posterior tree (docs/posterior.md)."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array
from numpyro.infer import Predictive

from taskroy.data.panel import Panel, PanelArrays
from taskroy.data.task_table import TaskTable
from taskroy.errors import FitError
from taskroy.inference.checkpoint import Checkpoint, NoCheckpoint
from taskroy.inference.pilot import FIRST_GRID, check_start, starting_values
from taskroy.inference.replace_skills import WHITENED
from taskroy.inference.routes import Draws, sample_posterior
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.skill_posterior import careers, seen, theta_at
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy, economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology
from taskroy.posteriors.checkpoint import delete_checkpoint, describe_fit, open_checkpoint
from taskroy.posteriors.laplace_quality import laplace_quality
from taskroy.posteriors.predictive import PanelSummary, summarize_panel
from taskroy.progress import Progress, Silent

_DIMENSIONS: dict[str, tuple[str, ...]] = {
    "wage_shock_scale": (),
    "taste_scale": (),
    "intercept_scale": (),
    "amenity_scale": (),
    "loading_scale": (),
    "mean_potential": ("occupation",),
    "intercept": ("occupation",),
    "amenity": ("occupation",),
    "skill_mean": ("task",),
    "skill_sd": ("task",),
    "skill_corr": ("task", "task_other"),
    "unique_sd": ("task",),
    "coefficient": ("covariate",),
    "skill": ("worker", "task"),
}
_PRIOR_DRAWS = 400
_PREDICTIVE_DRAWS = 200


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
        A folder of its own in which NUTS keeps its draws after every block of 50 iterations. A
        process that is killed loses the block it was at: the same call goes on after the last one
        kept, and gives the posterior of a fit that was never stopped, bit by bit, on the same
        machine. SVI is quick, and keeps nothing.
    keep_checkpoint
        Leave the checkpoint when the fit is done, to be deleted once the posterior is stored.

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
            return _fit(panel, tasks, model, inference, tell, NoCheckpoint())
        folder = Path(checkpoint)
        with open_checkpoint(folder, describe_fit(panel, tasks, model, inference)) as kept:
            tree = _fit(panel, tasks, model, inference, tell, kept)
            tree.attrs["seconds"] = round(kept.seconds, 1)
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
    if not all(np.isfinite(v).all() for v in draws.sites.values()):
        raise FitError(
            "Some draws are not finite.",
            expected="finite parameters in every draw",
            remedy="run it again with float64 and another seed; if it stays, look at the "
            "prior predictive check",
        )
    posterior, predicted = _complete(conditions, model, draws, after_key)
    prior, prior_predicted = _prior(conditions, model, draws.pilot.grid, prior_key)
    observed = summarize_panel(
        jnp.stack([log_wage, occupation], axis=-1), conditions.observed, len(used.occupations)
    )
    coordinates = {
        "occupation": list(used.occupations),
        "task": list(used.tasks),
        "task_other": list(used.tasks),
        "covariate": list(arrays.covariate_names),
        "worker": np.arange(len(arrays.worker)),
        "exposure_label": list(used.exposure.columns),
    }
    groups = {
        "posterior": _dataset(posterior, coordinates),
        "sample_stats": _statistics(draws),
        "prior": _dataset(prior, coordinates),
        "posterior_predictive": _summaries(predicted, coordinates),
        "prior_predictive": _summaries(prior_predicted, coordinates),
        "observed_data": _summaries(observed, coordinates),
        "constant_data": _constants(panel, used, technology, coordinates),
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
    """Return the quadrature's sizes and its measured error, for provenance."""
    grid, error = draws.pilot.grid, draws.pilot.error
    assert error is not None  # every route measures it
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


def _complete(
    conditions: Economy, model: ModelSettings, draws: Draws, key: Array
) -> tuple[dict[str, np.ndarray], PanelSummary]:
    """Draw what the likelihood never touched (s̄, μ, hence skills), and panels to compare."""
    latent = {k: v for k, v in draws.sites.items() if k not in ("skill_mean", "intercept", "skill")}
    if model.intercept != "pooled":
        latent = {k: v for k, v in draws.sites.items() if k not in ("intercept", "skill")}
    chains, count = next(iter(latent.values())).shape[:2]
    flat = {k: jnp.asarray(v.reshape(-1, *v.shape[2:])) for k, v in latent.items()}
    level_key, panel_key = jax.random.split(key)
    simulate = partial(roy_model, conditions, model, draws.pilot.grid)
    wanted = [k for k in _DIMENSIONS if k not in latent]
    more = Predictive(simulate, flat, return_sites=wanted, parallel=False)(level_key)
    completed = {k: v for k, v in {**flat, **more}.items() if k in _DIMENSIONS}
    posterior = {
        k: np.asarray(v).reshape(chains, count, *np.shape(v)[1:]) for k, v in completed.items()
    }
    thin = np.linspace(0, chains * count - 1, min(_PREDICTIVE_DRAWS, chains * count)).astype(int)
    some = {k: v[thin] for k, v in flat.items()}
    return posterior, _simulated(conditions, simulate, panel_key, some, None)


def _prior(
    conditions: Economy, model: ModelSettings, grid: Grid, key: Array
) -> tuple[dict[str, np.ndarray], PanelSummary]:
    simulate = partial(roy_model, conditions, model, grid)
    prior_key, panel_key = jax.random.split(key)
    sites = [k for k in _DIMENSIONS if k != "skill"]
    draws = Predictive(simulate, num_samples=_PRIOR_DRAWS, return_sites=sites)(prior_key)
    prior = {k: np.asarray(v)[None] for k, v in draws.items()}
    return prior, _simulated(conditions, simulate, panel_key, {}, _PREDICTIVE_DRAWS)


def _simulated(
    conditions: Economy, simulate: Any, key: Array, given: Mapping[str, Array], number: int | None
) -> PanelSummary:
    """Simulate panels and summarise each; fields gain the dimensions (chain=1, draw)."""
    occupations = conditions.technology.task_weights.shape[0]

    def one(values: tuple[Array, dict[str, Array]]) -> PanelSummary:
        key, fixed = values
        batch = {k: v[None] for k, v in fixed.items()}
        count = {"num_samples": 1} if not fixed else {}
        drawn = Predictive(simulate, batch or None, return_sites=["career"], **count)(key)
        return summarize_panel(drawn["career"][0], conditions.observed, occupations)

    keys = jax.random.split(key, number or len(next(iter(given.values()))))
    summaries = jax.jit(lambda k, g: jax.lax.map(one, (k, g)))(keys, dict(given))
    return PanelSummary(*(v[None] for v in summaries))


def _dataset(values: Mapping[str, np.ndarray], coordinates: dict[str, Any]) -> xr.Dataset:
    arrays = {
        name: (("chain", "draw", *_DIMENSIONS[name]), values[name])
        for name in _DIMENSIONS
        if name in values
    }
    used = {d for dims, _ in arrays.values() for d in dims}
    return xr.Dataset(arrays, {d: c for d, c in coordinates.items() if d in used})


def _statistics(draws: Draws) -> xr.Dataset:
    values = dict(draws.statistics)
    if "n_steps" in values:
        values["tree_depth"] = np.ceil(np.log2(values["n_steps"] + 1)).astype(np.int64)
    statistics = xr.Dataset({k: (("chain", "draw"), v) for k, v in values.items()})
    if draws.skill_log_weights is None:
        return statistics
    by_worker = laplace_quality(draws.skill_log_weights)
    return statistics.assign({k: ("worker", v) for k, v in by_worker.items()})


def _summaries(summary: PanelSummary, coordinates: dict[str, Any]) -> xr.Dataset:
    leading = ("chain", "draw") if np.ndim(summary.log_wage_sd) else ()
    by_occupation = ("employment_share", "mean_log_wage")
    return xr.Dataset(
        {
            k: ((*leading, "occupation") if k in by_occupation else leading, np.asarray(v))
            for k, v in summary._asdict().items()
        },
        {"occupation": coordinates["occupation"]},
    )


def _constants(
    panel: Panel, used: TaskTable, technology: Technology, coordinates: dict[str, Any]
) -> xr.Dataset:
    counts = panel.frame.groupby("occupation").agg(
        workers=("worker", "nunique"), observations=("worker", "size")
    )
    counts = counts.reindex(list(used.occupations))
    keep = ("occupation", "task", "exposure_label")
    return xr.Dataset(
        {
            "labor_share": ("occupation", used.labor_share.to_numpy()),
            "known_intercept": ("occupation", np.asarray(technology.intercept)),
            "workers": ("occupation", counts["workers"].to_numpy()),
            "observations": ("occupation", counts["observations"].to_numpy()),
            "task_weights": (("occupation", "task"), used.weights.to_numpy()),
            "exposure": (("task", "exposure_label"), used.exposure.to_numpy(dtype=float)),
            "occupation_title": ("occupation", used.titles.astype(str).to_numpy(dtype=str)),
        },
        {k: coordinates[k] for k in keep},
    )
