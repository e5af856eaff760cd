"""What workers can expect in the long run, where the occupation held before pays more.

Where a worker comes from j, the worth of j is higher by δ = Δ/ν and that of others is what it was.
With G(x) = Σ_o ψ(x + y_o) as in :mod:`taskroy.models.choice_outcomes`, only one term differs:

    P(o | j) = −∫ ψ'(x + y_o + δ·1(o = j)) e^{G(x) + ψ(x + y_j + δ) − ψ(x + y_j)} dx

and likewise for expected shocks and welfare. A worker who goes on choosing is in j a share π_j of
his years, π the stationary distribution of P; everything is averaged over it.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.best_nodes import BestNodes
from taskroy.models.choice_grid import BOTTOM, PSI_NODES, Grid
from taskroy.models.psi_table import look_up, psi_table

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
    table = psi_table(ratio, grid.knots, highest=2, bottom=BOTTOM, nodes=PSI_NODES)

    def of_worker(y: Float[Array, " O"]) -> LongRun:
        nodes = BestNodes.cover(jnp.max(y), ratio, grid.nodes, further=bonus)
        x = nodes.right - nodes.back
        without, within = x + y[:, None], x + y[:, None] + bonus  # (O, Q)
        psi = look_up(table, without)
        # P(max ≤ −νx) by origin, times the nodes' spacing.
        weight = nodes.step * jnp.exp(psi.sum(0) + look_up(table, within) - psi)

        def by_origin(at_without: Array, at_within: Array) -> Float[Array, "O O"]:
            staying = -(weight * at_within).sum(1)
            moving = -weight @ at_without.T
            return jnp.where(jnp.eye(len(y), dtype=bool), staying[:, None], moving)

        slopes = look_up(table, without, 1), look_up(table, within, 1)
        choice = by_origin(*slopes)
        # Rows sum to one but for the quadrature's error, which would end up in one occupation.
        choice = choice / choice.sum(1, keepdims=True)
        shares = stationary(choice)
        steins = (
            look_up(table, arg, 2) + slope**2
            for arg, slope in zip((without, within), slopes, strict=True)
        )
        worth = nodes.mean(weight.sum(1))
        return LongRun(
            shares, shares @ by_origin(*steins), shares * jnp.diagonal(choice), shares @ worth
        )

    block = max(1, _BLOCK_ELEMENTS // (value.shape[1] * grid.nodes))
    return jax.lax.map(of_worker, value, batch_size=min(block, len(value)))


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
