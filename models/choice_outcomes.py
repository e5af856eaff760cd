"""What workers can expect before wages are seen: where they work, what they earn, how well off.

With G(x) = Σ_o ψ(x + y_o) and y_o = (m_o + κ_o)/ν (model.md, section 3), for each worker

    P(o)                  = −∫ ψ'(x + y_o) e^{G(x)} dx
    E[ε_o·1(ô = o)]       = −(ϱ²/ν) ∫ (ψ'' + ψ'²)(x + y_o) e^{G(x)} dx
    E[e^{ε_o}·1(ô = o)]   = e^{ϱ²/2}·P(o), were y_o higher by δ = ϱ²/ν
                          = −e^{ϱ²/2} ∫ ψ'(x + y_o + δ) e^{G(x) + ψ(x + y_o + δ) − ψ(x + y_o)} dx
    P(max_o (w + κ + u) ≤ v) = e^{G(−v/ν)}

(the third because e^ε tilts N(0, ϱ²) into N(ϱ², ϱ²)). Each is a Chebyshev series in y_o at shared
nodes, as in :mod:`taskroy.models.choice_grid`.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.choice_grid import BOTTOM, PSI_NODES, Grid, chebyshev, domain_of, matrix_at
from taskroy.models.psi_table import PsiTable, look_up, psi_table, support


class Outcomes(NamedTuple):
    """What each worker can expect.

    ``probability`` is P(o | s), and ``stein`` E[ε_o·1(ô = o) | s]/(ϱ·ratio), (N, O). ``worth`` is
    E[max_o (w + κ + u) | s]/ν, (N,).
    """

    probability: Float[Array, "N O"]
    stein: Float[Array, "N O"]
    worth: Float[Array, " N"]


@partial(jax.jit, static_argnames="grid")
def choice_outcomes(value: Float[Array, "N O"], ratio: Float[Array, ""], grid: Grid) -> Outcomes:
    """Return choice probabilities, expected shocks and expected maximum utility.

    Parameters
    ----------
    value
        y_io = (m_io + κ_o)/ν.
    ratio
        ϱ/ν.
    grid
        Sizes of the quadrature.
    """
    nodes = _Nodes.cover(value, ratio, grid)
    slope_at = matrix_at(nodes.domain, nodes.back, nodes.table, grid, 1)
    stein_at = matrix_at(nodes.domain, nodes.back, nodes.table, grid, _stein)
    probability = -(nodes.terms * (slope_at @ nodes.weight)).sum(1)
    stein = -(nodes.terms * (stein_at @ nodes.weight)).sum(1)
    # E[max] differs from that of a Gumbel variable by an integral of the difference of their
    # distributions. With this location their tails are alike on the left, where G is near zero,
    # and nil on the right, so that the trapezoid rule converges exponentially.
    location = jax.nn.logsumexp(value, axis=1) + ratio**2 / 2
    x = nodes.right - nodes.back[:, None]
    gumbel = nodes.step * jnp.exp(-jnp.exp(jnp.minimum(x + location, 6.0)))
    worth = location + np.euler_gamma + gumbel.sum(0) - nodes.weight.sum(0)
    return Outcomes(probability.T, stein.T, worth)


@partial(jax.jit, static_argnames="grid")
def efficiency(
    value: Float[Array, "N O"], ratio: Float[Array, ""], shift: Float[Array, ""], grid: Grid
) -> Float[Array, "N O"]:
    """Return E[e^{ε_o}·1(ô = o) | s], the efficiency units that shocks and choices supply, (N, O).

    Parameters
    ----------
    value, ratio, grid
        As for `choice_outcomes`.
    shift
        δ = ϱ²/ν.
    """

    def tilted(table: PsiTable, x: Array) -> Array:
        there = look_up(table, x + shift)
        return look_up(table, x + shift, 1) * jnp.exp(there - look_up(table, x))

    nodes = _Nodes.cover(value, ratio, grid, further=shift)
    tilted_at = matrix_at(nodes.domain, nodes.back, nodes.table, grid, tilted)
    moment = -(nodes.terms * (tilted_at @ nodes.weight)).sum(1).T
    return jnp.exp(0.5 * (shift / ratio) ** 2) * moment  # shift/ratio is ϱ


def _stein(table: PsiTable, x: Array) -> Array:
    return look_up(table, x, 2) + look_up(table, x, 1) ** 2


class _Nodes(NamedTuple):
    """Nodes x = right − back for each worker, e^{G(x)} dx there, and Chebyshev terms of y."""

    table: PsiTable
    domain: tuple[Array, Array]
    right: Float[Array, " N"]
    back: Float[Array, " Q"]
    step: Float[Array, ""]
    terms: Float[Array, "O R N"]
    weight: Float[Array, "Q N"]

    @classmethod
    def cover(cls, value: Array, ratio: Array, grid: Grid, further: Array | float = 0.0) -> _Nodes:
        """Cover where ψ of the best occupation is not nil, `further` to the left."""
        table = psi_table(ratio, grid.knots, highest=2, bottom=BOTTOM, nodes=PSI_NODES)
        start, end = support(ratio, -30.0)
        top = jnp.max(jax.lax.stop_gradient(value), axis=1)
        # Left of `start`, ψ of the best occupation is nil; right of `end` nobody's best is so bad.
        right = end - top
        step = (end - start + further) / (grid.nodes - 1)
        back = step * jnp.arange(grid.nodes - 1, -1, -1, dtype=value.dtype)
        shifted = value.T + right
        domain = domain_of(shifted, ratio)
        survival = matrix_at(domain, back, table, grid, 0)
        terms = jnp.moveaxis(chebyshev(shifted, domain, grid), 0, 1)
        weight = step * jnp.exp(survival.T @ terms.sum(0))
        return cls(table, domain, right, back, step, terms, weight)
