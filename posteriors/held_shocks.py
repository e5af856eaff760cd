"""Who moves, and what it does to wages, had everyone the same shocks before and after.

In closed form shocks are drawn anew after the change (:mod:`taskroy.posteriors.flows`). Held, they
have to be simulated: whoever moves then moves because of the change alone, and whoever stays keeps
his shock. Which of the two is meant by a leaver's loss decides its sign, so both are offered.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.world import Economy


def held_groups(
    before: Economy, after: Economy, key: Array, number: int
) -> dict[str, Float[Array, "G O"]]:
    """Simulate every worker's choices before and after at the same shocks.

    Parameters
    ----------
    before, after
        Economies of the same workers, in which experience does not pay.
    key
        Random key; the same key gives the same shocks whatever the economies.
    number
        Sets of shocks for each worker.

    Returns
    -------
    dict
        ``held_share``, shares of all workers, (4, O), in the order of `GROUPS` of
        :mod:`taskroy.posteriors.flows`, and ``held_gain``, the mean over all workers of the change
        of the log wage of who is in the group and zero for others: over the share it is the
        group's mean change. ``held_flow`` and ``held_flow_gain`` are the same of who goes from one
        occupation (rows) to another, (O, O).
    """
    worlds, (workers, occupations) = (before.world, after.world), before.world.potential.shape
    shocks = occupations if before.shock == "occupation" else 1

    def choose(economy_shock: Array, taste: Array) -> list[tuple[Array, Array]]:
        found = []
        for world in worlds:
            wage = world.potential + world.wage_shock_scale * economy_shock
            held = jnp.argmax(wage + world.amenity + world.taste_scale * taste, axis=1)
            found.append((held, jnp.take_along_axis(wage, held[:, None], axis=1)[:, 0]))
        return found

    def once(total: Array, key: Array) -> tuple[Array, None]:
        shock_key, taste_key = jax.random.split(key)
        dtype = worlds[0].skill.dtype
        shock = jax.random.normal(shock_key, (workers, shocks), dtype)
        taste = jax.random.gumbel(taste_key, (workers, occupations), dtype)
        (first, wage), (then, new_wage) = choose(shock, taste)
        gain = new_wage - wage
        # Pairs of occupations are numbered; each worker is of one.
        pair = first * occupations + then
        one = jnp.stack([jnp.ones_like(gain), gain], axis=1)
        return total + jax.ops.segment_sum(one, pair, occupations**2), None

    nothing = jnp.zeros((occupations**2, 2), worlds[0].skill.dtype)
    total, _ = jax.lax.scan(once, nothing, jax.random.split(key, number))
    flow, moved = (total / (workers * number)).T.reshape(2, occupations, occupations)
    return {
        "held_share": _of_groups(flow),
        "held_gain": _of_groups(moved),
        "held_flow": flow,
        "held_flow_gain": moved,
    }


def _of_groups(pairs: Float[Array, "O O"]) -> Float[Array, "4 O"]:
    """Sum pairs of occupations up to stayers, leavers, in-switchers and incumbents of each."""
    stay, held, hold = jnp.diag(pairs), pairs.sum(1), pairs.sum(0)
    return jnp.stack([stay, held - stay, hold - stay, held])
