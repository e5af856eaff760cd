"""Skills drawn after θ: from each worker's Laplace Gaussian, corrected by importance resampling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.inference.drawn_skills import DrawnSkills
from taskroy.inference.over_draws import blocks_over_draws
from taskroy.inference.seen import Seen
from taskroy.inference.skill_importance import log_weights
from taskroy.inference.skill_posterior import ChoiceExpansion, Laplace, laplace
from taskroy.inference.theta import Theta, theta_at
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress

# Few suffice: weights are alike for most workers, and one of a few is drawn, not their mean taken.
_PROPOSALS = 8
# From the expansion's centre one step and the last leave 1e-5 of a posterior sd for the worst of
# 1,000 workers with 37 tasks; a Gaussian that is off its mode is corrected like any other.
_NEWTON_STEPS = 1
_WEIGHTS = 500


class SkillProblem(NamedTuple):
    """What it takes to find workers' skills at any θ.

    ``model`` is the generative model with its arguments bound; ``grid`` of its density and
    ``coarse`` of its derivatives.
    """

    model: Callable[..., Any]
    seen: Seen
    expansion: ChoiceExpansion
    settings: ModelSettings
    grid: Grid
    coarse: Grid


class SkillDraws(NamedTuple):
    """Skills s_i − s̄ of draws of θ, and how far Newton's last step went for the worst worker."""

    deviation: Float[Any, "*D N K"]
    decrement: Float[Any, "*D"]


def find(problem: SkillProblem, theta: Theta) -> Laplace:
    """Return the Laplace approximation of every worker's skills at θ."""
    start = problem.expansion.gaussian(theta, problem.seen).centre
    return laplace(
        theta, problem.seen, start, problem.settings, problem.coarse, steps=_NEWTON_STEPS
    )


def draw_skills_at(problem: SkillProblem, values: dict[str, Array], key: Array) -> SkillDraws:
    """Draw every worker's skills once at one draw of θ, as a function that can be traced."""
    theta = theta_at(problem.model, values)
    return draw_skills_near(problem, theta, find(problem, theta), key)


def draw_skills_near(problem: SkillProblem, theta: Theta, found: Laplace, key: Array) -> SkillDraws:
    """Draw every worker's skills once at θ, where `find` has been."""
    propose_key, choose_key = jax.random.split(key)
    proposed, weight = _log_weights(problem, theta, found, propose_key, _PROPOSALS)
    chosen = jax.random.categorical(choose_key, weight, axis=0)
    e = jnp.take_along_axis(proposed, chosen[None, :, None], axis=0)[0]
    deviation = e @ theta.skill_scale_tril.T
    return SkillDraws(deviation, found.decrement.max())


def draw_skills(
    problem: SkillProblem,
    draws: dict[str, Array],
    key: Array,
    skills: DrawnSkills,
    progress: Progress,
) -> Float[np.ndarray, " D"]:
    """Draw every worker's skills once for each draw of θ.

    Parameters
    ----------
    problem
        Whose skills.
    draws
        Sites of θ, constrained, each with a leading dimension D.
    key
        Random key.
    skills
        Where skills s_i − s̄ are written to.
    progress
        Told how far it is.

    Returns
    -------
    Array
        How far Newton's last step went for the worst worker of each draw.
    """

    def one(inputs: tuple[dict[str, Array], Array]) -> SkillDraws:
        return draw_skills_at(problem, *inputs)

    keys = jax.random.split(key, len(next(iter(draws.values()))))
    decrements: list[np.ndarray] = []
    done = 0
    for block in blocks_over_draws(one, (draws, keys), progress, "skills"):
        skills.write(done, block.deviation)
        decrements.append(block.decrement)
        done += len(block.decrement)
    return np.concatenate(decrements)


def weights_at(
    problem: SkillProblem, values: dict[str, Array], key: Array
) -> Float[np.ndarray, "S N"]:
    """Return log importance weights of 500 proposals for every worker, at one θ.

    They say how good Laplace's method is for each worker: k̂, effective size, and, as the log of
    their mean, the error of his log likelihood.
    """

    @jax.jit
    def weigh(values: dict[str, Array]) -> Array:
        theta = theta_at(problem.model, values)
        return _log_weights(problem, theta, find(problem, theta), key, _WEIGHTS)[1]

    return np.asarray(weigh(values))


def _log_weights(
    problem: SkillProblem, theta: Theta, found: Laplace, key: Array, number: int
) -> tuple[Array, Array]:
    return log_weights(
        theta, problem.seen, found.gaussian, problem.settings, problem.grid, key, number
    )
