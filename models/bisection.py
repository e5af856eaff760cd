"""Bisection under jit, element by element."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float


def bisect(
    left_of_root: Callable[[Float[Array, "*M"]], Bool[Array, "*M"]],
    low: Float[Array, "*M"],
    high: Float[Array, "*M"],
    halvings: int,
) -> tuple[Float[Array, "*M"], Float[Array, "*M"]]:
    """Return the intervals that are left around roots, each 2^-halvings as wide as before.

    Parameters
    ----------
    left_of_root
        Whether points, (*M), lie left of their roots.
    low, high
        Ends of intervals that hold the roots, (*M).
    halvings
        How often they are halved.
    """

    def halve(_: object, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = 0.5 * (low + high)
        left = left_of_root(middle)
        return jnp.where(left, middle, low), jnp.where(left, high, middle)

    found: tuple[Array, Array] = jax.lax.fori_loop(0, halvings, halve, (low, high))
    return found
