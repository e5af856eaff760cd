"""Draws forward through the generative model: from the prior, and from posterior draws."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer import Predictive

from taskroy.inference.draws import Draws
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.posterior_groups import DIMENSIONS
from taskroy.posteriors.predictive import PanelSummary, summarize_panel

_PRIOR_DRAWS = 400
_PREDICTIVE_DRAWS = 200


def completed(
    conditions: Economy, model: ModelSettings, draws: Draws, key: Array
) -> tuple[dict[str, np.ndarray], PanelSummary]:
    """Draw what the likelihood never touched (s̄, μ, hence skills), and panels to compare."""
    redrawn = {"intercept", "skill"} | ({"skill_mean"} if model.intercept == "pooled" else set())
    latent = {k: v for k, v in draws.sites.items() if k not in redrawn}
    chains, count = next(iter(latent.values())).shape[:2]
    flat = {k: jnp.asarray(v.reshape(-1, *v.shape[2:])) for k, v in latent.items()}
    level_key, panel_key = jax.random.split(key)
    simulate = partial(roy_model, conditions, model, draws.pilot.grid)
    wanted = [k for k in DIMENSIONS if k not in latent]
    more = Predictive(simulate, flat, return_sites=wanted, parallel=False)(level_key)
    posterior = {
        k: np.asarray(v).reshape(chains, count, *np.shape(v)[1:])
        for k, v in {**flat, **more}.items()
        if k in DIMENSIONS
    }
    thin = np.linspace(0, chains * count - 1, min(_PREDICTIVE_DRAWS, chains * count)).astype(int)
    some = {k: v[thin] for k, v in flat.items()}
    return posterior, _simulated(conditions, simulate, panel_key, some, None)


def prior_draws(
    conditions: Economy, model: ModelSettings, grid: Grid, key: Array
) -> tuple[dict[str, np.ndarray], PanelSummary]:
    """Draw parameters from the prior, (chain=1, draw, …), and panels of such economies."""
    simulate = partial(roy_model, conditions, model, grid)
    prior_key, panel_key = jax.random.split(key)
    sites = [k for k in DIMENSIONS if k != "skill"]
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
