"""Who moves, and what it does to wages, had everyone the same shocks before and after.

In closed form shocks are drawn anew after the change (:mod:`taskroy.posteriors.flows`). Held, they
have to be simulated: whoever moves then moves because of the change alone, and whoever stays keeps
his shock. Which of the two is meant by a leaver's loss decides its sign, so both are offered.

Where experience pays, before or after, what is compared are two long runs. In each a worker begins
where that long run may have him, drawn with the same random numbers, and then meets the same
shocks for twenty years, the last of which counts: so he is in each as often as in closed form, and
what is held is not one year's luck but that of years which brought him there.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from taskroy.models.world import GRID, Economy, World, worth_ahead

_YEARS = 20


def held_groups(
    before: Economy, after: Economy, key: Array, number: int
) -> dict[str, Float[Array, "G O"]]:
    """Simulate every worker's choices before and after at the same shocks.

    Parameters
    ----------
    before, after
        Economies of the same workers.
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
    workers, occupations = before.world.potential.shape
    shocks = occupations if before.shock == "occupation" else 1
    dtype = before.world.skill.dtype
    lives = tuple(_Life.of(economy) for economy in (before, after))
    pays = any(one.world.experience_return is not None for one in (before, after))

    def year(places: list[Array], key: Array) -> tuple[list[Array], list[Array]]:
        shock_key, taste_key = jax.random.split(key)
        shock = jax.random.normal(shock_key, (workers, shocks), dtype)
        taste = jax.random.gumbel(taste_key, (workers, occupations), dtype)
        found = [
            life.choose(place, shock, taste) for life, place in zip(lives, places, strict=True)
        ]
        return [place for place, _ in found], [wage for _, wage in found]

    def last_year(key: Array) -> tuple[list[Array], list[Array]]:
        if not pays:
            return year([jnp.zeros(workers, int)] * 2, key)
        begin, end, *others = jax.random.split(key, _YEARS + 1)
        places = [
            jax.random.categorical(begin, jnp.log(one.equilibrium.probability), axis=1)
            for one in (before, after)
        ]
        places, _ = jax.lax.scan(
            lambda there, k: (year(there, k)[0], None), places, jnp.stack(others)
        )
        return year(places, end)

    def once(total: Array, key: Array) -> tuple[Array, None]:
        (first, then), (wage, new_wage) = last_year(key)
        gain = new_wage - wage
        # Pairs of occupations are numbered; each worker is of one.
        pair = first * occupations + then
        one = jnp.stack([jnp.ones_like(gain), gain], axis=1)
        return total + jax.ops.segment_sum(one, pair, occupations**2), None

    nothing = jnp.zeros((occupations**2, 2), dtype)
    total, _ = jax.lax.scan(once, nothing, jax.random.split(key, number))
    flow, moved = (total / (workers * number)).T.reshape(2, occupations, occupations)
    return {
        "held_share": _of_groups(flow),
        "held_gain": _of_groups(moved),
        "held_flow": flow,
        "held_flow_gain": moved,
    }


class _Life(NamedTuple):
    """How workers choose in one economy: wages without experience, and what else counts.

    ``beside`` is κ_o and what o is worth from next year on, (N, O), in log-wage units; ``gain`` is
    Δ, zero where experience does not pay.
    """

    world: World
    potential: Float[Array, "N O"]
    beside: Float[Array, "N O"]
    gain: Array | float

    @classmethod
    def of(cls, economy: Economy) -> _Life:
        world = economy.world
        worth = (world.potential + world.amenity) / world.taste_scale
        ahead = worth_ahead(world, worth, economy.shock, GRID)
        return cls(
            world,
            world.potential,
            world.amenity + world.taste_scale * ahead,
            0.0 if world.experience_return is None else world.experience_return,
        )

    def choose(
        self, last: Int[Array, " N"], shock: Float[Array, "N #O"], taste: Float[Array, "N O"]
    ) -> tuple[Int[Array, " N"], Float[Array, " N"]]:
        """Return where workers from `last` work, and what they earn."""
        wage = self.potential + self.world.wage_shock_scale * shock
        wage = wage + self.gain * (jnp.arange(wage.shape[1]) == last[:, None])
        held = jnp.argmax(wage + self.beside + self.world.taste_scale * taste, axis=1)
        return held, jnp.take_along_axis(wage, held[:, None], axis=1)[:, 0]


def _of_groups(pairs: Float[Array, "O O"]) -> Float[Array, "4 O"]:
    """Sum pairs of occupations up to stayers, leavers, in-switchers and incumbents of each."""
    stay, held, hold = jnp.diag(pairs), pairs.sum(1), pairs.sum(0)
    return jnp.stack([stay, held - stay, hold - stay, held])
