"""The routes to one posterior as functions that JAX can trace, from careers and a key to draws.

They are those of :mod:`taskroy.inference.routes`, with the same pilot, starting points, kernel and
metric; only what a fit decides by looking at its panel, the grids, is decided beforehand, and
``svi`` is its guide alone, without a first look at the Hessian and without resampling.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from numpyro.infer.hmc import HMCState

from taskroy.inference.accuracy import grid_error
from taskroy.inference.density import Density, density_of
from taskroy.inference.draw_skills import draw_skills_at
from taskroy.inference.metric import covariance_near
from taskroy.inference.nuts import (
    BLOCK,
    Sites,
    advance_chain,
    begin,
    learns_after,
    nuts_kernel,
)
from taskroy.inference.pilot import Pilot, first_fit, look_around
from taskroy.inference.pooled_metric import Moments, no_moments, with_draws, with_metric
from taskroy.inference.problem import Problem, generated_values
from taskroy.inference.seen import Seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.skill_posterior import no_expansion
from taskroy.inference.variational import Approximation, approximate, first_approximation
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

#: Routes that can be traced.
METHODS = ("nuts", "nuts-marginal", "svi")


class Posterior(NamedTuple):
    """Draws of the generative model's sites, (chain, draw, …); of chains, statistics; the error.

    ``diverging`` and ``steps`` are of every draw, before thinning; zeros by ``svi``.
    """

    sites: Sites
    diverging: Array
    steps: Array
    grid_error: Array


def posterior(
    known: Seen,
    model: ModelSettings,
    inference: InferenceSettings,
    grids: tuple[Grid, Grid],
    thin: int,
    key: Array,
) -> Posterior:
    """Draw from one posterior.

    Parameters
    ----------
    known
        What was seen.
    model, inference
        Variant of the model, route and effort.
    grids
        Of the density, and of derivatives.
    thin
        Every how many draws one is kept.
    key
        Random key.
    """
    pilot_key, sample_key = jax.random.split(key)
    values, levels = first_fit(known, model, pilot_key, None)
    there, expansion, lean = look_around(values, known, model, no_expansion(known.economy))
    problem = Problem(known, model, Pilot(values, expansion, *grids, there, levels, lean))
    error = grid_error(there.replace(grid=grids[0]), known.career).largest
    route = {"nuts": _joint, "nuts-marginal": _marginal, "svi": _svi}[inference.method]
    return Posterior(*route(problem, inference, thin, sample_key), error)


def _joint(
    problem: Problem, inference: InferenceSettings, thin: int, key: Array
) -> tuple[Sites, Array, Array]:
    guide_key, chain_key = jax.random.split(key)
    guide = first_approximation(problem.joint, guide_key, problem.start(), progress=None)
    density, covariance = density_of(problem.joint), guide.parameter_gaussian().covariance_matrix
    draws, statistics = _chains(density, guide, covariance, inference, chain_key)
    names = problem.sites(skills=True)

    def sites(point: Sites) -> Sites:
        return generated_values(problem.joint, names, density.from_real(point))

    kept = {k: v[:, thin - 1 :: thin] for k, v in draws.items()}
    return each(sites, kept), statistics["diverging"], statistics["n_steps"]


def _marginal(
    problem: Problem, inference: InferenceSettings, thin: int, key: Array
) -> tuple[Sites, Array, Array]:
    guide_key, chain_key, skill_key = jax.random.split(key, 3)
    guide = first_approximation(problem.marginal, guide_key, problem.start(), progress=None)
    # The second look is from where the posterior is: Newton's steps start nearer.
    values = generated_values(problem.marginal, problem.sites(skills=False), guide.median())
    found = problem.pilot
    there, expansion, lean = look_around(values, problem.known, problem.settings, found.expansion)
    again = found._replace(values=values, expansion=expansion, careers=there, low_rank=lean)
    problem = Problem(problem.known, problem.settings, again)
    density = density_of(problem.marginal)
    point = density.to_real(problem.start())
    covariance = covariance_near(density.potential, point, guide.parameter_sites)
    draws, statistics = _chains(density, guide, covariance, inference, chain_key)
    kept = {k: v[:, thin - 1 :: thin] for k, v in draws.items()}
    theta = each(density.from_real, kept)
    return _with_skills(problem, theta, skill_key), statistics["diverging"], statistics["n_steps"]


def _svi(
    problem: Problem, inference: InferenceSettings, thin: int, key: Array
) -> tuple[Sites, Array, Array]:
    guide_key, sample_key, skill_key = jax.random.split(key, 3)
    guide = approximate(
        partial(problem.marginal, proposals=inference.svi_proposals),
        guide_key,
        problem.start(),
        steps=inference.svi_steps,
        learning_rate=0.01,
        progress=None,
    )
    drawn = guide.sample(sample_key, inference.draws // thin)
    none = jnp.zeros((1, inference.draws), int)
    return _with_skills(problem, {k: v[None] for k, v in drawn.items()}, skill_key), none > 0, none


def each(function: Callable[[Any], Any], draws: Any) -> Any:
    """Apply a function to every draw, (chain, draw, …), one after the other."""
    return jax.lax.map(lambda chain: jax.lax.map(function, chain), draws)


def _with_skills(problem: Problem, theta: Sites, key: Array) -> Sites:
    """Draw skills for every draw of the model of θ alone."""
    names, chains, draws = problem.sites(skills=False), *next(iter(theta.values())).shape[:2]
    keys = jax.random.split(key, (chains, draws))

    def one(inputs: tuple[Sites, Array]) -> Sites:
        values = generated_values(problem.marginal, names, inputs[0])
        drawn = draw_skills_at(problem.skills(), values, inputs[1])
        return values | {"skill_deviation": drawn.deviation}

    return each(one, (theta, keys))


def _chains(
    density: Density,
    guide: Approximation,
    covariance: Array,
    inference: InferenceSettings,
    key: Array,
) -> tuple[Sites, dict[str, Array]]:
    """Run chains as :func:`taskroy.inference.chains.run_chains` does, block after block.

    Returns unconstrained sites and statistics, (chain, draw, …).
    """
    start_key, chain_key = jax.random.split(key)
    starts = jax.vmap(density.to_real)(guide.sample(start_key, inference.chains))
    dense = guide.parameter_sites
    kernel = nuts_kernel(density.potential, inference, dense, {dense: covariance})
    height, slope = jax.lax.map(jax.value_and_grad(density.potential), starts)
    state = begin(kernel, starts, height, slope, chain_key, inference)

    def block(
        carried: tuple[HMCState, Moments], done: Array
    ) -> tuple[tuple[HMCState, Moments], dict[str, Array]]:
        state, drawn = jax.lax.map(partial(advance_chain, kernel, BLOCK), carried[0])
        sites = {k: drawn[k] for k in starts}

        def learn(state: HMCState, moments: Moments) -> tuple[HMCState, Moments]:
            counted = with_draws(moments, sites)
            return with_metric(state, counted), counted

        after = jax.lax.cond(
            learns_after(done, inference.warmup),
            learn,
            lambda state, moments: (state, moments),
            *(state, carried[1]),
        )
        return after, drawn

    total = inference.warmup + inference.draws
    ends = jnp.arange(BLOCK, total + BLOCK, BLOCK)
    _, blocks = jax.lax.scan(block, (state, no_moments(state)), ends)

    def joined(x: Array) -> Array:
        chains = jnp.moveaxis(x, 0, 1)
        return chains.reshape(len(chains), -1, *x.shape[3:])[:, inference.warmup : total]

    draws = {k: joined(v) for k, v in blocks.items()}
    return {k: draws.pop(k) for k in starts}, draws
