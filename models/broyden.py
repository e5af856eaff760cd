"""Broyden's method for as many equations as occupations, from where a similar problem ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

_TOLERANCE = 1e-11
_LARGEST_STEP = 1.0
#: Residuals above this, in log prices, count as not converged.
CONVERGED = 1e-8


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
