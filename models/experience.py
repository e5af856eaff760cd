"""Returns to experience in an occupation: who worked there when last seen, and what that adds.

With state dependence the log wage is w_iot = μ_o + A_o·s_i + Δ·x_iot + x_it·β + ε_iot, x_iot = 1
where the worker held o when he was last seen: Δ shifts the logit of the occupation held before.
Nothing is known of the time before a worker is first seen: x = 0 there. What it is worth to look
ahead to Δ is in :mod:`taskroy.models.continuation`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int


class Experience(NamedTuple):
    """Where workers come from, year by year.

    ``last`` is the occupation held when the worker was last seen, any valid index where there is
    none, and ``known`` tells where there is one; ``stays`` where it is held again.
    """

    last: Int[Array, "N T"]
    known: Bool[Array, "N T"]
    stays: Bool[Array, "N T"]

    @classmethod
    def of(cls, held: Int[Array, "N T"], observed: Bool[Array, "N T"]) -> Experience:
        """Gather it from careers; years not observed are passed over."""
        years = jnp.arange(held.shape[1])
        latest = jax.lax.cummax(jnp.where(observed, years, -1), axis=1)
        before = jnp.pad(latest[:, :-1], ((0, 0), (1, 0)), constant_values=-1)
        last = jnp.take_along_axis(held, jnp.maximum(before, 0), axis=1)
        known = (before >= 0) & observed
        return cls(last, known, known & (last == held))


class Bonus(NamedTuple):
    """What experience adds to the worth of one occupation that is not held, year by year.

    ``occupation`` (N, T) is an index; ``worth`` (N, T), in units of ν, is zero where there is none.
    What it adds to the occupation held is in the wage that was seen.
    """

    occupation: Int[Array, "N T"]
    worth: Float[Array, "N T"]
