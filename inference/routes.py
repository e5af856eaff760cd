"""The routes to a posterior, behind one signature.

Each takes the economy, what was seen, the model's settings, the effort, a key; each returns
:class:`Draws` of θ and of every worker's skills from the same posterior:

* ``nuts``: θ and whitened skills by NUTS, with no error but that of the quadrature;
* ``nuts-marginal``: θ by NUTS with skills integrated out by Laplace's method and drawn afterwards;
* ``svi``: a Gaussian over θ, skills integrated out and drawn afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int
from numpyro import handlers
from numpyro.infer.initialization import init_to_value
from numpyro.infer.util import constrain_fn, initialize_model, unconstrain_fn

from taskroy.inference.checkpoint import Checkpoint, NoCheckpoint
from taskroy.inference.draw_skills import SkillProblem, draw_skills, weights_at
from taskroy.inference.metric import covariance_near
from taskroy.inference.nuts import run_chains
from taskroy.inference.pilot import Pilot, pilot, pilot_at
from taskroy.inference.replace_skills import WHITENED, integrated, whitened
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.skill_posterior import seen
from taskroy.inference.start import Start, kept
from taskroy.inference.variational import Approximation, approximate
from taskroy.inference.whiten_levels import SUFFIX, whiten_levels
from taskroy.models.roy import Economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress

_GUIDE_STEPS = 500


@dataclass(frozen=True)
class Draws:
    """Posterior draws of the model's sites, each (chain, draw, …), and the sampler's statistics.

    Attributes
    ----------
    sites
        Constrained values of θ and ``skill_deviation`` (chain, draw, N, K).
    statistics
        NUTS: divergences, energy, steps and the like, (chain, draw). SVI: ``log_weight``, log of
        posterior over approximation, up to a constant. With skills integrated out:
        ``newton_decrement``, how far the worst worker's last Newton step went.
    pilot
        Values, expansion and grids that the route started from.
    skill_log_weights
        With skills integrated out: log importance weights of proposals from Laplace's method at
        the pilot, (S, N).
    """

    sites: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    pilot: Pilot
    skill_log_weights: np.ndarray | None


def sample_posterior(
    economy: Economy,
    log_wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    model: ModelSettings,
    inference: InferenceSettings,
    key: Array,
    progress: Progress,
    checkpoint: Checkpoint = NoCheckpoint(),  # noqa: B008  (has no state)
) -> Draws:
    """Draw from the posterior by the route that `inference.method` names.

    Parameters
    ----------
    economy
        Technology, covariates, and who is seen when.
    log_wage, occupation
        What was seen, padded, (N, T).
    model
        Variant of the model and priors.
    inference
        Route and effort.
    key
        Random key.
    progress
        Told how far it is.
    checkpoint
        Keeps what NUTS starts from, and its draws block by block; where it holds some of the same
        fit, the route goes on from there. SVI is quick, and keeps nothing.
    """
    pilot_key, guide_key, sample_key, skill_key = jax.random.split(key, 4)
    known = seen(economy, log_wage, occupation)
    joint, marginal, svi = (inference.method == m for m in ("nuts", "nuts-marginal", "svi"))

    def problem_at(found: Pilot) -> tuple[SkillProblem, Callable[..., Any], dict[str, Array]]:
        model_there = partial(
            roy_model, economy, model, found.grid, log_wage=log_wage, occupation=occupation
        )
        problem = SkillProblem(model_there, known, found.expansion, model, found.grid, found.coarse)
        white = whiten_levels(model_there, found.levels)
        start = {k: v for k, v in found.values.items() if k not in found.levels}
        start |= {k + SUFFIX: jnp.zeros_like(v.score) for k, v in found.levels.items()}
        if not joint:
            target = integrated(white, known, found.expansion, model, found.coarse)
            return problem, target, start
        start[WHITENED] = jnp.zeros_like(found.expansion.slope)
        return problem, whitened(white, known, found.expansion), start

    def look() -> tuple[Pilot, Approximation]:
        found = pilot(economy, model, log_wage, occupation, pilot_key, progress)
        generative = problem_at(found)[0].model
        if not marginal:
            found = found.refined(known, inference.tolerance)
        _, target, start = problem_at(found)
        guide = approximate(
            target,
            guide_key,
            start,
            steps=inference.svi_steps if svi else _GUIDE_STEPS,
            learning_rate=0.01,
            progress=progress,
            name="SVI" if svi else "starting points",
        )
        if marginal:
            # The second look is from where the posterior is: Newton's steps start nearer.
            theta = _latent(generative, skills=False)
            values = jax.jit(partial(_values, target, theta))(guide.median())
            again = pilot_at(values, economy, model, known, found.expansion, found.levels)
            found = again.refined(known, inference.tolerance)
        return found, guide

    def find_start() -> Start:
        found, guide = look()
        points = guide.sample(start_key, inference.chains)
        covariance = guide.parameter_gaussian().covariance_matrix
        return Start(found, points, guide.parameter_sites, covariance)

    if svi:
        found, guide = look()
    else:
        start_key, chain_key = jax.random.split(sample_key)
        begin = kept(checkpoint, find_start)
        found = begin.pilot
    problem, target, values = problem_at(found)
    # The site's sample statements are traced once here; its potential is a pure function.
    info = initialize_model(
        guide_key, target, init_strategy=init_to_value(values=values), validate_grad=False
    )
    to_real = jax.jit(jax.vmap(partial(unconstrain_fn, target, (), {})))
    if svi:
        points = to_real(guide.sample(sample_key, inference.draws))
        weight = -jax.lax.map(info.potential_fn, points) - jax.vmap(guide.log_density)(points)
        statistics = {"log_weight": np.asarray(weight)[None]}
        shape = (1, inference.draws)
    else:
        # With skills sampled too, the Hessian in θ alone would be that given skills: too narrow.
        covariance = (
            begin.covariance
            if joint
            else covariance_near(info.potential_fn, info.param_info.z, begin.parameters)
        )
        chains = run_chains(
            info.potential_fn,
            to_real(begin.points),
            chain_key,
            inference,
            dense=begin.parameters,
            inverse_mass={begin.parameters: covariance},
            progress=progress,
            checkpoint=checkpoint,
            bytes_later=0 if joint else found.expansion.slope.nbytes,
        )
        points = {k: jnp.asarray(v.reshape(-1, *v.shape[2:])) for k, v in chains.sites.items()}
        statistics = dict(chains.statistics)
        shape = (inference.chains, inference.draws)
    latent = _latent(problem.model, skills=joint)
    constrained = jax.vmap(partial(constrain_fn, target, (), {}))
    each = jax.vmap(partial(_values, target, latent))
    sites = jax.jit(lambda x: each(constrained(x)))(points)
    weights = None
    if not joint:
        weight_key, draw_key = jax.random.split(skill_key)
        weights = weights_at(problem, found.values, weight_key)
        drawn = draw_skills(problem, sites, draw_key, progress)
        sites["skill_deviation"] = drawn.deviation
        statistics["newton_decrement"] = drawn.decrement.reshape(shape)
    return Draws(
        {k: np.asarray(v).reshape(shape + v.shape[1:]) for k, v in sites.items()},
        statistics,
        found,
        weights,
    )


def _latent(model: Callable[..., Any], *, skills: bool) -> tuple[str, ...]:
    """Return the latent sites of the generative model that a route draws."""
    trace = handlers.trace(handlers.seed(model, 0)).get_trace()
    names = [k for k, v in trace.items() if v["type"] == "sample" and not v["is_observed"]]
    return tuple(k for k in names if skills or k != "skill_deviation")


def _values(
    target: Callable[..., Any], names: tuple[str, ...], values: dict[str, Array]
) -> dict[str, Array]:
    """Return the generative model's sites, given those of a model that replaces some of them."""
    fixed = handlers.substitute(handlers.seed(target, 0), data=values)
    trace = handlers.trace(fixed).get_trace()
    return {k: trace[k]["value"] for k in names}
