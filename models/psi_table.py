"""ψ on a uniform table: computed exactly at the knots, quintic Hermite between them.

The choice integrals ask for ψ at rows × occupations × nodes arguments, all with the same ϱ/ν. A
table of the exact ψ and its derivatives answers them for the price of a look-up. It is rebuilt
from ϱ/ν at each evaluation, so gradients flow through it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.shock_average import psi_jet

# ψ is above -e^-37 left of the table, and below this at its right end.
_LOG_NIL = -37.0
_BOTTOM = -700.0
# Left of where ψ passes this it can be had from its derivative.
_SMALL = -1e-3


class PsiTable(NamedTuple):
    """ψ and its derivatives at evenly spaced knots.

    ``start`` and ``step`` place the knots; ``jet`` holds ψ and its derivatives, one a row.
    """

    start: Float[Array, ""]
    step: Float[Array, ""]
    jet: Float[Array, "orders knots"]


def support(ratio: Float[Array, ""], bottom: float | Array = _BOTTOM) -> tuple[Array, Array]:
    """Return where ψ starts to differ from 0 and where it passes about `bottom`.

    The right end solves −W²/(2r²) − W/r² = bottom, the leading terms of ψ, with W = W₀(r²e^x).
    """
    r = jax.lax.stop_gradient(ratio)
    w = jnp.sqrt(1 - 2 * bottom * r**2) - 1
    return _LOG_NIL - r**2 / 2, w + jnp.log(w) - 2 * jnp.log(r)


def psi_table(
    ratio: Float[Array, ""],
    knots: int,
    *,
    highest: int,
    bottom: float = _BOTTOM,
    nodes: int = 144,
) -> PsiTable:
    """Tabulate ψ for one ratio ϱ/ν on `knots` points over its support.

    `highest` is the highest derivative that will be looked up (0, 1 or 2);
    `nodes` are those of :func:`psi_jet`.
    Quintic interpolation leaves an error of step⁶/46080 times the sixth derivative.
    """
    start, end = support(ratio, bottom)
    step = (end - start) / (knots - 1)
    x = start + step * jnp.arange(knots)
    return PsiTable(start, step, psi_jet(x, ratio, highest + 2, nodes))


def look_up(table: PsiTable, x: Float[Array, "..."], order: int = 0) -> Float[Array, "..."]:
    """Return the `order`-th derivative of ψ (0, 1 or 2) at `x`, any shape.

    Left of the table ψ and its derivatives are 0; right of it ψ goes on in a straight line.
    """
    jet = table.jet[order : order + 3]
    position = (x - table.start) / table.step
    inside = jnp.clip(position, 0.0, jet.shape[1] - 1.0)
    knot = jnp.clip(inside.astype(jnp.int32), 0, jet.shape[1] - 2)
    knot = jax.lax.stop_gradient(knot)
    t = inside - knot
    h = table.step
    value, slope, curvature = jet[:, knot]
    value1, slope1, curvature1 = jet[:, knot + 1]
    # Quintic Hermite basis in nested form: match three derivatives at either end.
    a0, a1, a2 = value, slope * h, 0.5 * curvature * h**2
    gap = value1 - (a0 + a1 + a2)
    gap1 = slope1 * h - (a1 + 2 * a2)
    gap2 = curvature1 * h**2 - 2 * a2
    a3 = 10 * gap - 4 * gap1 + 0.5 * gap2
    a4 = -15 * gap + 7 * gap1 - gap2
    a5 = 6 * gap - 3 * gap1 + 0.5 * gap2
    result = a0 + t * (a1 + t * (a2 + t * (a3 + t * (a4 + t * a5))))
    beyond = jnp.maximum(position - (jet.shape[1] - 1), 0.0) * h
    return jnp.where(position < 0, 0.0, result + beyond * jet[1, -1])


def exact_on_the_left(table: PsiTable) -> PsiTable:
    """Return the table with ψ, where it is small, as exact relative to itself as its derivatives.

    The rule for ψ leaves an absolute error near 1e-10, which e^{−x} would blow up. ψ' < 0 is exact
    relative to itself, ψ starts like it, and its integral adds up without cancellation.
    """
    value, slope, second, third = table.jet[:4]
    h = table.step
    # Of the quintic that matches two derivatives at either end of an interval.
    pieces = (
        h / 2 * (slope[:-1] + slope[1:])
        + h**2 / 10 * (second[:-1] - second[1:])
        + h**3 / 120 * (third[:-1] + third[1:])
    )
    summed = slope[0] + jnp.concatenate([jnp.zeros(1, h.dtype), jnp.cumsum(pieces)])
    return table._replace(jet=table.jet.at[0].set(jnp.where(value > _SMALL, summed, value)))
