"""The group ``redrawn_skills`` of a posterior tree: skills drawn once more at the same θ.

Two independent draws of all skills at each of many θ tell how much of the posterior variance of
anything is due to skills and how much to θ (:mod:`taskroy.posteriors.uncertainty_split`). The
second is drawn with the fit, because it takes the careers, of which a tree holds none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jax import Array

from taskroy.inference.draw_skills import draw_skills
from taskroy.inference.draws import Draws
from taskroy.inference.problem import Problem
from taskroy.inference.seen import Seen
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.some_draws import SomeDraws
from taskroy.progress import Progress

GROUP = "redrawn_skills"


def redrawn_skills(
    known: Seen,
    model: ModelSettings,
    draws: Draws,
    posterior: Mapping[str, np.ndarray],
    coordinates: Mapping[str, Any],
    key: Array,
    progress: Progress,
) -> xr.Dataset:
    """Draw every worker's skills once more at evenly spaced draws of θ.

    Parameters
    ----------
    known, model
        What was seen, and the variant of the model.
    draws, posterior
        Of the route, and completed (chain, draw, …).
    coordinates
        Of workers and tasks.
    key
        Random key.
    progress
        Told how far it is.

    Returns
    -------
    Dataset
        ``skill`` (chain, draw, worker, task), of mean skills as in the posterior; in single
        precision, which is finer than any posterior. The coordinate ``draw`` says of which draws.
    """
    problem = Problem(known, model, draws.pilot)
    some = SomeDraws.of(problem, draws, posterior)
    drawn = draw_skills(problem.skills(), some.sites, key, progress)
    mean = np.asarray(posterior["skill_mean"])[:, some.kept]
    skill = mean.reshape(-1, 1, mean.shape[-1]) + np.asarray(drawn.deviation)
    dimensions = ("worker", "task")
    return some.dataset({"skill": skill.astype(np.float32)}, *dimensions).assign_coords(
        {name: coordinates[name] for name in dimensions}
    )
