"""What workers can expect before wages are seen: where they work, what they earn, how well off.

With G(x) = Σ_o ψ(x + y_o) and y_o = (m_o + κ_o)/ν (model.md, section 3), for each worker

    P(o)                  = −∫ ψ'(x + y_o) e^{G(x)} dx
    E[ε_o·1(ô = o)]       = −(ϱ²/ν) ∫ (ψ'' + ψ'²)(x + y_o) e^{G(x)} dx
    E[e^{ε_o}·1(ô = o)]   = e^{ϱ²/2}·P(o), were y_o higher by δ = ϱ²/ν
                           = −e^{ϱ²/2} ∫ ψ'(x + y_o + δ) e^{G(x) + ψ(x + y_o + δ) − ψ(x + y_o)} dx
    P(max_o (w + κ + u) ≤ v) = e^{G(−v/ν)}

(the third because e^ε tilts N(0, ϱ²) into N(ϱ², ϱ²); its derivative in y_o has ψ'' + ψ'² for the
first ψ'). Each is a Chebyshev series in y_o at shared
nodes, as in :mod:`taskroy.models.choice_grid`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.best_nodes import BestNodes
from taskroy.models.choice_grid import BOTTOM, PSI_NODES, Grid
from taskroy.models.psi_series import chebyshev_points, chebyshev_terms, scaled, series_at
from taskroy.models.psi_table import PsiTable, exact_on_the_left, look_up, psi_table, support

# Where y + right is below this, ψ(x + y) is nearly −e^{x + y} wherever it counts: at no node does
# e^{x + y} blow up the error of the factor that is left.
_CUT = -3.0
# Numbers (occupations × terms × workers) that are worked on at once: 1.3 MB of them.
_BLOCK_ELEMENTS = 170_000
# The order of a derivative of ψ, or a function of the table and x + y.
type Integrand = int | Callable[[PsiTable, Array], Array]


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
    weight, probability, shock = nodes.integrals(1, stein)
    return Outcomes(-probability.T, -shock.T, nodes.best.mean(weight.sum(0)))


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
    return _tilted(value, ratio, shift, grid, (slope,))[0]


def efficiency_with_slope(
    value: Float[Array, "N O"], ratio: Float[Array, ""], shift: Float[Array, ""], grid: Grid
) -> tuple[Float[Array, "N O"], Float[Array, "N O"]]:
    """Return efficiency units, and the derivative of each in its own y_o; see `efficiency`."""
    units, own = _tilted(value, ratio, shift, grid, (slope, stein))
    return units, own


@partial(jax.jit, static_argnames=("grid", "functions"))
def _tilted(
    value: Array,
    ratio: Array,
    shift: Array,
    grid: Grid,
    functions: tuple[Callable[[PsiTable, Array], Array], ...],
) -> tuple[Array, ...]:
    """Return integrals of functions, times −1, the shock of o drawn with density in e^ε."""
    nodes = _Nodes.cover(value, ratio, grid, further=shift)
    _, *moments = nodes.integrals(*(tilted(function, shift) for function in functions))
    scale = -jnp.exp(0.5 * (shift / ratio) ** 2)  # shift/ratio is ϱ
    return tuple(scale * moment.T for moment in moments)


def slope(table: PsiTable, x: Array) -> Array:
    """Return ψ'(x), whose integral is minus a probability."""
    return look_up(table, x, 1)


def stein(table: PsiTable, x: Array) -> Array:
    """Return (ψ'' + ψ'²)(x), whose integral is minus an expected shock over ϱ·ratio."""
    return look_up(table, x, 2) + look_up(table, x, 1) ** 2


def tilted(
    function: Callable[[PsiTable, Array], Array], shift: Array
) -> Callable[[PsiTable, Array], Array]:
    """Return a function of x + δ in place of x, and of the same occupation's e^ψ: of e^ε."""
    return lambda table, x: (
        function(table, x + shift) * jnp.exp(look_up(table, x + shift) - look_up(table, x))
    )


def _domain(y: Array, ratio: Array) -> tuple[Array, Array]:
    """Return the interval in y on which series are good: that of y, as far as ψ is not nil."""
    start, _ = support(ratio)
    fixed = jax.lax.stop_gradient(y)
    low = jnp.maximum(jnp.min(fixed), start) - 1e-3
    return low, jnp.maximum(jnp.max(fixed), low + 1.0) + 1e-3


def _without_fall(function: Integrand) -> Callable[[PsiTable, Array], Array]:
    """Return f·e^{−x}, left of the table as at its start: there f is like e^x."""

    def level(table: PsiTable, x: Array) -> Array:
        x = jnp.maximum(x, table.start)
        value = look_up(table, x, function) if isinstance(function, int) else function(table, x)
        return value * jnp.exp(-x)

    return level


def _clenshaw(coefficients: Sequence[Array], t: Array) -> Array:
    """Sum c_0 T_0(t) + c_1 T_1(t) + …: one loop over t, with no term kept."""
    first, *others = coefficients
    ahead = later = jnp.zeros_like(t)
    for coefficient in reversed(others):
        ahead, later = coefficient + 2 * t * ahead - later, ahead
    return first + t * ahead - later


class _Nodes(NamedTuple):
    """Nodes of each worker, and where Chebyshev series in y are good there."""

    grid: Grid
    table: PsiTable
    domain: tuple[Array, Array]
    shifted: Float[Array, "O N"]
    best: BestNodes

    @classmethod
    def cover(cls, value: Array, ratio: Array, grid: Grid, further: Array | float = 0.0) -> _Nodes:
        """Cover where ψ of the best occupation is not nil, `further` to the left."""
        table = exact_on_the_left(
            psi_table(ratio, grid.knots, highest=2, bottom=BOTTOM, nodes=PSI_NODES)
        )
        best = BestNodes.cover(jnp.max(value, axis=1), ratio, grid.nodes, further)
        shifted = value.T + best.right
        return cls(grid, table, _domain(shifted, ratio), shifted, best)

    def integrals(self, *functions: Integrand) -> tuple[Array, ...]:
        """Return e^G dx at the nodes, (Q, N), and each function's integral over it, (O, N) each.

        Workers are taken in blocks that fit in a processor's cache. A series has the same error for
        all that it covers. Mean wages are ratios of integrals, so occupations far below a worker's
        best have series of their own, of f·e^{−x−y}, nearly constant there: its error is relative
        to the integral, however few would choose the occupation.
        """
        low, high = self.domain
        cut = jnp.full_like(high, _CUT)
        near = jnp.maximum(low, cut), high
        far = jnp.minimum(low, cut - 1.0), cut

        def series(function: Integrand) -> Float[Array, "S Q"]:
            """Return the coefficients of both series, the one near the best first."""
            back, table = self.best.back, self.table
            at_near, at_far = (chebyshev_points(part, self.grid.terms) for part in (near, far))
            falling = series_at(at_far, back, table, _without_fall(function))
            return jnp.concatenate(
                [series_at(at_near, back, table, function), falling * jnp.exp(-back)]
            )

        survival, *others = map(series, (0, *functions))

        def of_block(shifted: Array) -> tuple[Array, ...]:
            # An occupation has the terms of its own series only; their sums are apart.
            member = shifted >= cut
            domain = jnp.where(member, near[0], far[0]), jnp.where(member, near[1], far[1])
            # The series goes on flat left of its domain, the factor falls.
            terms = chebyshev_terms(scaled(jnp.clip(shifted, *domain), domain), self.grid.terms)
            factor = jnp.where(member, 1.0, jnp.exp(jnp.minimum(shifted, cut)))
            moments = [
                (jnp.where(mine, factor, 0.0) * term).sum(0)
                for mine in (member, ~member)
                for term in terms
            ]
            weight = self.best.step * jnp.exp(survival.T @ jnp.stack(moments))

            def integral(matrix: Float[Array, "S Q"]) -> Float[Array, "O B"]:
                at_near, at_far = jnp.split((matrix @ weight)[:, None], 2)
                coefficients = [
                    jnp.where(member, a, b) for a, b in zip(at_near, at_far, strict=True)
                ]
                return factor * _clenshaw(coefficients, terms[1])

            return weight, *map(integral, others)

        occupations, workers = self.shifted.shape
        block = max(1, _BLOCK_ELEMENTS // (occupations * self.grid.terms))
        if workers <= block:
            return of_block(self.shifted)
        blocks = -(-workers // block)
        # The last block is filled up with its last worker.
        filled = jnp.pad(self.shifted, ((0, 0), (0, blocks * block - workers)), mode="edge")
        found = jax.lax.map(
            of_block, jnp.moveaxis(filled.reshape(occupations, blocks, block), 1, 0)
        )
        return tuple(jnp.moveaxis(x, 0, 1).reshape(x.shape[1], -1)[:, :workers] for x in found)
