"""Chebyshev series of ψ(x + y) in y, at nodes x: what turns look-ups into a matrix product.

Left of −r²/2, with r = ϱ/ν, ψ(y) is nearly −e^{y + r²/2}: of many units of y on which it dies away
a series would spend most of its terms on next to nothing. So it is one in

    z = h·log(1 + e^{(y − b)/h}),   h = max(r, 2), b = −r²/2 − 3,

which is y − b where ψ counts and ends at 0 where it does not. At any ratio up to eight thirty terms
are right to 1e-6 (tests/models/test_psi_series.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.psi_table import PsiTable, look_up

# How gently the axis bends at least, and how far left of where ψ bends.
_GENTLE, _EARLY = 2.0, 3.0


class BentAxis(NamedTuple):
    """The axis of y, in units of ν, that series are in.

    ``low`` and ``high`` are its ends in z; ``bend`` is b and ``scale`` h of the module's formula.
    """

    low: Float[Array, ""]
    high: Float[Array, ""]
    bend: Float[Array, ""]
    scale: Float[Array, ""]

    @classmethod
    def over(cls, y: Array, ratio: Array, further: Array | float = 0.0) -> BentAxis:
        """Return the axis over all of `y`, any shape, and `further` to the right."""
        y, r, further = jax.lax.stop_gradient((y, ratio, further))
        axis = cls(jnp.zeros(()), jnp.ones(()), -(r**2) / 2 - _EARLY, jnp.maximum(r, _GENTLE))
        low, high = axis._bent(jnp.min(y)), axis._bent(jnp.max(y) + further)
        return axis._replace(low=low, high=jnp.maximum(high, low + 1.0))

    def place(self, y: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return where y is, from −1 to 1."""
        return scaled(self._bent(y), (self.low, self.high))

    def points(self, terms: int) -> Float[Array, " R"]:
        """Return the Chebyshev points of so many terms, in y."""
        z = chebyshev_points((self.low, self.high), terms) / self.scale
        return self.bend + self.scale * (z + jnp.log(-jnp.expm1(-z)))

    def _bent(self, y: Array) -> Array:
        return self.scale * jax.nn.softplus((y - self.bend) / self.scale)


def scaled(y: Float[Array, "..."], interval: tuple[Array, Array]) -> Float[Array, "..."]:
    """Return y as scaled from an interval to [−1, 1]."""
    low, high = interval
    return (2 * y - (low + high)) / (high - low)


def chebyshev_points(interval: tuple[Array, Array], terms: int) -> Float[Array, " R"]:
    """Return the Chebyshev points of an interval, the highest first."""
    low, high = interval
    cosine = jnp.asarray(np.cos(_angles(terms)), jnp.result_type(low))
    return 0.5 * (low + high) + 0.5 * (high - low) * cosine


def chebyshev_terms(t: Float[Array, "..."], terms: int) -> list[Float[Array, "..."]]:
    """Return T_0 … T_{R−1}, R of them, at t in [−1, 1]."""
    found = [jnp.ones_like(t), t]
    for _ in range(terms - 2):
        found.append(2 * t * found[-1] - found[-2])
    return found


def series_at(
    points: Float[Array, " R"],
    back: Float[Array, " Q"],
    table: PsiTable,
    function: int | Callable[[PsiTable, Array], Array],
) -> Float[Array, "R Q"]:
    """Return the Chebyshev coefficients in y, at each node, of a derivative of ψ.

    Parameters
    ----------
    points
        Chebyshev points, y at the last node.
    back
        How far each node is left of the last one.
    table
        Of ψ.
    function
        The derivative's order, or what maps the table and points x + y to values.
    """
    x = points[:, None] - back
    values = look_up(table, x, function) if isinstance(function, int) else function(table, x)
    terms = len(points)
    transform = 2 / terms * np.cos(np.outer(np.arange(terms), _angles(terms)))
    transform[0] /= 2
    return jnp.asarray(transform, values.dtype) @ values


def _angles(terms: int) -> Float[np.ndarray, " R"]:
    return np.pi * (np.arange(terms) + 0.5) / terms
