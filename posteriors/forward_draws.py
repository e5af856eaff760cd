"""Draws forward through the generative model: from the prior, and from posterior draws."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float
from numpyro.infer import Predictive

from taskroy.errors import FitError
from taskroy.inference.drawn_skills import ChosenSkills, DrawnSkills
from taskroy.inference.draws import Draws
from taskroy.inference.over_draws import over_draws
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.posterior_groups import DIMENSIONS
from taskroy.posteriors.predictive import Forward, sorting, summarize_panel
from taskroy.progress import Silent

_PRIOR_DRAWS = 400
_PREDICTIVE_DRAWS = 200
# Draws of all skills: of 8,050 workers and 37 tasks 100 MB.
_AT_ONCE = 40


def completed(
    conditions: Economy,
    model: ModelSettings,
    draws: Draws,
    career: Float[Array, "N T 2"],
    key: Array,
) -> tuple[dict[str, np.ndarray], Forward]:
    """Draw what the likelihood never touched, but for skills: s̄ and μ; and panels to compare.

    Parameters
    ----------
    conditions, model
        The economy and the variant of the model.
    draws
        Posterior draws.
    career
        What was seen: log wages and indices of occupations.
    key
        Random key.
    """
    redrawn = {"intercept"} | ({"skill_mean"} if model.intercept == "pooled" else set())
    latent = {k: v for k, v in draws.sites.items() if k not in redrawn}
    chains, count = next(iter(latent.values())).shape[:2]
    flat = {k: jnp.asarray(v.reshape(-1, *v.shape[2:])) for k, v in latent.items()}
    level_key, panel_key = jax.random.split(key)
    simulate = partial(roy_model, conditions, model, draws.pilot.grid)
    wanted = [k for k in DIMENSIONS if k not in latent and k != "skill"]
    more = Predictive(simulate, flat, return_sites=wanted, parallel=False)(level_key)
    posterior = {
        k: np.asarray(v).reshape(chains, count, *np.shape(v)[1:])
        for k, v in {**flat, **more}.items()
        if k in DIMENSIONS
    }
    thin = np.linspace(0, chains * count - 1, min(_PREDICTIVE_DRAWS, chains * count)).astype(int)
    some: dict[str, Any] = {k: v[thin] for k, v in flat.items()}
    some["skill_deviation"] = ChosenSkills(draws.skill_deviation, thin)
    return posterior, _simulated(conditions, simulate, panel_key, some, None, career)


def levels_of_skills(
    mean: Float[np.ndarray, "C D K"], deviation: DrawnSkills, skills: DrawnSkills
) -> None:
    """Write skills s_i = s̄ + (s_i − s̄) of every draw.

    Raises
    ------
    FitError
        If some are not finite.
    """
    flat = mean.reshape(-1, 1, mean.shape[-1])
    for first, rows in deviation.blocks(_AT_ONCE):
        level = rows + flat[first : first + len(rows)]
        require_finite(level)
        skills.write(first, level)


def require_finite(values: np.ndarray) -> None:
    """Raise a FitError where a draw is not finite."""
    if not np.isfinite(values).all():
        raise FitError(
            "Some draws are not finite.",
            expected="finite parameters in every draw",
            remedy="run it again with float64 and another seed; if it stays, look at the "
            "prior predictive check",
        )


def prior_draws(
    conditions: Economy, model: ModelSettings, grid: Grid, key: Array
) -> tuple[dict[str, np.ndarray], Forward]:
    """Draw parameters from the prior, (chain=1, draw, …), and panels of such economies."""
    simulate = partial(roy_model, conditions, model, grid)
    prior_key, panel_key = jax.random.split(key)
    sites = [k for k in DIMENSIONS if k != "skill"]
    draws = Predictive(simulate, num_samples=_PRIOR_DRAWS, return_sites=sites)(prior_key)
    prior = {k: np.asarray(v)[None] for k, v in draws.items()}
    return prior, _simulated(conditions, simulate, panel_key, {}, _PREDICTIVE_DRAWS)


def below_observed(
    conditions: Economy,
    model: ModelSettings,
    grid: Grid,
    draws: Mapping[str, Array],
    career: Float[Array, "N T 2"],
    key: Array,
) -> Bool[np.ndarray, "D N"]:
    """Tell whether a worker's mean log wage would be below the one seen, were he somebody new.

    Somebody new has the same covariates and is seen in the same years, but has skills of his own;
    he is drawn once for each draw of θ. Means are over the years seen.

    Parameters
    ----------
    conditions, model, grid
        The economy, the variant of the model, and its quadrature.
    draws
        Sites of θ, with a leading dimension D.
    career
        What was seen.
    key
        Random key.
    """
    simulate, observed = partial(roy_model, conditions, model, grid), conditions.observed

    def mean(career: Array) -> Array:
        return (career[..., 0] * observed).sum(1) / observed.sum(1)

    def one(values: tuple[Array, dict[str, Array]]) -> Array:
        key, fixed = values
        batch = {k: v[None] for k, v in fixed.items()}
        drawn = Predictive(simulate, batch, return_sites=["career"])(key)
        return mean(drawn["career"][0]) < mean(career)

    keys = jax.random.split(key, len(next(iter(draws.values()))))
    return np.asarray(jax.jit(lambda k, d: jax.lax.map(one, (k, d)))(keys, dict(draws)))


def _simulated(
    conditions: Economy,
    simulate: Any,
    key: Array,
    given: Mapping[str, Any],
    number: int | None,
    career: Float[Array, "N T 2"] | None = None,
) -> Forward:
    """Simulate panels and summarise each."""
    weights, observed = conditions.technology.task_weights, conditions.observed

    def one(values: tuple[Array, dict[str, Array]]) -> Forward:
        key, fixed = values
        batch = {k: v[None] for k, v in fixed.items()}
        count = {"num_samples": 1} if not fixed else {}
        sites = ["career", "mean_potential", "skill_deviation"]
        more = Predictive(simulate, batch or None, return_sites=sites, **count)(key)
        drawn = {k: v[0] for k, v in {**batch, **more}.items()}
        potential = drawn["mean_potential"] + drawn["skill_deviation"] @ weights.T
        return Forward(
            summarize_panel(drawn["career"], observed, len(weights)),
            sorting(drawn["career"], observed, potential),
            None if career is None else sorting(career, observed, potential),
        )

    keys = jax.random.split(key, number or len(given["taste_scale"]))
    found = over_draws(one, (keys, dict(given)), Silent(), "predictions")
    one_chain: Forward = jax.tree.map(lambda x: x[None], found)
    return one_chain
