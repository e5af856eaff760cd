"""Occupation prices: what an occupation produces is worth less, the more there is of it.

In occupation o workers make Y_o of its product, with machines that are rented at a fixed price. At
the product's price P_o a worker is paid LS_o·P_o·y, and rents machines until the last is worth its
rent, so y grows with P_o by (1 − LS_o)/LS_o: a change p_o of log P_o moves his log wage by

    x_o = p_o/LS'_o

(primes are after the steps before this one). What workers earn under competition,
N_o = Σ_i E[e^{w_io}·1(ô_i = o)], is the share LS_o of the product's value: the rest pays for
machines. So with Q_o(x) = N_o·e^{−x_o}, what they would earn at unchanged prices, log output of o
changes by

    q_o(x) = Δlog Q_o(x) + x_o − LS'_o·x_o − Δlog LS_o.

Q is what is produced, whoever gets it: under bargaining employers keep a part, and workers choose
by what is left to them. Firms combine the products with a constant elasticity of substitution σ
into a final good whose price is one. Demand passes through the equilibrium before the scenario,
where products' shares of value are θ_o ∝ N_o/LS_o. Markets clear where, for every occupation,

    p_o = −(q_o − y)/σ,   y = σ/(σ−1) · log Σ_o θ_o e^{q_o (σ−1)/σ}   (Σ_o θ_o q_o at σ = 1),

y being the change of log output of the final good. Hence Σ_o θ_o e^{(1−σ)p_o} = 1: prices move
against each other, not all one way. At σ = 1 every product keeps its share of value, so N_o falls
with LS_o: displacement lowers demand for the labour of whoever is automated. Workers choose by the
new wages, in the closed form of :mod:`taskroy.models.choice_outcomes`. Where experience pays, it
produces as much more, and Q is that of the long run. σ = ∞ leaves prices as they are.

The O equations are solved for x by Broyden's method, from the prices of the draw before, which are
near, and from x = 0 where there is none. Its first Jacobian is exact in what leaves an occupation
as its wage falls, and has that go elsewhere as in a logit (:class:`taskroy.models.supply.Supply`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from pydantic import Field

from taskroy.models.broyden import Root, search
from taskroy.models.step import Step, Told
from taskroy.models.supply import Supply, product
from taskroy.models.world import Economy, World


class Prices(Step):
    """Prices of what occupations produce clear markets; the last step of a scenario."""

    answers: ClassVar[bool] = True

    kind: Literal["prices"] = "prices"
    elasticity: Annotated[
        Literal["infinite"] | Annotated[float, Field(gt=0)],
        Field(description="σ of substitution between occupations; 'infinite' fixes prices."),
    ] = 2.0
    iterations: Annotated[
        int, Field(ge=1, le=10_000, description="At most so many steps to the fixed point.")
    ] = 100

    def act(self, now: Economy, before: Economy, share: Array, nearby: Told) -> tuple[World, Told]:
        """Clear markets; tells ``log_price``, p_o, and ``price_residual``, the largest excess."""
        world = now.world
        if self.elasticity == "infinite":
            return world, {}
        labor_share = jnp.asarray(world.technology.labor_share)
        start = Root.unknown(len(world.intercept))
        if nearby:
            point = nearby["log_price"] / labor_share
            start = start._replace(point=point, residual=nearby["price_residual"])
        found = self.clear(now, before, start)
        after = world._replace(intercept=world.intercept + found.point)
        price = labor_share * found.point
        return after, {"log_price": price, "price_residual": found.residual}

    def clear(self, now: Economy, before: Economy, nearby: Root) -> Root:
        """Return x, what prices that clear markets add to log wages, for a finite elasticity.

        Parameters
        ----------
        now, before
            As for `act`.
        nearby
            That of an economy like this one.
        """
        market = Market.of(now, before, float(self.elasticity))
        return search(market.excess, market.linear, nearby, self.iterations)


@dataclass(frozen=True)
class Market:
    """Supply of and demand for what occupations produce, as functions of x; see the module.

    Attributes
    ----------
    supply
        After the steps before.
    units
        Q_o before the scenario, (O,).
    labor_share, displaced
        LS'_o, and Δlog LS_o, (O,).
    share
        θ_o, of the products' value before, (O,).
    sigma
        Elasticity of substitution.
    """

    supply: Supply
    units: Float[Array, " O"]
    labor_share: Float[Array, " O"]
    displaced: Float[Array, " O"]
    share: Float[Array, " O"]
    sigma: float

    @classmethod
    def of(cls, now: Economy, before: Economy, sigma: float) -> Market:
        """Return the market after some steps, demand as before the scenario."""
        units = product(before.world, before.shock)
        old, new = (jnp.asarray(x.world.technology.labor_share) for x in (before, now))
        value = units / old
        supply = Supply.of(now.world, now.shock)
        return cls(supply, units, new, jnp.log(new / old), value / value.sum(), sigma)

    def excess(self, x: Float[Array, " O"]) -> Float[Array, " O"]:
        """Return by how much p_o exceeds what is paid for what is made at x; log prices, (O,)."""
        return self._excess(x, self.supply.at(x))[0]

    def linear(self, x: Float[Array, " O"]) -> tuple[Float[Array, " O"], Float[Array, "O O"]]:
        """Return the excess and, but for where workers go, its Jacobian."""
        units, response = self.supply.with_response(x)
        excess, share = self._excess(x, units)
        moved = response + jnp.diag(1 - self.labor_share)
        return excess, jnp.diag(self.labor_share) + (moved - share @ moved) / self.sigma

    def _excess(self, x: Array, units: Array) -> tuple[Array, Array]:
        change = jnp.log(units / self.units) + (1 - self.labor_share) * x - self.displaced
        total, share = jax.value_and_grad(output)(change, self.share, self.sigma)
        return self.labor_share * x + (change - total) / self.sigma, share


def output(change: Float[Array, " O"], share: Float[Array, " O"], sigma: float) -> Float[Array, ""]:
    """Return y, the change of log output of the final good.

    Parameters
    ----------
    change
        q_o, of the log output of each occupation.
    share
        θ_o, of the value of output before.
    sigma
        Elasticity of substitution.
    """
    power = (sigma - 1) / sigma
    if abs(power) < 1e-6:  # Cobb–Douglas, to rounding
        return share @ change
    return jax.nn.logsumexp(power * change, b=share) / power
