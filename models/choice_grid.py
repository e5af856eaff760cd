"""The choice factor of whole careers, fast: what a fit evaluates at every step.

With x = c − w/ν the sum over occupations in the choice integral, G_i(x) = Σ_o ψ(x + y_io), does not
depend on the year: it is computed once per worker on a grid of nodes shared by his years. ψ is
smooth, so G comes from Chebyshev moments Σ_o T_r(y_io) and one small matrix (model.md, section 3).
The same expansion gives choice probabilities and expected wages
(:mod:`taskroy.models.choice_outcomes`). Accuracy is set by :class:`Grid` and measured against
:mod:`taskroy.models.choice` by :func:`taskroy.inference.accuracy.accurate_grid`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from taskroy.models.experience import Bonus
from taskroy.models.psi_series import BentAxis, chebyshev_terms, series_at
from taskroy.models.psi_table import psi_table, support

# exp(-exp(3.3)) = e^-27 to the right of the last node.
_RIGHT_END = 3.3
# How far left of its top an integrand is e^c but for a share of e^-10; and how far it is e^-18.
_EXPONENTIAL, _DROPPED_LEFT = 10.0, 18.0
# Nodes end where ψ has the integrand at e^-24 of its integral.
_DROPPED_RIGHT = 24.0
BOTTOM = -80.0
# Nodes of the rule for ψ: right to about 1e-9.
PSI_NODES = 96


@dataclass(frozen=True)
class Grid:
    """Sizes of the shared grid; static, so each choice of sizes compiles once.

    Attributes
    ----------
    nodes
        Trapezoid nodes Q per worker. The step is the widest worker's range over Q − 1; steps of
        0.5 are right to about 1e-7 in log P.
    terms
        Chebyshev terms R in y.
    knots
        Knots of the table of ψ.
    """

    nodes: int = 96
    terms: int = 40
    knots: int = 320

    def at_least(self, other: Grid) -> Grid:
        """Return a grid as fine as both."""
        return Grid(
            max(self.nodes, other.nodes),
            max(self.terms, other.terms),
            max(self.knots, other.knots),
        )


@partial(jax.jit, static_argnames="grid")
def log_choice_of_careers(
    value: Float[Array, "N O"],
    wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    observed: Bool[Array, "N T"],
    ratio: Float[Array, ""],
    grid: Grid,
    bonus: Bonus | None = None,
) -> Float[Array, "N T"]:
    """Return log P(occupation | wage, skills) of each worker-year.

    Parameters
    ----------
    value
        y_io = (m_io + κ_o)/ν, what each occupation is worth to the worker; units of ν.
    wage
        (w_it + κ_ω)/ν, net of common covariates.
    occupation
        Index of the occupation held; any valid index where not observed.
    observed
        False in padded cells, whose result is 0.
    ratio
        ϱ/ν.
    grid
        Sizes of the quadrature.
    bonus
        What experience adds to the worth of an occupation that is not held; None for nothing.

    Returns
    -------
    Array
        (N, T).
    """
    integrand = career_integrand(value, wage, occupation, observed, ratio, grid, bonus, highest=0)
    log_probability = jax.nn.logsumexp(integrand.exponent, axis=0) + integrand.log_step
    return jnp.where(observed, log_probability.T, 0.0)


class CareerIntegrand(NamedTuple):
    """The choice integrand of whole careers on the nodes that a worker's years share.

    ``exponent`` is its log, and ``log_step`` the log of the nodes' spacing. ψ of order d at the
    nodes is ``matrices[d].T`` times Chebyshev terms: ``terms`` of all occupations; what a year adds
    to their sum is that of the series ``own``, minus the ψ of what is held and, with experience,
    ψ with its bonus less ψ without. Workers come last, so that the long axis is the contiguous one.
    """

    exponent: Float[Array, "Q T N"]
    log_step: Float[Array, ""]
    matrices: tuple[Float[Array, "R Q"], ...]
    terms: Float[Array, "O R N"]
    own: Float[Array, "R E T N"]


def career_integrand(
    value: Float[Array, "N O"],
    wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    observed: Bool[Array, "N T"],
    ratio: Float[Array, ""],
    grid: Grid,
    bonus: Bonus | None,
    *,
    highest: int,
) -> CareerIntegrand:
    """Evaluate the choice integrand at its nodes; arguments as in `log_choice_of_careers`.

    `highest` is the highest order of ψ wanted: 0, or 2 for derivatives in worths.
    """
    table = psi_table(ratio, grid.knots, highest=highest, bottom=BOTTOM, nodes=PSI_NODES)
    left, right = node_range(value, wage, occupation, observed, ratio, bonus)
    step = jnp.max(right - left) / (grid.nodes - 1)
    back = step * jnp.arange(grid.nodes - 1, -1, -1, dtype=value.dtype)
    shifted = value.T + right
    axis = BentAxis.over(shifted, ratio, 0.0 if bonus is None else jnp.max(bonus.worth))
    points = axis.points(grid.terms)
    matrices = tuple(series_at(points, back, table, order) for order in range(highest + 1))
    place = axis.place(shifted)
    terms = chebyshev_terms(place, grid.terms)
    # Summed one by one: stacked they would be R times the memory.
    total = jnp.stack([term.sum(0) for term in terms])

    def stacked(place: Float[Array, "T N"]) -> Float[Array, "R T N"]:
        return jnp.stack(chebyshev_terms(place, grid.terms))

    # Places are gathered rather than their T_r, which keeps the scatter in the gradient R times
    # smaller.
    own = -stacked(jnp.take_along_axis(place, occupation.T, axis=0))[:, None]
    if bonus is not None:
        before = jnp.take_along_axis(shifted, bonus.occupation.T, axis=0)
        extra = stacked(axis.place(before + bonus.worth.T)) - stacked(axis.place(before))
        own = jnp.concatenate([own, extra[:, None]], axis=1)
    c = (right + wage.T) - back[:, None, None]
    # Added as series rather than at the nodes, which are more.
    others = at_nodes(matrices[0], total[:, None] + own.sum(1))
    # exp(c) past the right end only has to be finite: the integrand is nil there.
    exponent = c - jnp.exp(jnp.minimum(c, 6.0)) + others
    # The nodes left of the first, where the integrand is e^c times a constant, summed: Σ_j e^-jh.
    tail = jnp.zeros(grid.nodes, value.dtype).at[0].set(-jnp.log(-jnp.expm1(-step)))
    exponent += tail[:, None, None]
    return CareerIntegrand(exponent, jnp.log(step), matrices, jnp.stack(terms, axis=1), own)


def at_nodes(matrix: Float[Array, "R Q"], terms: Float[Array, "R *M N"]) -> Float[Array, "Q *M N"]:
    """Sum Chebyshev series at every node."""
    return (matrix.T @ terms.reshape(terms.shape[0], -1)).reshape(-1, *terms.shape[1:])


def node_range(
    value: Float[Array, "N O"],
    wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    observed: Bool[Array, "N T"],
    ratio: Float[Array, ""],
    bonus: Bonus | None = None,
) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
    """Return where each worker's integrands begin and end, in x; arguments as above.

    Both ends follow improbable choices. One of probability e^-k has its mass near c = −k; k is
    bounded above by Jensen's inequality, Σψ ≥ −Σ_o e^(c + y_o − w + r²/2), and by a bound on the
    shocks. On the right the integrand ends with e^-e^c, or with ψ of the best of the others.
    """
    y, w, r = jax.lax.stop_gradient((value, wage, ratio))
    index, y = jnp.arange(y.shape[1]), y[:, None, :]
    if bonus is not None:
        raised = jax.lax.stop_gradient(bonus.worth)[..., None]
        y = y + jnp.where(index == bonus.occupation[..., None], raised, 0.0)
    others = jnp.where(index == occupation[..., None], -jnp.inf, y)
    gap = jax.nn.logsumexp(others, axis=-1) - w
    by_jensen = jnp.logaddexp(0.0, gap + r**2 / 2)
    by_shocks = 0.023 * y.shape[-1] + jnp.logaddexp(0.0, gap + 2 * r)
    reach = jnp.minimum(by_jensen + _EXPONENTIAL, by_shocks + _DROPPED_LEFT)
    improbable = jnp.minimum(by_jensen, by_shocks)
    end = support(r, -_DROPPED_RIGHT - improbable)[1] - jnp.max(others, axis=-1)
    right = jnp.minimum(_RIGHT_END - w, jnp.maximum(end, -w - improbable))
    return (
        jnp.min(jnp.where(observed, -w - reach, jnp.inf), axis=1),
        jnp.max(jnp.where(observed, right, -jnp.inf), axis=1),
    )
