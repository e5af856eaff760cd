"""The groups of a posterior tree, as datasets with named dimensions (docs/posterior.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from taskroy.data.panel import Panel, PanelArrays
from taskroy.data.task_table import TaskTable
from taskroy.inference.draws import Draws
from taskroy.models.technology import Technology
from taskroy.posteriors.laplace_quality import laplace_quality
from taskroy.posteriors.predictive import Forward, PanelSummary

DIMENSIONS: dict[str, tuple[str, ...]] = {
    "wage_shock_scale": (),
    "taste_scale": (),
    "experience_return": (),
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


def dataset_of_draws(values: Mapping[str, np.ndarray], coordinates: dict[str, Any]) -> xr.Dataset:
    """Name the dimensions of draws, each (chain, draw, …)."""
    arrays = {
        name: (("chain", "draw", *DIMENSIONS[name]), values[name])
        for name in DIMENSIONS
        if name in values
    }
    used = {d for dims, _ in arrays.values() for d in dims}
    return xr.Dataset(arrays, {d: c for d, c in coordinates.items() if d in used})


def statistics_dataset(draws: Draws) -> xr.Dataset:
    """Gather the sampler's statistics, and how good Laplace's method was for each worker."""
    values = dict(draws.statistics)
    if "n_steps" in values:
        values["tree_depth"] = np.ceil(np.log2(values["n_steps"] + 1)).astype(np.int64)
    statistics = xr.Dataset({k: (("chain", "draw"), v) for k, v in values.items()})
    if draws.skill_log_weights is None:
        return statistics
    by_worker = laplace_quality(draws.skill_log_weights)
    return statistics.assign({k: ("worker", v) for k, v in by_worker.items()})


def summaries_dataset(summary: PanelSummary, coordinates: dict[str, Any]) -> xr.Dataset:
    """Name the dimensions of summaries of panels, one panel or (chain, draw) of them."""
    leading = ("chain", "draw") if np.ndim(summary.log_wage_sd) else ()
    more = {
        "employment_share": ("occupation",),
        "mean_log_wage": ("occupation",),
        "transition": ("occupation", "occupation_next"),
    }
    occupations = coordinates["occupation"]
    return xr.Dataset(
        {k: ((*leading, *more.get(k, ())), np.asarray(v)) for k, v in summary._asdict().items()},
        {"occupation": occupations, "occupation_next": occupations},
    )


def predictive_dataset(found: Forward, coordinates: dict[str, Any]) -> xr.Dataset:
    """Gather summaries of simulated panels, and how their workers are sorted."""
    sample = ("chain", "draw")
    of_skills = found.sorting._asdict()
    if found.sorting_observed is not None:
        of_skills |= {f"{k}_observed": v for k, v in found.sorting_observed._asdict().items()}
    return summaries_dataset(found.panel, coordinates).assign(
        {k: (sample, np.asarray(v)) for k, v in of_skills.items()}
    )


def constants_dataset(
    panel: Panel,
    arrays: PanelArrays,
    used: TaskTable,
    technology: Technology,
    coordinates: dict[str, Any],
) -> xr.Dataset:
    """Gather what was given: the tasks, and how many were seen in each occupation."""
    counts = panel.frame.groupby("occupation").agg(
        workers=("worker", "nunique"), observations=("worker", "size")
    )
    counts = counts.reindex(list(used.occupations))
    keep = ("occupation", "task", "exposure_label")
    constants = xr.Dataset(
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
    if panel.has_weights:
        weight = arrays.worker_weight
        constants = constants.assign_coords(worker=np.arange(len(weight)))
        constants["worker_weight"] = ("worker", weight)
    return constants.merge(_members_dataset(panel)) if panel.groups else constants


def _members_dataset(panel: Panel) -> xr.Dataset:
    """Say which workers belong to which group."""
    members = panel.members()
    return xr.Dataset(
        {"member": (("people", "worker"), members.to_numpy().T)},
        {"people": list(members.columns), "worker": np.arange(len(members))},
    )
