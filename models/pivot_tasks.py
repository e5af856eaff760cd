"""Tasks in an order that suits the loadings of factors: the most distinct ones first."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int


def pivot_tasks(task_weights: Float[Array, "O K"], number: int) -> Int[Array, " K"]:
    """Return the tasks by index: some whose weights differ most, then the others as they come.

    Each is the one whose weights are farthest from what those before it span, as in a QR
    decomposition with pivots (Businger and Golub 1965). Data say most of the skills at these.

    Parameters
    ----------
    task_weights
        A.
    number
        How many are chosen.
    """
    tasks = task_weights.shape[1]
    rest, place = task_weights, number + jnp.arange(tasks)
    for i in range(number):
        size = jnp.where(place < number, -1.0, (rest**2).sum(0))
        chosen = jnp.argmax(size)
        # Of a task that is like those before it nothing is left.
        direction = rest[:, chosen] / jnp.sqrt(jnp.maximum(size[chosen], 1e-30))
        rest = rest - jnp.outer(direction, direction @ rest)
        place = place.at[chosen].set(i)
    return jnp.argsort(place)
