"""The routes to a posterior, behind one signature.

Each takes the economy, what was seen, the model's settings, the effort, a key; each returns
:class:`Draws` of θ and of every worker's skills from the same posterior:

* ``nuts``: θ and whitened skills by NUTS, with no error but that of the quadrature;
* ``nuts-marginal``: θ by NUTS with skills integrated out by Laplace's method and drawn afterwards;
* ``svi``: a Gaussian over θ, skills integrated out and drawn afterwards;
* ``simulated-mle``: one θ, where the simulated likelihood is highest, and one draw of skills there:
  the baseline, not a posterior.
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

from taskroy.inference.batches import WeighWorkers, draw_batch
from taskroy.inference.draw_skills import SkillProblem, draw_skills, weights_at
from taskroy.inference.metric import covariance_near
from taskroy.inference.nuts import run_chains
from taskroy.inference.pilot import Pilot, pilot, pilot_at
from taskroy.inference.replace_skills import WHITENED, integrated, whitened
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.simulated_mle import maximize_simulated_likelihood
from taskroy.inference.skill_posterior import Seen, seen
from taskroy.inference.variational import approximate
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
        ``newton_decrement``, how far the worst worker's last Newton step went. Simulated maximum
        likelihood: ``simulated_log_likelihood`` at the estimate.
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
    """
    if inference.method == "simulated-mle":
        return _simulated_mle(economy, log_wage, occupation, model, inference, key, progress)
    pilot_key, guide_key, sample_key, skill_key = jax.random.split(key, 4)
    known = seen(economy, log_wage, occupation)
    joint, marginal, svi = (inference.method == m for m in ("nuts", "nuts-marginal", "svi"))

    def problem_at(found: Pilot) -> tuple[SkillProblem, Callable[..., Any], dict[str, Array]]:
        model_there = partial(
            roy_model, economy, model, found.grid, log_wage=log_wage, occupation=occupation
        )
        problem = SkillProblem(model_there, known, found.expansion, model, found.grid, found.coarse)
        start = {k: v for k, v in found.values.items() if k not in found.levels}
        start |= {k + SUFFIX: jnp.zeros_like(v.score) for k, v in found.levels.items()}
        if not joint:
            return problem, partial(_marginal, known, found, model), start
        start[WHITENED] = jnp.zeros_like(found.expansion.slope)
        white = whiten_levels(model_there, found.levels)
        return problem, whitened(white, known, found.expansion), start

    found = pilot(economy, model, log_wage, occupation, inference.tolerance, pilot_key, progress)
    generative = problem_at(found)[0].model
    theta, latent = (_latent(generative, skills=with_skills) for with_skills in (False, joint))
    if not marginal:
        found = found.refined(known, inference.tolerance)
    problem, target, start = problem_at(found)
    guide = approximate(
        target,
        guide_key,
        start,
        steps=inference.svi_steps if svi else _GUIDE_STEPS,
        learning_rate=0.01,
        progress=progress,
        name="SVI" if svi else "starting points",
        draw_batch=None
        if joint or not inference.batch_size
        else partial(draw_batch, workers=len(log_wage), size=inference.batch_size),
    )
    if marginal:
        # The second look is from where the posterior is: Newton's steps start nearer.
        values = jax.jit(partial(_values, target, theta))(guide.median())
        again = pilot_at(
            values, economy, model, known, inference.tolerance, found.expansion, found.levels
        )
        found = again.refined(known, inference.tolerance)
        problem, target, start = problem_at(found)
    # The site's sample statements are traced once here; its potential is a pure function.
    info = initialize_model(
        guide_key, target, init_strategy=init_to_value(values=start), validate_grad=False
    )
    to_real = jax.jit(jax.vmap(partial(unconstrain_fn, target, (), {})))
    if svi:
        points = to_real(guide.sample(sample_key, inference.draws))
        weight = -jax.lax.map(info.potential_fn, points) - jax.vmap(guide.log_density)(points)
        statistics = {"log_weight": np.asarray(weight)[None]}
        shape = (1, inference.draws)
    else:
        start_key, chain_key = jax.random.split(sample_key)
        starts = to_real(guide.sample(start_key, inference.chains))
        parameters = guide.parameter_sites
        # With skills sampled too, the Hessian in θ alone would be that given skills: too narrow.
        covariance = (
            guide.parameter_gaussian().covariance_matrix
            if joint
            else covariance_near(info.potential_fn, info.param_info.z, parameters)
        )
        chains = run_chains(
            info.potential_fn,
            starts,
            chain_key,
            inference,
            dense=parameters,
            inverse_mass={parameters: covariance},
            progress=progress,
        )
        points = {k: jnp.asarray(v.reshape(-1, *v.shape[2:])) for k, v in chains.sites.items()}
        statistics = dict(chains.statistics)
        shape = (inference.chains, inference.draws)
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


def _marginal(
    known: Seen, found: Pilot, model: ModelSettings, workers: Array | None = None
) -> None:
    """Run the model of θ alone; where workers are named, they stand for all."""
    part, expansion = known, found.expansion
    if workers is not None:
        part, expansion = part.of(workers), expansion.of(workers)
    log_wage, occupation = part.career[..., 0], part.career[..., 1].astype(jnp.int32)
    generative = partial(
        roy_model, part.economy, model, found.grid, log_wage=log_wage, occupation=occupation
    )
    white = whiten_levels(generative, found.levels)
    weight = len(known.career) / len(part.career)
    WeighWorkers(integrated(white, part, expansion, model, found.coarse), weight)()


def _simulated_mle(
    economy: Economy,
    log_wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    model: ModelSettings,
    inference: InferenceSettings,
    key: Array,
    progress: Progress,
) -> Draws:
    """Return the estimate as one chain of one draw, with skills drawn from their posterior there.

    Drawn, not their means, whose spread over workers would be less than that of skills.
    """
    pilot_key, ascent_key, weight_key, draw_key = jax.random.split(key, 4)
    known = seen(economy, log_wage, occupation)
    career = {"log_wage": log_wage, "occupation": occupation}
    first = pilot(economy, model, log_wage, occupation, inference.tolerance, pilot_key, progress)
    bound = partial(roy_model, economy, model, first.grid, **career)
    estimate = maximize_simulated_likelihood(
        bound, known, first.values, model, inference, ascent_key, progress
    )
    there = pilot_at(
        estimate.values,
        economy,
        model,
        known,
        inference.tolerance,
        first.expansion,
        first.levels,
    )
    there = there.refined(known, inference.tolerance)
    bound = partial(roy_model, economy, model, there.grid, **career)
    problem = SkillProblem(bound, known, there.expansion, model, there.grid, there.coarse)
    sites = {k: v[None] for k, v in estimate.values.items()}
    drawn = draw_skills(problem, sites, draw_key, progress)
    sites["skill_deviation"] = jnp.asarray(drawn.deviation)
    return Draws(
        {k: np.asarray(v)[None] for k, v in sites.items()},
        {
            "simulated_log_likelihood": np.full((1, 1), estimate.log_likelihood),
            "newton_decrement": drawn.decrement[None],
        },
        there,
        weights_at(problem, there.values, weight_key),
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
