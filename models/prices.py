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

The O equations are solved by Broyden's method, from the prices of the draw before, which are near,
and from p = 0 where there is none. Its first Jacobian is exact in what leaves an occupation as its
price falls, and has that go elsewhere as in a logit (:class:`taskroy.models.world.Supply`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int
from pydantic import Field

from taskroy.models.step import Step, Told
from taskroy.models.world import Economy, Supply, World, product

_TOLERANCE = 1e-11
_LARGEST_STEP = 1.0
#: Residuals above this, in log prices, count as not converged.
CONVERGED = 1e-8


class Prices(Step):
    """Prices of the occupations' labour clear markets; the last step of a scenario."""

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
        start = Root.unknown(len(world.intercept))
        if nearby:
            start = start._replace(point=nearby["log_price"], residual=nearby["price_residual"])
        found = self.clear(now, before, start)
        after = world._replace(intercept=world.intercept + found.point)
        return after, {"log_price": found.point, "price_residual": found.residual}

    def clear(self, now: Economy, before: Economy, nearby: Root) -> Root:
        """Return the log prices that clear markets, for a finite elasticity.

        Parameters
        ----------
        now, before
            As for `act`.
        nearby
            Those of an economy like this one.
        """
        sigma = float(self.elasticity)
        supplied = product(before.world, before.shock)
        bill = supplied / supplied.sum()
        supply = Supply.of(now.world, now.shock)

        def excess(price: Array) -> Array:
            change = jnp.log(supply.at(price) / supplied)
            return price + (change - output(change, bill, sigma)) / sigma

        def linear(price: Array) -> tuple[Array, Array]:
            units, response = supply.with_response(price)
            change = jnp.log(units / supplied)
            all_output, share = jax.value_and_grad(output)(change, bill, sigma)
            jacobian = jnp.eye(len(price)) + (response - share @ response) / sigma
            return price + (change - all_output) / sigma, jacobian

        return search(excess, linear, nearby, self.iterations)


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
    """Where a search for a root ended.

    ``residual`` is the largest absolute value of the function there, ``evaluations`` how often the
    function was evaluated.
    """

    point: Float[Array, " O"]
    residual: Float[Array, ""]
    evaluations: Int[Array, ""]

    @classmethod
    def unknown(cls, size: int) -> Root:
        """Return what stands for no root at all: a search from there begins at zero."""
        return cls(jnp.zeros(size), jnp.asarray(jnp.inf), jnp.zeros((), int))

    @property
    def solved(self) -> Array:
        """Whether it is a root; no where the function is not a number."""
        return self.residual <= CONVERGED


def search(
    function: Callable[[Array], Array],
    linear: Callable[[Array], tuple[Array, Array]],
    nearby: Root,
    iterations: int,
) -> Root:
    """Solve function(x) = 0 from the root of a similar function, and from zero where that fails.

    Parameters
    ----------
    function, linear
        As for `broyden`.
    nearby
        The root of the similar function; the search begins at zero if it is not solved.
    iterations
        At most so many steps from either start.
    """
    starts = jnp.where(nearby.solved, 2, 1)

    def going(state: tuple[Array, Root]) -> Array:
        count, root = state
        return (count == 0) | ((count < starts) & ~root.solved)

    def attempt(state: tuple[Array, Root]) -> tuple[Array, Root]:
        count, root = state
        start = jnp.where(root.solved, root.point, 0.0)
        found = broyden(function, linear, start, iterations)
        return count + 1, found._replace(evaluations=root.evaluations + found.evaluations)

    begin = nearby._replace(evaluations=jnp.zeros((), int))
    return jax.lax.while_loop(going, attempt, (jnp.zeros((), int), begin))[1]


def broyden(
    function: Callable[[Array], Array],
    linear: Callable[[Array], tuple[Array, Array]],
    start: Float[Array, " O"],
    iterations: int,
) -> Root:
    """Solve function(x) = 0 by Broyden's method, steps clipped to one unit.

    Parameters
    ----------
    function
        From (O,) to (O,).
    linear
        Its value at a point, and its Jacobian there, (O, O), which need not be exact.
    start
        Where to begin.
    iterations
        At most so many steps; where they do not do, the residual tells.
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

    value, jacobian = linear(start)
    first = (jnp.zeros((), int), start, value, jnp.linalg.inv(jacobian))
    steps, point, value, _ = jax.lax.while_loop(going, improve, first)
    return Root(point, jnp.abs(value).max(), steps + 1)
