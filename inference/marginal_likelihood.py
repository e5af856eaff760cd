"""Log densities at θ: of its prior, site by site, and of each worker's whole career.

The likelihood of a career is marginal: skills are integrated out, by Laplace's method with what it
misses counted by importance weights. Given skills, a career's density answers another question,
and leaving workers out by it fails: each worker's skills hang on that one career.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from numpyro.infer.util import compute_log_probs

from taskroy.inference.draw_skills import SkillProblem, find
from taskroy.inference.skill_importance import log_mean, log_weights
from taskroy.inference.skill_posterior import Laplace
from taskroy.inference.theta import Theta, careers

# Few: weights are alike for most workers, and all draws of θ share what noise they have. Of workers
# who look ahead Laplace's Gaussian leaves out how what is to come depends on skills: they spread.
_PROPOSALS, _PROPOSALS_AHEAD = 8, 32
_SKILLS = "skill_deviation"
_CAREERS = "career"


def log_prior(problem: SkillProblem, values: dict[str, Array]) -> dict[str, Array]:
    """Return the log prior density of each latent site of θ, given the sites before it."""
    workers, _, tasks = problem.seen.weights.shape
    given = values | {_SKILLS: jnp.zeros((workers, tasks))}
    found, _ = compute_log_probs(problem.model, (), {}, given)
    return {k: v for k, v in found.items() if k not in (_SKILLS, _CAREERS)}


def log_likelihood(
    problem: SkillProblem, theta: Theta, key: Array, proposals: int | None = None
) -> Float[Array, " N"]:
    """Return the log density of each worker's career given θ, skills integrated out, (N,).

    `proposals` of skills a worker; left out, as many as the variant of the model needs.
    """
    laplace, missed = laplace_and_missed(problem, theta, find(problem, theta), key, proposals)
    return laplace + missed


def laplace_and_missed(
    problem: SkillProblem, theta: Theta, found: Laplace, key: Array, proposals: int | None = None
) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    """Return the two parts of `log_likelihood`, where `find` has been at θ."""
    if proposals is None:
        proposals = _PROPOSALS_AHEAD if problem.settings.discount else _PROPOSALS
    gaussian = found.gaussian
    mode = gaussian.centre
    there = careers(theta, problem.seen, mode, problem.settings, problem.grid)
    laplace = there.log_prob(problem.seen.career) - 0.5 * (mode**2).sum(-1) - gaussian.log_volume
    _, weight = log_weights(
        theta, problem.seen, gaussian, problem.settings, problem.grid, key, proposals
    )
    return laplace, log_mean(weight)
