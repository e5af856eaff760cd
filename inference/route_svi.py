"""The route ``svi``: a Gaussian over θ with skills integrated out, resampled by importance."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import jax
import numpy as np
from jax import Array
from numpyro import handlers

from taskroy.inference.batches import draw_batch
from taskroy.inference.density import density_of
from taskroy.inference.draws import Draws, Sampled, with_skills
from taskroy.inference.gaussian_near import gaussian_near
from taskroy.inference.importance_resampling import resample, smoothed_weights
from taskroy.inference.over_draws import over_draws
from taskroy.inference.problem import Problem
from taskroy.inference.route_call import Call
from taskroy.inference.variational import Approximation, approximate, first_approximation
from taskroy.inference.worker_mesh import own_copy

# Where steps look at batches: of fewer workers than parameters a Hessian is not one.
_HESSIAN_WORKERS = 1024
# Of skills, with which draws of θ are weighed.
_WEIGHING_PROPOSALS = 16


def svi(call: Call) -> Draws:
    """Draw θ from a fitted Gaussian, resampled by importance, and skills at each draw."""
    pilot_key, guide_key, sample_key, skill_key = jax.random.split(call.key, 4)
    problem = call.first_look(pilot_key).refined(call.inference.tolerance).ready_for_laplace()
    shared = replace(problem, mesh=call.mesh)
    look_key, guide_key, weigh_key, resample_key = jax.random.split(guide_key, 4)
    guide = approximate(
        partial(shared.marginal, proposals=call.inference.svi_proposals),
        guide_key,
        problem.start(),
        steps=call.inference.svi_steps,
        learning_rate=0.01,
        progress=call.progress,
        name="SVI",
        draw_batch=call.batches,
        around=_gaussian_near(call, shared, look_key),
    )
    # Where devices shared the work each has a copy of its result.
    guide = guide._replace(parameters=own_copy(guide.parameters))
    number = call.inference.draws
    draws = guide.sample(sample_key, number)
    weight = _log_weights(call, problem, guide, draws, weigh_key)
    generator = np.random.default_rng(np.asarray(jax.random.bits(resample_key, (4,))))
    chosen = resample(smoothed_weights(weight), generator)
    draws = {k: v[chosen] for k, v in draws.items()}
    statistics = {"log_weight": weight[None]}
    sampled = Sampled(problem, draws, statistics, (1, number), call.checkpoint)
    return with_skills(sampled, skill_key, call.progress)


def _some(call: Call, key: Array) -> Array | None:
    """Draw the workers whose Hessian stands for that of all; None for all."""
    workers = len(call.known.career)
    return None if workers <= _HESSIAN_WORKERS else draw_batch(key, workers, _HESSIAN_WORKERS)


def _log_weights(
    call: Call, problem: Problem, guide: Approximation, draws: dict[str, Array], key: Array
) -> np.ndarray:
    """Return the log of posterior over guide for each draw, up to a constant, (D,).

    Where the guide's bound counts what Laplace's method misses, so does this. All draws share the
    proposals of skills, in units of each worker's Gaussian: most of their noise is common to all.
    """
    proposals = _WEIGHING_PROPOSALS if call.inference.svi_proposals else 0
    model = handlers.seed(partial(problem.marginal, proposals=proposals), key)
    density = density_of(model)
    points = jax.jit(jax.vmap(density.to_real))(draws)

    def one(point: dict[str, Array]) -> Array:
        return -density.potential(point) - guide.log_density(point)

    weight: np.ndarray = over_draws(one, points, call.progress, "importance weights")
    return weight


def _gaussian_near(call: Call, problem: Problem, key: Array) -> tuple[Array, Array]:
    """Return a Gaussian about like the posterior of θ: where a short fit ends, and its Hessian."""
    batches = call.batches
    short = first_approximation(
        problem.marginal, key, problem.start(), progress=call.progress, draw_batch=batches
    )
    some = None if batches is None else _some(call, jax.random.fold_in(key, 1))
    return gaussian_near(problem, short.median(), some)
