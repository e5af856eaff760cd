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

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float

from taskroy.models.choice_grid import BOTTOM, PSI_NODES, Grid, chebyshev, domain_of, matrix_at
from taskroy.models.psi_table import PsiTable, look_up, psi_table, support

# Where y + right is below this, ψ(x + y) is nearly −e^{x + y} wherever it counts: at no node does
# e^{x + y} blow up the error of the factor that is left.
_CUT = -3.0

type _OfPsi = Callable[[PsiTable, Array], Array]


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
    probability = nodes.integral_of(_slope)
    stein = nodes.integral_of(_stein)
    # E[max] differs from that of a Gumbel variable by an integral of the difference of their
    # distributions. With this location their tails are alike on the left, where G is near zero,
    # and nil on the right, so that the trapezoid rule converges exponentially.
    location = jax.nn.logsumexp(value, axis=1) + ratio**2 / 2
    x = nodes.right - nodes.back[:, None]
    gumbel = nodes.step * jnp.exp(-jnp.exp(jnp.minimum(x + location, 6.0)))
    worth = location + np.euler_gamma + gumbel.sum(0) - nodes.weight.sum(0)
    return Outcomes(probability, stein, worth)


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
    moment = nodes.integral_of(tilted)
    return jnp.exp(0.5 * (shift / ratio) ** 2) * moment  # shift/ratio is ϱ


def _psi(table: PsiTable, x: Array) -> Array:
    return look_up(table, x)


def _slope(table: PsiTable, x: Array) -> Array:
    return look_up(table, x, 1)


def _stein(table: PsiTable, x: Array) -> Array:
    return look_up(table, x, 2) + look_up(table, x, 1) ** 2


class _Zone(NamedTuple):
    """Occupations that share a Chebyshev series in y: those near each worker's best, or the rest.

    A series has the same error for all it covers, and a better one over a shorter domain. Far from
    the best, what is expanded is f·e^{−x−y}, nearly constant there: the error is relative to each
    occupation's own integral, however few would choose it. Mean wages are ratios of such integrals.
    ``member`` tells whom it covers, ``factor`` is what its series leave out, 1 or e^{y + right}.
    """

    far: bool
    domain: tuple[Array, Array]
    member: Bool[Array, "O N"]
    factor: Float[Array, "O N"]
    terms: Float[Array, "O R N"]

    @classmethod
    def of(
        cls, shifted: Array, domain: tuple[Array, Array], member: Array, grid: Grid, *, far: bool
    ) -> _Zone:
        """Cover `member` of y + right within a domain."""
        inside = jnp.clip(shifted, *domain)
        # The series goes on flat left of its domain, the factor falls.
        factor = jnp.exp(jnp.minimum(shifted, domain[1])) if far else jnp.ones_like(shifted)
        terms = jnp.moveaxis(chebyshev(inside, domain, grid), 0, 1)
        return cls(far, domain, member, jnp.where(member, factor, 0.0), terms)


class _Nodes(NamedTuple):
    """Nodes x = right − back for each worker, and e^{G(x)} dx there."""

    table: PsiTable
    grid: Grid
    right: Float[Array, " N"]
    back: Float[Array, " Q"]
    step: Float[Array, ""]
    zones: tuple[_Zone, _Zone]
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
        low, high = domain_of(shifted, ratio)
        cut = jnp.full_like(high, _CUT)
        near = _Zone.of(shifted, (jnp.maximum(low, cut), high), shifted >= cut, grid, far=False)
        below = jnp.minimum(low, cut - 1.0), cut
        rest = _Zone.of(shifted, below, shifted < cut, grid, far=True)
        nodes = cls(table, grid, right, back, step, (near, rest), step)
        total = sum(
            nodes._at(zone, _psi).T @ (zone.factor[:, None] * zone.terms).sum(0)
            for zone in nodes.zones
        )
        return nodes._replace(weight=step * jnp.exp(total))

    def integral_of(self, function: _OfPsi) -> Float[Array, "N O"]:
        """Return −∫ f(x + y_o) e^{G(x)} dx for an f like −e^{x + y} far to the left."""
        near, rest = (
            -zone.factor * (zone.terms * (self._at(zone, function) @ self.weight)).sum(1)
            for zone in self.zones
        )
        return (near + rest).T

    def _at(self, zone: _Zone, function: _OfPsi) -> Float[Array, "R Q"]:
        """Return the series of f at each node, but for the zone's factor."""
        if not zone.far:
            return matrix_at(zone.domain, self.back, self.table, self.grid, function)

        def scaled(table: PsiTable, x: Array) -> Array:
            x = jnp.maximum(x, table.start)
            return function(table, x) * jnp.exp(-x)

        series = matrix_at(zone.domain, self.back, self.table, self.grid, scaled)
        return series * jnp.exp(-self.back)
