"""Bargaining: employers keep part of what automation adds to the jobs of those easily replaced.

Under competition the worker gets all of d_io = m'_io − m_io, the change of what he produces in
occupation o. Here he gets, in log units, the share

    b_io = b·(1 − R_io)^η   of d_io where it is positive; losses are his in full.

R_io, how replaceable he is, is the share of those who hold job o in the new equilibrium who are at
least as productive in it as he is:

    R_io = Σ_j P'_jo·1(m'_jo ≥ m'_io) / Σ_j P'_jo,

with m' and the choice probabilities P' those that competition would give. The best worker of an
occupation is irreplaceable (R near 0); among identical workers everyone is replaceable (R = 1).
b = 1 and η = 0 are competition, exactly.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int
from pydantic import Field

from taskroy.models.step import Step, Told
from taskroy.models.world import Economy, World


class Bargaining(Step):
    """Workers receive a share of the gain that the steps before it create in their jobs.

    One of them at least has to act on tasks (:class:`taskroy.models.scenario.Scenario`).
    """

    answers: ClassVar[bool] = True

    kind: Literal["bargaining"] = "bargaining"
    share: Annotated[
        float, Field(ge=0, le=1, description="b, share of the log gain for the irreplaceable.")
    ] = 1.0
    elasticity: Annotated[
        float,
        Field(ge=0, description="η, of the share in how irreplaceable the worker's skills are."),
    ] = 0.0

    def act(self, now: Economy, before: Economy, share: Array, nearby: Told) -> tuple[World, Told]:
        """Take the employers' part; tells ``surplus_share``, the mean b_io of who works in o."""
        world, competitive = now.world, now.equilibrium
        ranked = irreplaceable(world.productivity, competitive.probability)
        received = self.share * ranked**self.elasticity
        gain = jnp.maximum(0.0, competitive.potential - before.world.potential)
        after = world._replace(premium=world.premium + (received - 1) * gain)
        weight = competitive.probability
        return after, {"surplus_share": (weight * received).sum(0) / weight.sum(0)}


def irreplaceable(
    productivity: Float[Array, "N O"], probability: Float[Array, "N O"]
) -> Float[Array, "N O"]:
    """Return 1 − R_io, the share of an occupation's workers who are less productive in it, (N, O).

    Parameters
    ----------
    productivity
        m'_io.
    probability
        P'(o | s_i).
    """

    def within(occupation: tuple[Array, Array]) -> Array:
        value, weight = occupation
        order = _order(value)
        ranked = value[order]
        below = jnp.cumsum(weight[order]) - weight[order]
        # Of those who are equally productive none is below the others.
        new = jnp.concatenate([jnp.ones(1, bool), ranked[1:] > ranked[:-1]])
        below = jax.lax.cummax(jnp.where(new, below, 0.0))
        return jnp.zeros_like(weight).at[order].set(below / weight.sum())

    return jax.lax.map(within, (productivity.T, probability.T)).T


def _order(x: Float[Array, " N"]) -> Int[Array, " N"]:
    """Return the places of numbers in rising order: `argsort`, in a third of its time on CPU.

    Bits of numbers, those of negative ones turned round, are integers in the same order, which XLA
    compares in one instruction.
    """
    whole = jnp.int64 if x.dtype == jnp.float64 else jnp.int32
    bits = jax.lax.bitcast_convert_type(x, whole)
    key = jnp.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)
    return jax.lax.sort((key, jnp.arange(len(x))), num_keys=1, is_stable=False)[1]
