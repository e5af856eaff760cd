"""What an occupation is worth from next year on, to a worker who looks ahead.

Where experience pays, whoever holds o now will find it worth δ = Δ/ν more next year. With discount
factor β the value of coming from j is, in units of ν,

    v(j) = E max_o [y_o + δ·1(o = j) + (ϱ/ν)·z_o + u_o],   y_o = (m_o + κ_o)/ν + β·v(o),

the same problem every year. Only a_j = v(j) − v(from nowhere), between 0 and δ, matters to choices.
It solves a = F((m + κ)/ν + β·a), with G as in :mod:`taskroy.models.choice_outcomes` and

    F_j(y) = ∫ e^{G(x)} (1 − e^{ψ(x + y_j + δ) − ψ(x + y_j)}) dx,

or log(1 + p_j·(e^δ − 1)) where the wage shock is the worker's: one fixed point for each worker, as
that of v is a contraction's. V_o(1) = V_o(0) + Δ holds as in the static model: a shift of the logit
(Freund and Mann 2025, the amendment for persistence).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.best_nodes import BestNodes
from taskroy.models.choice_grid import BOTTOM, PSI_NODES, Grid
from taskroy.models.psi_series import BentAxis, chebyshev_terms, series_at
from taskroy.models.psi_table import PsiTable, look_up, psi_table

# A search ends where its step is this small a share of what is sought, or so many roundings of it;
# the error is some ten times smaller still. It gives up after so many steps.
_SMALL, _ROUNDINGS, _STEPS = 1e-8, 30, 400
# Steps that are taken as they come: ten are enough but where bonuses are large, and some of those
# lead away before the rest lead back. After them each has to make what is left of the equation
# smaller by a tenth, or is replaced by one that must, the iteration of values itself.
_FREE_STEPS, _SMALLER = 12, 0.9

type _Map = Callable[[Float[Array, "N O"]], Float[Array, "N O"]]
type _State = tuple[Array, Array, Array, Array]


@partial(jax.jit, static_argnames=("discount", "grid"))
def continuation(
    value: Float[Array, "N O"],
    ratio: Float[Array, ""] | None,
    bonus: Float[Array, ""],
    discount: float,
    grid: Grid,
) -> Float[Array, "N O"]:
    """Return β·a_io, what to hold an occupation adds to its worth from next year on.

    First derivatives are those of the implicit function; second ones are not.

    Parameters
    ----------
    value
        (m_io + κ_o)/ν.
    ratio
        ϱ/ν; None where the wage shock is the worker's, which cancels in the choice.
    bonus
        δ = Δ/ν.
    discount
        β, at least 0 and below 1.
    grid
        Sizes of the quadrature.

    Returns
    -------
    Array
        Units of ν, (N, O); not a number for a worker whose search did not end, which takes a bonus
        of many times both shocks' sd.
    """
    gain = _gain(value, ratio, bonus, grid)
    # The search, and the matrix of the step after it, are constants to derivatives.
    fixed = jax.lax.stop_gradient((value, ratio, bonus))
    fixed_value, fixed_gain = fixed[0], _gain(*fixed, grid)
    # The sd of both shocks together, in that of the taste shock.
    variance = jnp.ones(()) if fixed[1] is None else 1 + 6 / np.pi**2 * fixed[1] ** 2
    scale = jnp.sqrt(variance)
    small = max(_SMALL, _ROUNDINGS * float(np.finfo(value.dtype).eps))

    def undo(a: Array, gain: Array, *, transposed: bool = False) -> _Map:
        at = fixed_value + discount * a
        gain = jnp.clip(gain, 0.0, fixed[2])
        return _inverse_of_logit(at / scale, gain / scale, discount, transposed=transposed)

    found = _search(
        lambda a: fixed_gain(fixed_value + discount * a) - a,
        lambda a, rest: jnp.clip(a + undo(a, a + rest)(rest), 0.0, fixed[2]),
        jnp.zeros_like(value),
        small * fixed[2],
    )
    # Newton's step from where the search ended: nil, but for its derivatives.
    _, push = jax.linearize(fixed_gain, fixed_value + discount * found)

    def solving(*, transposed: bool) -> Callable[[_Map, Array], Array]:
        near = undo(found, found, transposed=transposed)

        def solve(matrix: _Map, wanted: Array) -> Array:
            first = near(wanted)
            tolerance = small * jnp.abs(first).max()
            return _search(
                lambda s: wanted - matrix(s), lambda s, rest: s + near(rest), first, tolerance
            )

        return solve

    rest = jax.lax.custom_linear_solve(
        lambda s: s - discount * push(s),
        gain(value + discount * found) - found,
        solving(transposed=False),
        transpose_solve=solving(transposed=True),
    )
    return discount * (found + rest)


def _gain(value: Array, ratio: Array | None, bonus: Array, grid: Grid) -> _Map:
    """Return F, for y that exceed `value` by up to δ."""
    if ratio is None:
        return lambda y: jnp.log1p(jax.nn.softmax(y, axis=1) * jnp.expm1(bonus))
    table = psi_table(ratio, grid.knots, highest=0, bottom=BOTTOM, nodes=PSI_NODES)
    reach = jax.lax.stop_gradient(bonus)
    # All that is to come, and the bonus, may make the best better.
    nodes = BestNodes.cover(jnp.max(value, axis=1), ratio, grid.nodes, further=2 * reach)
    axis = BentAxis.over(value.T + nodes.right, ratio, reach)
    points = axis.points(grid.terms)

    def lost(table: PsiTable, x: Array) -> Array:
        return -jnp.expm1(look_up(table, x + bonus) - look_up(table, x))

    psi = series_at(points, nodes.back, table, 0)
    without = series_at(points, nodes.back, table, lost)

    def gain(y: Float[Array, "N O"]) -> Float[Array, "N O"]:
        terms = chebyshev_terms(axis.place(y.T + nodes.right), grid.terms)
        weight = nodes.step * jnp.exp(psi.T @ jnp.stack([term.sum(0) for term in terms]))
        sums = without @ weight  # (R, N)
        parts = [term * row for term, row in zip(terms, sums, strict=True)]
        return sum(parts[1:], parts[0]).T

    return gain


def _inverse_of_logit(
    y: Float[Array, "N O"], a: Float[Array, "N O"], discount: float, *, transposed: bool
) -> _Map:
    """Return r ↦ (I − βJ)⁻¹·r with J = diag(g) − g·pᵀ, F's derivative in a logit.

    There a = log(1 + p·(e^δ − 1)), and g = 1 − e^{−a}.
    """
    p, g = jax.nn.softmax(y, axis=1), -jnp.expm1(-a)
    left, right = (p, g) if transposed else (g, p)
    across = discount * left / (1 - discount * g)
    total = 1 + (right * across).sum(1, keepdims=True)

    def apply(r: Float[Array, "N O"]) -> Float[Array, "N O"]:
        alone = r / (1 - discount * g)
        return alone - across * (right * alone).sum(1, keepdims=True) / total

    return apply


def _search(
    rest: _Map, newton: Callable[[Array, Array], Array], first: Array, tolerance: Array
) -> Array:
    """Find x of which nothing is left, worker by worker; no number where that fails.

    Parameters
    ----------
    rest
        What is left, whose addition to x contracts at the rate of the discount factor.
    newton
        A better step, from x and what is left there.
    first
        Where to start.
    tolerance
        Of the last step.
    """

    def span(rest: Array) -> Array:
        # What all values have in common, that from nowhere included, moves no choice.
        return jnp.maximum(rest.max(1), 0.0) - jnp.minimum(rest.min(1), 0.0)

    def step(x: Array, left: Array) -> tuple[Array, Array]:
        new = newton(x, left)
        return new, jnp.abs(new - x).max(1) <= tolerance

    def going(state: _State) -> Array:
        count, x, left, _ = state
        return (count < _STEPS) & ~step(x, left)[1].all()

    def again(state: _State) -> _State:
        count, x, left, refused = state
        new = jnp.where(refused[:, None], x + left, newton(x, left))
        then = rest(new)
        taken = refused | (count < _FREE_STEPS) | (span(then) <= _SMALLER * span(left))
        x, left = (jnp.where(taken[:, None], now, old) for now, old in ((new, x), (then, left)))
        return count + 1, x, left, ~taken

    start = jnp.zeros((), int), first, rest(first), jnp.zeros(len(first), bool)
    _, x, left, _ = jax.lax.while_loop(going, again, start)
    last, ended = step(x, left)
    return jnp.where(ended[:, None], last, jnp.nan)
