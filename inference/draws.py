"""What a route gives: draws of θ and of every worker's skills."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from taskroy.inference.accuracy import GridError
from taskroy.inference.draw_skills import draw_skills, weights_at
from taskroy.inference.grids_of_draws import error_at_draws
from taskroy.inference.pilot import Pilot
from taskroy.inference.problem import Problem, generated_values_of_draws
from taskroy.progress import Progress


@dataclass(frozen=True)
class Draws:
    """Posterior draws of the model's sites, each (chain, draw, …), and the sampler's statistics.

    Attributes
    ----------
    sites
        Constrained values of θ and ``skill_deviation`` (chain, draw, N, K).
    statistics
        NUTS: divergences, energy, steps and the like, (chain, draw). SVI: ``log_weight``, log of
        posterior over approximation up to a constant, of the approximation's draws in their own
        order, before they are resampled. With skills integrated out:
        ``newton_decrement``, how far the worst worker's last Newton step went. Simulated maximum
        likelihood: ``simulated_log_likelihood`` at the estimate.
    pilot
        Values and expansion that the route started from, and the grids that it ended with.
    error
        Of the quadrature, the largest at eight of the draws.
    skill_log_weights
        With skills integrated out: log importance weights of proposals from Laplace's method at
        the pilot, (S, N).
    """

    sites: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    pilot: Pilot
    error: GridError[float]
    skill_log_weights: np.ndarray | None


class Sampled(NamedTuple):
    """Constrained draws of a model's sites, leading dimension D, and how they were sampled."""

    problem: Problem
    draws: dict[str, Array]
    statistics: dict[str, np.ndarray]
    shape: tuple[int, int]


def joint_draws(sampled: Sampled) -> Draws:
    """Gather draws of θ and skills together."""
    names = sampled.problem.sites(skills=True)
    sites = generated_values_of_draws(sampled.problem.joint, names, sampled.draws)
    return _draws(sampled.problem, sites, sampled.statistics, sampled.shape)


def with_skills(sampled: Sampled, key: Array, progress: Progress) -> Draws:
    """Draw skills for draws of the model of θ alone."""
    problem = sampled.problem
    names = problem.sites(skills=False)
    sites = generated_values_of_draws(problem.marginal, names, sampled.draws)
    return with_skills_at(sites, sampled, key, progress)


def with_skills_at(
    sites: dict[str, Array], sampled: Sampled, key: Array, progress: Progress
) -> Draws:
    """Draw skills for values of the generative model's sites; `sampled` says whence they came."""
    problem, shape = sampled.problem, sampled.shape
    weight_key, draw_key = jax.random.split(key)
    weights = weights_at(problem.skills(), problem.pilot.values, weight_key)
    drawn = draw_skills(problem.skills(), sites, draw_key, progress)
    every = sites | {"skill_deviation": jnp.asarray(drawn.deviation)}
    more = {"newton_decrement": drawn.decrement.reshape(shape)}
    return replace(
        _draws(problem, every, sampled.statistics | more, shape), skill_log_weights=weights
    )


def _draws(
    problem: Problem,
    sites: dict[str, Array],
    statistics: dict[str, np.ndarray],
    shape: tuple[int, int],
) -> Draws:
    arrays = {k: np.asarray(v).reshape(shape + v.shape[1:]) for k, v in sites.items()}
    return Draws(arrays, statistics, problem.pilot, error_at_draws(problem, sites), None)
