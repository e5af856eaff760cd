"""A second look at draws of θ: log densities there, and workers' skills drawn once more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
from jax import Array
from jaxtyping import Float

from taskroy.inference.draw_skills import SkillProblem, draw_skills_near, find
from taskroy.inference.marginal_likelihood import laplace_and_missed, log_prior
from taskroy.inference.over_draws import blocks_over_draws
from taskroy.inference.theta import theta_at
from taskroy.progress import Progress


class SecondLook(NamedTuple):
    """Of D draws: ``prior`` by latent site of θ, each (D,); ``likelihood`` of each worker.

    ``correction`` is what of the likelihood of all workers Laplace's method misses, ``deviation``
    one draw of their skills, s_i − s̄.
    """

    prior: dict[str, Float[Any, "*D"]]
    likelihood: Float[Any, "*D N"]
    correction: Float[Any, "*D"]
    deviation: Float[Any, "*D N K"]


def look_again(
    problem: SkillProblem, draws: dict[str, Array], key: Array, progress: Progress
) -> Iterator[SecondLook]:
    """Give log densities and new skills at draws of θ; modes, the dear part, are found once.

    Parameters
    ----------
    problem
        Whose careers.
    draws
        All latent sites of the generative model but ``skill_deviation``, constrained, with a
        leading dimension D. Densities are with respect to them.
    key
        Random key. All draws of θ share the proposals that weigh likelihoods, in whitened units, so
        that their noise is nearly the same in each; skills are proposed anew for each.
    progress
        Told how far it is.

    Yields
    ------
    SecondLook
        Of some draws after the other, in order.
    """
    weigh_key, skill_key = jax.random.split(key)

    def one(inputs: tuple[dict[str, Array], Array]) -> SecondLook:
        values, key = inputs
        theta = theta_at(problem.model, values)
        found = find(problem, theta)
        laplace, missed = laplace_and_missed(problem, theta, found, weigh_key)
        skills = draw_skills_near(problem, theta, found, key)
        return SecondLook(
            log_prior(problem, values), laplace + missed, missed.sum(), skills.deviation
        )

    keys = jax.random.split(skill_key, len(next(iter(draws.values()))))
    yield from blocks_over_draws(one, (draws, keys), progress, "second look")
