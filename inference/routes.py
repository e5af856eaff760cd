"""The routes to a posterior, behind one signature.

Each takes what was seen, the model's settings, the effort, a key; each returns :class:`Draws` of θ
and of every worker's skills from the same posterior:

* ``nuts``: θ and whitened skills by NUTS, with no error but that of the quadrature;
* ``nuts-marginal``: θ by NUTS with skills integrated out by Laplace's method and drawn afterwards;
* ``svi``: a Gaussian over θ, resampled by importance where it is near enough to the posterior;
  skills integrated out and drawn afterwards;
* ``simulated-mle``: one θ, where the simulated likelihood is highest, and one draw of skills there:
  the baseline, not a posterior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from taskroy.inference.chains import Pieces, run_chains
from taskroy.inference.checkpoint import Checkpoint, InMemory
from taskroy.inference.density import Density, density_of
from taskroy.inference.draws import Draws, Sampled, joint_draws, with_skills, with_skills_at
from taskroy.inference.grids_of_draws import joint_grids, marginal_grids
from taskroy.inference.known_variants import require_known
from taskroy.inference.look_again import look_again
from taskroy.inference.look_from_top import is_wide, look_from_top
from taskroy.inference.metric import covariance_near
from taskroy.inference.problem import Problem, generated_values
from taskroy.inference.route_call import Call
from taskroy.inference.route_svi import svi
from taskroy.inference.seen import seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.simulated_mle import maximize_simulated_likelihood
from taskroy.inference.start import Start, kept
from taskroy.inference.target import Grids, Target
from taskroy.inference.variational import Approximation, first_approximation
from taskroy.models.roy import Economy
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress

# Of the guide, the widest of which the grid has to do for.
_SPREAD_DRAWS, _SPREAD_MARGIN = 40, 10.0


def sample_posterior(
    economy: Economy,
    log_wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    model: ModelSettings,
    inference: InferenceSettings,
    key: Array,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
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
        fit, the route goes on from there. The other routes are quick, and only find room for their
        draws there. Without one, everything is in memory.

    Raises
    ------
    FitError
        For a variant of the model that the route does not know.
    """
    require_known(model, inference.method)
    known = seen(economy, log_wage, occupation)
    route = {
        "nuts": _joint_nuts,
        "nuts-marginal": _marginal_nuts,
        "svi": svi,
        "simulated-mle": _simulated_mle,
    }[inference.method]
    return route(Call(known, model, inference, key, progress, checkpoint or InMemory()))


def _joint_nuts(call: Call) -> Draws:
    pilot_key, guide_key, sample_key, spread_key = jax.random.split(call.key, 4)

    def fit(problem: Problem, around: tuple[Array, Array] | None = None) -> Approximation:
        model, start = problem.joint, problem.start()
        return first_approximation(model, guide_key, start, progress=call.progress, around=around)

    def look() -> tuple[Problem, Approximation, Array]:
        tolerance = call.inference.tolerance
        first = call.first_look(pilot_key).refined(tolerance)
        if is_wide(first):
            problem, around = look_from_top(first, tolerance, call.progress)
            guide = fit(problem, around)
            # The guide has θ independent of skills: the more of them there are, the nearer to
            # the width of θ given skills, which is too narrow.
            covariance = around[1] @ around[1].T
        else:
            problem, guide = look_again(first, fit, tolerance)
            # The Hessian in θ alone would be that given skills.
            covariance = guide.parameter_gaussian().covariance_matrix
        draws = guide.sample(spread_key, _SPREAD_DRAWS)
        # Few draws of a guide: the tails of the posterior lie further out.
        grids = joint_grids(problem, draws, tolerance / _SPREAD_MARGIN, margin=1.0)
        return problem.with_grids(grids), guide, covariance

    sampled, whitened = _nuts(call, look, Problem.joint, joint_grids, sample_key)
    return joint_draws(sampled, whitened, call.progress)


def _marginal_nuts(call: Call) -> Draws:
    pilot_key, guide_key, sample_key, skill_key = jax.random.split(call.key, 4)

    def fit(problem: Problem, around: tuple[Array, Array] | None = None) -> Approximation:
        model, start = problem.marginal, problem.start()
        return first_approximation(model, guide_key, start, progress=call.progress, around=around)

    def look() -> tuple[Problem, Approximation, Array]:
        first = call.first_look(pilot_key)
        if is_wide(first):
            problem, around = look_from_top(first, call.inference.tolerance, call.progress)
            return problem, fit(problem, around), around[1] @ around[1].T
        first = first.ready_for_laplace()
        guide = fit(first)
        # The second look is from where the posterior is: Newton's steps start nearer.
        at = partial(generated_values, first.marginal, first.sites(skills=False))
        there = first.looked_at_from(jax.jit(at)(guide.median()), call.inference.tolerance)
        problem = there.ready_for_laplace()
        density = density_of(problem.marginal)
        point = jax.jit(density.to_real)(problem.start())
        return problem, guide, covariance_near(density.potential, point, guide.parameter_sites)

    sampled, _ = _nuts(call, look, Problem.marginal, marginal_grids, sample_key)
    return with_skills(sampled, skill_key, call.progress)


def _simulated_mle(call: Call) -> Draws:
    """Return the estimate as one chain of one draw, with skills drawn from their posterior there.

    Drawn, not their means, whose spread over workers would be less than that of skills.
    """
    pilot_key, ascent_key, skill_key = jax.random.split(call.key, 3)
    first = call.first_look(pilot_key)
    estimate = maximize_simulated_likelihood(
        first.generative(),
        call.known,
        first.pilot.values,
        call.model,
        call.inference,
        ascent_key,
        call.progress,
    )
    problem = first.looked_at_from(estimate.values, call.inference.tolerance)
    statistics = {"simulated_log_likelihood": np.full((1, 1), estimate.log_likelihood)}
    sites = {k: v[None] for k, v in estimate.values.items()}
    sampled = Sampled(problem, sites, statistics, (1, 1), call.checkpoint)
    return with_skills_at(sites, sampled, skill_key, call.progress)


def _nuts(
    call: Call,
    look: Callable[[], tuple[Problem, Approximation, Array]],
    model: Callable[[Problem], Any],
    grids_at: Callable[[Problem, dict[str, Array], float], Grids],
    key: Array,
) -> tuple[Sampled, Pieces]:
    """Sample a model of the problem by NUTS, from where the checkpoint or a look says.

    A look finds the problem, a guide to draw starting points from, and a first guess of the
    covariance of θ. The model's sites are in pieces where they are not θ's.
    """
    start_key, chain_key = jax.random.split(key)
    inference = call.inference

    def find() -> Start:
        problem, guide, covariance = look()
        points = guide.sample(start_key, inference.chains)
        return Start(problem.pilot, points, guide.parameter_sites, covariance)

    start = kept(call.checkpoint, find)
    problem = Problem(call.known, call.model, start.pilot)

    def density(grids: Grids) -> Density:
        return density_of(partial(model, replace(problem.with_grids(grids), mesh=call.mesh)))

    first = density(problem.grids)

    def refine(draws: dict[str, Array], grids: Grids) -> Grids:
        values = jax.jit(jax.vmap(first.from_real))(_one_after_another(draws))
        return grids_at(problem.with_grids(grids), values, inference.tolerance)

    in_memory = isinstance(call.checkpoint, InMemory)
    chains = run_chains(
        Target(lambda grids: density(grids).potential, problem.grids, refine),
        jax.jit(jax.vmap(first.to_real))(start.points),
        chain_key,
        inference,
        dense=start.parameters,
        inverse_mass={start.parameters: start.covariance},
        progress=call.progress,
        checkpoint=call.checkpoint,
        bytes_later=problem.pilot.expansion.slope.nbytes if in_memory else 0,
        mesh=call.mesh,
    )
    draws = jax.jit(jax.vmap(first.from_real))(_one_after_another(chains.sites))
    problem = problem.with_grids(chains.grids)
    shape = (inference.chains, inference.draws)
    return Sampled(problem, draws, chains.statistics, shape, call.checkpoint), chains.pieces


def _one_after_another(draws: Mapping[str, Any]) -> dict[str, Array]:
    """Return draws of (chain, draw, …) with the two in one leading dimension."""
    return {k: jnp.asarray(v).reshape(-1, *v.shape[2:]) for k, v in draws.items()}
