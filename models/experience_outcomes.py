"""What workers can expect in the long run, where the occupation held before pays more.

Where a worker comes from j, the worth of j is higher by δ = Δ/ν and that of others is what it was.
With G(x) = Σ_o ψ(x + y_o) as in :mod:`taskroy.models.choice_outcomes`, only one term differs:

    P(o | j) = −∫ ψ'(x + y_o + δ·1(o = j)) e^{G(x) + ψ(x + y_j + δ) − ψ(x + y_j)} dx

and likewise for expected shocks, efficiency units and welfare. A worker who goes on choosing is in
j a share π_j of his years, π the stationary distribution of P; everything is averaged over it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.best_nodes import BestNodes
from taskroy.models.choice_grid import BOTTOM, PSI_NODES, Grid
from taskroy.models.choice_outcomes import slope, stein, tilted
from taskroy.models.psi_table import PsiTable, look_up, psi_table

# Numbers (workers × occupations × nodes) that are worked on at once.
_BLOCK_ELEMENTS = 500_000


class LongRun(NamedTuple):
    """What each worker can expect in a year of the long run.

    ``probability`` is π_o; ``stein`` E[ε_o·1(ô = o)]/(ϱ·ratio); ``stay`` the probability to hold o
    and to have held it before: (N, O) each. ``worth`` is E[max_o (w + κ + u)]/ν, (N,).
    """

    probability: Float[Array, "N O"]
    stein: Float[Array, "N O"]
    stay: Float[Array, "N O"]
    worth: Float[Array, " N"]


@partial(jax.jit, static_argnames="grid")
def long_run(
    value: Float[Array, "N O"], ratio: Float[Array, ""], bonus: Float[Array, ""], grid: Grid
) -> LongRun:
    """Return long-run probabilities, shocks and welfare; wage shocks are by occupation.

    Parameters
    ----------
    value
        y_io = (m_io + κ_o)/ν, without experience.
    ratio
        ϱ/ν.
    bonus
        δ = Δ/ν.
    grid
        Sizes of the quadrature; its Chebyshev terms are not used.
    """
    table = _table(ratio, grid)

    def of_worker(y: Float[Array, " O"]) -> LongRun:
        origins = _Origins.of(table, BestNodes.cover(y.max(), ratio, grid.nodes, bonus), y, bonus)
        choice, shares = origins.choice()
        worth = origins.nodes.mean(origins.weight.sum(1))
        return LongRun(
            shares,
            shares @ origins.integral(stein),
            shares * jnp.diagonal(choice),
            shares @ worth,
        )

    return _worker_by_worker(of_worker, value, grid)


@partial(jax.jit, static_argnames="grid")
def long_run_efficiency(
    value: Float[Array, "N O"],
    ratio: Float[Array, ""],
    taste_scale: Float[Array, ""],
    gain: Float[Array, ""],
    grid: Grid,
) -> Float[Array, "N O"]:
    """Return E[e^{ε_o + Δ·1(o = j)}·1(ô = o) | s] in the long run, j the occupation before, (N, O).

    Parameters
    ----------
    value, ratio, grid
        As for `long_run`.
    taste_scale
        ν.
    gain
        Δ.
    """
    rho, bonus = ratio * taste_scale, gain / taste_scale
    table, shift = _table(ratio, grid), rho * ratio

    def of_worker(y: Float[Array, " O"]) -> Float[Array, " O"]:
        nodes = BestNodes.cover(y.max(), ratio, grid.nodes, bonus + shift)
        origins = _Origins.of(table, nodes, y, bonus)
        _, shares = origins.choice()
        units = origins.integral(tilted(slope, shift))
        more = shares * jnp.diagonal(units) * jnp.expm1(gain)
        return jnp.exp(rho**2 / 2) * (shares @ units + more)

    found: Array = _worker_by_worker(of_worker, value, grid)
    return found


class _Origins(NamedTuple):
    """One worker's integrals, by the occupation he comes from.

    ``without`` and ``within`` are x + y_o and that with experience, (O, Q); ``weight`` is
    P(max ≤ −νx) by origin, times the nodes' spacing, (O, Q).
    """

    table: PsiTable
    nodes: BestNodes
    without: Float[Array, "O Q"]
    within: Float[Array, "O Q"]
    weight: Float[Array, "O Q"]

    @classmethod
    def of(cls, table: PsiTable, nodes: BestNodes, y: Float[Array, " O"], bonus: Array) -> _Origins:
        """Return those of a worker."""
        without = nodes.right - nodes.back + y[:, None]
        within = without + bonus
        psi = look_up(table, without)
        weight = nodes.step * jnp.exp(psi.sum(0) + look_up(table, within) - psi)
        return cls(table, nodes, without, within, weight)

    def integral(self, function: Callable[[PsiTable, Array], Array]) -> Float[Array, "O O"]:
        """Return minus a function's integral for each occupation held, the columns, by origin."""
        staying = -(self.weight * function(self.table, self.within)).sum(1)
        moving = -self.weight @ function(self.table, self.without).T
        return jnp.where(jnp.eye(len(staying), dtype=bool), staying[:, None], moving)

    def choice(self) -> tuple[Float[Array, "O O"], Float[Array, " O"]]:
        """Return P(o | j), origins in rows, and its stationary distribution."""
        choice = self.integral(slope)
        # Rows sum to one but for the quadrature's error, which would end up in one occupation.
        choice = choice / choice.sum(1, keepdims=True)
        return choice, stationary(choice)


def _table(ratio: Array, grid: Grid) -> PsiTable:
    return psi_table(ratio, grid.knots, highest=2, bottom=BOTTOM, nodes=PSI_NODES)


def _worker_by_worker[R](
    of_worker: Callable[[Array], R], value: Float[Array, "N O"], grid: Grid
) -> R:
    block = max(1, _BLOCK_ELEMENTS // (value.shape[1] * grid.nodes))
    found: R = jax.lax.map(of_worker, value, batch_size=min(block, len(value)))
    return found


def long_run_logit(value: Float[Array, "N O"], bonus: Float[Array, ""]) -> LongRun:
    """Return the same where the wage shock is the worker's: choices are a logit, reversible.

    Parameters
    ----------
    value, bonus
        As for `long_run`.
    """
    # Σ_o e^y by origin; π_j is in proportion to e^{y_j} times it.
    log_total = jax.nn.logsumexp(value, axis=1, keepdims=True)
    log_sum = jnp.logaddexp(log_total, value + jnp.log(jnp.expm1(bonus)))
    shares = jax.nn.softmax(value + log_sum, axis=1)
    stay = shares * jnp.exp(value + bonus - log_sum)
    worth = (shares * log_sum).sum(1) + np.euler_gamma
    return LongRun(shares, jnp.zeros_like(shares), stay, worth)


def stationary(transition: Float[Array, "O O"]) -> Float[Array, " O"]:
    """Return the distribution π = πP of a chain; row j of P is where those in j go."""
    size = len(transition)
    balance = jnp.eye(size) - transition.T
    # The equations add up to 0 = 0: the last gives way to Σπ = 1.
    return jnp.linalg.solve(balance.at[-1].set(1.0), jnp.zeros(size).at[-1].set(1.0))
