"""What workers produce, as a function of what prices add to their wages.

Where experience pays, who has it produces more, by what it pays, and workers are where they are in
the long run (:mod:`taskroy.models.experience_outcomes`).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.choice_grid import Grid
from taskroy.models.choice_outcomes import efficiency, efficiency_with_slope
from taskroy.models.experience_outcomes import (
    LongRun,
    long_run,
    long_run_efficiency,
    long_run_logit,
)
from taskroy.models.world import GRID, Shock, World, worth_ahead


@dataclass(frozen=True)
class Supply:
    """What workers produce as a function of x_o, what prices add to log wages; see `product`.

    What does not depend on x is computed once, by `Supply.of`: ``worth`` (m_io + κ_o)/ν and
    ``output`` e^(μ_o + A_o·s_i), (N, O) each.
    """

    world: World
    worth: Float[Array, "N O"]
    output: Float[Array, "N O"]
    shock: Shock
    grid: Grid

    @classmethod
    def of(cls, world: World, shock: Shock, *, grid: Grid = GRID) -> Supply:
        """Return the supply in a world; x adds to its wages. Arguments as for `solve`."""
        worth = (world.potential + world.amenity) / world.taste_scale
        return cls(world, worth, jnp.exp(world.productivity), shock, grid)

    def at(self, x: Float[Array, " O"]) -> Float[Array, " O"]:
        """Return efficiency units Q_o, (O,): what is produced net of machines, over e^x_o."""
        return (self.output * self._units(self._value(x))).sum(0)

    def with_response(
        self, x: Float[Array, " O"]
    ) -> tuple[Float[Array, " O"], Float[Array, "O O"]]:
        """Return Q_o, and ∂ log Q_o/∂x_o' but for what follows.

        How many units a worker takes out of o as its wage falls is exact, unless experience pays:
        then it is made up from what it would be if it did not, and who stays. Where he takes them
        is not: to the others in proportion to what he supplies to each, as in a logit, which is
        exact where shocks are the worker's.
        """
        value = self._value(x)
        units, leaving = self._units_and_slope(value)
        share = units / units.sum(1, keepdims=True)
        # Whoever has no second choice to speak of responds to nothing.
        leaving = self.output * leaving / jnp.maximum(1 - share, 1e-6)
        total = (self.output * units).sum(0)
        to_others = leaving.T @ share / (self.world.taste_scale * total[:, None])
        away = jnp.where(jnp.eye(len(total), dtype=bool), 0.0, to_others)
        return total, jnp.diag(away.sum(1)) - away

    def _value(self, x: Float[Array, " O"]) -> Float[Array, "N O"]:
        """Return what each occupation is worth at x, in units of ν, but for shocks, experience."""
        worth = self.worth + x / self.world.taste_scale
        return worth + worth_ahead(self.world, worth, self.shock, self.grid)

    def _units(self, value: Float[Array, "N O"]) -> Float[Array, "N O"]:
        """Return efficiency units per unit of `output`."""
        rho, nu = self.world.wage_shock_scale, self.world.taste_scale
        gain, ratio = self.world.experience_return, rho / nu
        if self.shock == "occupation":
            if gain is None:
                return efficiency(value, ratio, rho * ratio, self.grid)
            return long_run_efficiency(value, ratio, nu, gain, self.grid)
        scale = jnp.exp(rho**2 / 2)
        if gain is None:
            return scale * jax.nn.softmax(value, axis=1)
        found = long_run_logit(value, gain / nu)
        return scale * (found.probability + jnp.expm1(gain) * found.stay)

    def _units_and_slope(
        self, value: Float[Array, "N O"]
    ) -> tuple[Float[Array, "N O"], Float[Array, "N O"]]:
        """Return `_units`, and the derivative of each in its own value, as `with_response` says."""
        rho, nu = self.world.wage_shock_scale, self.world.taste_scale
        gain, ratio = self.world.experience_return, rho / nu
        if self.shock == "worker":
            units = self._units(value)
            if gain is None:
                return units, units * (1 - units / units.sum(1, keepdims=True))
            static = jax.nn.softmax(value, axis=1)
            found = long_run_logit(value, gain / nu)
            return units, units * (1 - static) * self._persistence(found)
        static, slope = efficiency_with_slope(value, ratio, rho * ratio, self.grid)
        if gain is None:
            return static, slope
        units, found = self._units(value), long_run(value, ratio, gain / nu, self.grid)
        # Where nobody works, nobody leaves.
        rate = slope / jnp.where(static > 0, static, 1.0)
        return units, units * rate * self._persistence(found)

    def _persistence(self, found: LongRun) -> Float[Array, "N O"]:
        """Return how many times a static response the long run's is, from who stays.

        Whoever is drawn to an occupation is kept there: exact for the probabilities of a logit.
        Looking ahead, it is worth more by what it will be to those whom it keeps: less exact, but
        it saves evaluations of a search.
        """
        share = jnp.clip(found.probability, 1e-12, 1 - 1e-6)
        kept = jnp.clip(found.stay / share, share, 1.0) - share
        return (1 + kept / (1 - share)) / (1 - self.world.discount * kept)


def product(world: World, shock: Shock, *, grid: Grid = GRID) -> Float[Array, " O"]:
    """Return Σ_i E[e^(μ_o + A_o·s_i + ε_o)·1(ô_i = o) | s_i], what workers produce, (O,).

    Net of what machines are paid, and in units of the wage, not its log: under competition it is
    what workers earn in each occupation. Whoever held o the year before produces e^Δ times as much
    where experience pays, in the long run. Arguments as for `solve`.
    """
    return Supply.of(world, shock, grid=grid).at(jnp.zeros_like(world.intercept))
