"""Log densities of draws of θ: of its prior, site by site, and of each worker's whole career.

The likelihood of a career is marginal: skills are integrated out, by Laplace's method with what it
misses counted by importance weights. Given skills, a career's density answers another question,
and leaving workers out by it fails: each worker's skills hang on that one career.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from numpyro.infer.util import compute_log_probs

from taskroy.inference.draw_skills import SkillProblem, find
from taskroy.inference.over_draws import over_draws
from taskroy.inference.skill_importance import log_mean, log_weights
from taskroy.inference.theta import Theta, careers, theta_at
from taskroy.progress import Progress

# Few: the weights are nearly equal, and all draws of θ share what noise they have.
_PROPOSALS = 8
_SKILLS = "skill_deviation"
_CAREERS = "career"


class LogDensities(NamedTuple):
    """Of D draws: ``prior`` by latent site of θ, each (D,); ``likelihood`` of each worker.

    ``correction`` is what of the likelihood of all workers Laplace's method misses.
    """

    prior: dict[str, Float[Any, "*D"]]
    likelihood: Float[Any, "*D N"]
    correction: Float[Any, "*D"]


def log_densities(
    problem: SkillProblem, draws: dict[str, Array], key: Array, progress: Progress
) -> LogDensities:
    """Return log densities at draws of θ.

    Parameters
    ----------
    problem
        Whose careers.
    draws
        All latent sites of the generative model but ``skill_deviation``, constrained, with a
        leading dimension D. Densities are with respect to them.
    key
        Random key of the proposals. All draws of θ share them, in whitened units, so that their
        noise is nearly the same in each.
    progress
        Told how far it is.
    """

    def one(values: dict[str, Array]) -> LogDensities:
        laplace, missed = _laplace_and_missed(problem, theta_at(problem.model, values), key)
        return LogDensities(log_prior(problem, values), laplace + missed, missed.sum())

    found: LogDensities = over_draws(one, draws, progress, "likelihood of each worker")
    return found


def log_prior(problem: SkillProblem, values: dict[str, Array]) -> dict[str, Array]:
    """Return the log prior density of each latent site of θ, given the sites before it."""
    workers, _, tasks = problem.seen.weights.shape
    given = values | {_SKILLS: jnp.zeros((workers, tasks))}
    found, _ = compute_log_probs(problem.model, (), {}, given)
    return {k: v for k, v in found.items() if k not in (_SKILLS, _CAREERS)}


def log_likelihood(
    problem: SkillProblem, theta: Theta, key: Array, proposals: int = _PROPOSALS
) -> Float[Array, " N"]:
    """Return the log density of each worker's career given θ, skills integrated out."""
    laplace, missed = _laplace_and_missed(problem, theta, key, proposals)
    return laplace + missed


def _laplace_and_missed(
    problem: SkillProblem, theta: Theta, key: Array, proposals: int = _PROPOSALS
) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    gaussian = find(problem, theta).gaussian
    mode = gaussian.centre
    there = careers(theta, problem.seen, mode, problem.settings, problem.grid)
    laplace = there.log_prob(problem.seen.career) - 0.5 * (mode**2).sum(-1) - gaussian.log_volume
    _, weight = log_weights(
        theta, problem.seen, gaussian, problem.settings, problem.grid, key, proposals
    )
    return laplace, log_mean(weight)
