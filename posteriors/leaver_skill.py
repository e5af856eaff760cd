"""Who leaves: how skilled stayers, leavers and others are at what machines take over.

A worker's skill at what is automated is the mean of his skills before the change, weighted by the
share of each task that the scenario automates, less its mean over workers and over its standard
deviation among them: in sds of the population, at each draw. Because shocks are drawn anew, people
leave in an unchanged world, too, and are selected: the same is given of that one.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.automation import Automation
from taskroy.models.scenario import AnyStep
from taskroy.models.world import Equilibrium


def automated_weights(steps: Sequence[AnyStep], shares: Float[Array, "S K"]) -> Float[Array, " K"]:
    """Return how each task's skill counts in the skill at what is automated.

    Parameters
    ----------
    steps
        Of a scenario, in order; machines take over what `Automation` moves.
    shares
        Share of each task that each step acts on.

    Returns
    -------
    Array
        Shares of the tasks that machines have in the end, over their sum; not numbers where nothing
        is automated.
    """
    kept = jnp.ones_like(shares[0])
    for step, share in zip(steps, shares, strict=True):
        if isinstance(step, Automation):
            kept = kept * (1 - share)
    moved = 1 - kept
    total = moved.sum()
    return jnp.where(total > 0, moved / jnp.where(total > 0, total, 1.0), jnp.nan)


def standardized(skill: Float[Array, "N K"], weights: Float[Array, " K"]) -> Float[Array, " N"]:
    """Return each worker's skill at what is automated, in sds from the workers' mean."""
    score = skill @ weights
    return (score - score.mean()) / score.std()


def group_skills(
    score: Float[Array, " N"], before: Equilibrium, after: Equilibrium
) -> Float[Array, "G O"]:
    """Return the mean score of who stays in, leaves, enters and held each occupation.

    Parameters
    ----------
    score
        Of the workers, such as their standardized skill.
    before, after
        Equilibria of the same workers; shocks are drawn anew in between.

    Returns
    -------
    Array
        In the order of `GROUPS` of :mod:`taskroy.posteriors.flows`, (4, O).
    """
    p, q = before.probability, after.probability
    member = jnp.stack([p * q, p * (1 - q), (1 - p) * q, p])
    return jnp.einsum("n,gno->go", score, member) / member.sum(1)
