"""Short careers in three occupations of two tasks, for densities that are quick to compile."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from taskroy.data.panel import PanelArrays
from taskroy.inference.pilot import Pilot
from taskroy.inference.problem import Problem
from taskroy.inference.seen import seen
from taskroy.inference.skill_posterior import no_expansion
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import economy
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology

O = 3  # noqa: E741


def few_careers(settings: ModelSettings, grid: Grid, years: tuple[int, ...]) -> Problem:
    """Return the problem of workers seen for these numbers of years."""
    rng, (n, t) = np.random.default_rng(0), (len(years), max(years))
    panel = PanelArrays(
        log_wage=rng.normal(2.2, 0.5, (n, t)),
        occupation=rng.integers(0, O, (n, t)).astype(np.int32),
        observed=np.arange(t) < np.array(years)[:, None],
        design=rng.normal(size=(n, t, 1)),
        covariate_names=("exper",),
        worker=np.arange(n),
        year=np.tile(np.arange(t), (n, 1)),
        weight=np.ones((n, t)),
    )
    weights = np.array([[0.7, 0.3], [0.2, 0.8], [0.45, 0.55]])
    conditions = economy(Technology.from_task_weights(weights, np.array([0.7, 0.6, 0.8])), panel)
    known = seen(conditions, jnp.asarray(panel.log_wage), jnp.asarray(panel.occupation))
    unknown: Any = None  # careers at the modes, which no density hangs on
    found = Pilot({}, no_expansion(conditions), grid, grid, unknown, {})
    return Problem(known, settings, found)
