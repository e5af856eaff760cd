"""What a route gives: draws of θ and of every worker's skills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from taskroy.inference.accuracy import GridError
from taskroy.inference.chains import PIECE, Pieces
from taskroy.inference.checkpoint import Checkpoint
from taskroy.inference.draw_skills import draw_skills, weights_at
from taskroy.inference.drawn_skills import DrawnSkills
from taskroy.inference.grids_of_draws import error_at_draws
from taskroy.inference.over_draws import map_blocks
from taskroy.inference.pilot import Pilot
from taskroy.inference.problem import Problem, generated_values, generated_values_of_draws
from taskroy.inference.replace_skills import WHITENED
from taskroy.progress import Progress

_DEVIATION = "skill_deviation"


@dataclass(frozen=True)
class Draws:
    """Posterior draws of the model's sites, each (chain, draw, …), and the sampler's statistics.

    Attributes
    ----------
    sites
        Constrained values of θ.
    skill_deviation
        s_i − s̄ of every worker.
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
    skill_deviation: DrawnSkills
    statistics: dict[str, np.ndarray]
    pilot: Pilot
    error: GridError[float]
    skill_log_weights: np.ndarray | None


class Sampled(NamedTuple):
    """Constrained draws of a model's sites, leading dimension D, and how they were sampled.

    ``shape`` is of chains and draws; the checkpoint has room for skills.
    """

    problem: Problem
    draws: dict[str, Array]
    statistics: dict[str, np.ndarray]
    shape: tuple[int, int]
    checkpoint: Checkpoint


def joint_draws(sampled: Sampled, whitened: Pieces, progress: Progress) -> Draws:
    """Gather draws of θ and skills together, these from pieces of draws of whitened ones."""
    problem, shape = sampled.problem, sampled.shape
    names = problem.sites(skills=False)
    sites = generated_values_of_draws(problem.joint, names, sampled.draws)
    skills = _room(sampled)

    def one(values: dict[str, Array]) -> Array:
        return generated_values(problem.joint, (_DEVIATION,), values)[_DEVIATION]

    def blocks() -> Iterator[dict[str, np.ndarray]]:
        theta = {k: np.asarray(v).reshape(shape + v.shape[1:]) for k, v in sampled.draws.items()}
        first = 0
        for piece in whitened:
            last = first + piece[WHITENED].shape[1]
            of_chains = {k: v[:, first:last] for k, v in theta.items()} | piece
            yield {k: v.reshape(-1, *v.shape[2:]) for k, v in of_chains.items()}
            first = last

    first = 0
    number, at_most = shape[0] * shape[1], shape[0] * PIECE
    for rows in map_blocks(one, blocks(), at_most, number, progress, "skills"):
        last = first + len(rows) // shape[0]
        skills.room[:, first:last] = rows.reshape(shape[0], -1, *rows.shape[1:])
        first = last
    return _draws(sampled, sites, skills)


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
    problem, skills = sampled.problem, _room(sampled)
    weight_key, draw_key = jax.random.split(key)
    weights = weights_at(problem.skills(), problem.pilot.values, weight_key)
    decrement = draw_skills(problem.skills(), sites, draw_key, skills, progress)
    more = {"newton_decrement": decrement.reshape(sampled.shape)}
    sampled = sampled._replace(statistics=sampled.statistics | more)
    return _draws(sampled, sites, skills, weights)


def _room(sampled: Sampled) -> DrawnSkills:
    like = sampled.problem.pilot.expansion.slope
    return DrawnSkills(
        sampled.checkpoint.room(_DEVIATION, sampled.shape + like.shape, np.dtype(like.dtype))
    )


def _draws(
    sampled: Sampled,
    sites: dict[str, Array],
    skills: DrawnSkills,
    skill_log_weights: np.ndarray | None = None,
) -> Draws:
    problem, shape = sampled.problem, sampled.shape
    arrays = {k: np.asarray(v).reshape(shape + v.shape[1:]) for k, v in sites.items()}
    error = error_at_draws(problem, sites | {_DEVIATION: skills})
    return Draws(arrays, skills, sampled.statistics, problem.pilot, error, skill_log_weights)
