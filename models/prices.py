"""Occupation prices: what an occupation's labour is worth responds to how much of it there is.

Labour of occupation o is measured in efficiency units, Q_o = Σ_i E[e^{w_io − p_o}·1(ô_i = o)]: what
its workers would earn under competition at an unchanged price (p_o = 0). Firms combine the
occupations' labour with a constant elasticity of substitution σ into a final good whose price is
one. Demand passes through the equilibrium before the scenario, whose wage bill has shares θ_o. With
q_o = log Q_o(p) − log Q_o markets clear where, for every occupation,

    p_o = −(q_o(p) − y(p))/σ,   y = σ/(σ−1) · log Σ_o θ_o e^{q_o (σ−1)/σ}   (Σ_o θ_o q_o at σ = 1),

p_o being the log price that is added to μ_o and y the change of log output. Hence
Σ_o θ_o e^{(1−σ)p_o} = 1: prices move against each other, not all one way. Workers choose by the new
wages, in the closed form of :mod:`taskroy.models.choice_outcomes`. σ = ∞ leaves prices as they are.

The O equations are solved by Broyden's method from p = 0. Its first Jacobian is that of a logit
whose taste scale takes in the wage shocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from pydantic import Field

from taskroy.models.step import Step, Told
from taskroy.models.world import Economy, World, product

_TOLERANCE = 1e-11
_LARGEST_STEP = 1.0
#: Residuals above this, in log prices, count as not converged.
CONVERGED = 1e-8


class Prices(Step):
    """Prices of the occupations' labour clear markets; the last step of a scenario."""

    kind: Literal["prices"] = "prices"
    elasticity: Annotated[
        Literal["infinite"] | Annotated[float, Field(gt=0)],
        Field(description="σ of substitution between occupations; 'infinite' fixes prices."),
    ] = 2.0
    iterations: Annotated[
        int, Field(ge=1, le=10_000, description="At most so many steps to the fixed point.")
    ] = 100

    def act(self, now: Economy, before: Economy, share: Array) -> tuple[World, Told]:
        """Clear markets; tells ``log_price``, p_o, and ``price_residual``, the largest excess."""
        world = now.world
        nothing = jnp.zeros_like(world.intercept)
        if self.elasticity == "infinite":
            return world, {"log_price": nothing, "price_residual": jnp.zeros(())}
        sigma = self.elasticity
        supplied = product(before.world, before.shock)
        bill = supplied / supplied.sum()

        def excess(price: Array) -> Array:
            at_price = world._replace(intercept=world.intercept + price)
            change = jnp.log(product(at_price, now.shock) / supplied) - price
            return price + (change - output(change, bill, sigma)) / sigma

        found = broyden(excess, nothing, _logit_jacobian(now, bill, sigma), self.iterations)
        after = world._replace(intercept=world.intercept + found.point)
        return after, {"log_price": found.point, "price_residual": jnp.abs(found.value).max()}


def output(change: Float[Array, " O"], share: Float[Array, " O"], sigma: float) -> Float[Array, ""]:
    """Return y, the change of log output of the final good.

    Parameters
    ----------
    change
        q_o, of the log efficiency units in each occupation.
    share
        θ_o, of the wage bill before.
    sigma
        Elasticity of substitution.
    """
    power = (sigma - 1) / sigma
    if abs(power) < 1e-6:  # Cobb–Douglas, to rounding
        return share @ change
    return jax.nn.logsumexp(power * change, b=share) / power


class Root(NamedTuple):
    """Where a search for a root ended, and the function's value there."""

    point: Float[Array, " O"]
    value: Float[Array, " O"]


def broyden(
    function: Callable[[Array], Array],
    start: Float[Array, " O"],
    jacobian: Float[Array, "O O"],
    iterations: int,
) -> Root:
    """Solve function(x) = 0 by Broyden's method, steps clipped to one unit.

    Parameters
    ----------
    function
        From (O,) to (O,).
    start
        Where to begin.
    jacobian
        A guess of the function's derivative at `start`.
    iterations
        At most so many evaluations; where they do not do, the value returned tells.
    """

    def going(state: tuple[Array, Array, Array, Array]) -> Array:
        count, _, value, _ = state
        return (count < iterations) & (jnp.abs(value).max() > _TOLERANCE)

    def improve(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        count, point, value, inverse = state
        step = -inverse @ value
        step = step * jnp.minimum(1.0, _LARGEST_STEP / jnp.maximum(jnp.abs(step).max(), 1e-300))
        new = function(point + step)
        response = inverse @ (new - value)
        scale = step @ response
        # A step that taught nothing (scale near zero) leaves the Jacobian as it is.
        taught = jnp.abs(scale) > 1e-14 * (step @ step)
        update = jnp.outer(step - response, step @ inverse) / jnp.where(taught, scale, 1.0)
        return count + 1, point + step, new, inverse + jnp.where(taught, update, 0.0)

    first = (jnp.zeros((), int), start, function(start), jnp.linalg.inv(jacobian))
    _, point, value, _ = jax.lax.while_loop(going, improve, first)
    return Root(point, value)


def _logit_jacobian(now: Economy, share: Array, sigma: float) -> Float[Array, "O O"]:
    """Return the excess's derivative, were there taste shocks alone, of the same variance."""
    world, choice = now.world, now.equilibrium
    variance = world.taste_scale**2
    if now.shock == "occupation":
        variance = variance + 6 / jnp.pi**2 * world.wage_shock_scale**2
    bill = choice.probability * jnp.exp(choice.potential)
    weight = bill / bill.sum(0)
    response = (jnp.eye(len(share)) - weight.T @ choice.probability) / jnp.sqrt(variance)
    return jnp.eye(len(share)) + (response - share @ response) / sigma
