"""Who gains among those who are good at a task, and among those who are not."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.world import Equilibrium

#: Quarters of workers by their skill at a task, lowest first.
QUARTERS = (1, 2, 3, 4)


def changes_by_skill(
    skill: Float[Array, "N K"], before: Equilibrium, after: Equilibrium
) -> dict[str, Array]:
    """Return mean changes, and shares of winners, by quarter of the skill at each task.

    Quarters are those of one draw: who is in which is uncertain, as skills are. With ties the
    worker who comes first in the panel is the lower.

    Parameters
    ----------
    skill
        Before the change.
    before, after
        Equilibria of the same workers.

    Returns
    -------
    dict
        ``change_by_skill`` and ``winners_by_skill``, (K, 4). Of fewer than four workers some
        quarters are empty: zero.
    """
    number = len(skill)
    rank = jnp.argsort(jnp.argsort(skill, axis=0, stable=True), axis=0, stable=True)
    quarter = rank * len(QUARTERS) // number
    member = (quarter[..., None] == jnp.arange(len(QUARTERS))).astype(skill.dtype)
    weight = member / jnp.maximum(member.sum(0), 1)
    change = after.expected_wage - before.expected_wage
    return {
        "change_by_skill": jnp.einsum("nkq,n->kq", weight, change),
        "winners_by_skill": jnp.einsum("nkq,n->kq", weight, (change > 0).astype(skill.dtype)),
    }
