"""Who goes where, and what it does to their wages.

Wage and taste shocks are drawn anew after the change, independently given skills, so that worker i
goes from o to o' with probability P_io·P'_io'. People therefore move, and their wages with them,
even if nothing changes: who chose an occupation for a good shock does not keep it. What happens to
a group has to be read against the same group in an unchanged world, which is given beside it.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.world import Equilibrium

#: Stayers hold the occupation before and after; leavers before only; in-switchers after only;
#: incumbents before, wherever they are after.
GROUPS = ("stayers", "leavers", "in_switchers", "incumbents")

#: Share of all workers, below which a flow's mean wages are those of the quadrature's error.
SMALLEST_FLOW = 1e-8


def flow_matrix(before: Equilibrium, after: Equilibrium) -> Float[Array, "O O"]:
    """Return shares of workers by occupation before (rows) and after; they sum to one."""
    return before.probability.T @ after.probability / len(before.probability)


def pair_changes(
    before: Equilibrium, after: Equilibrium
) -> tuple[Float[Array, "O O"], Float[Array, "O O"]]:
    """Return the mean change of the log wage of who goes from one occupation to another.

    Parameters
    ----------
    before, after
        Equilibria of the same workers.

    Returns
    -------
    change
        By occupation before (rows) and after, expected over shocks; on the diagonal, stayers. Not
        a number where so few go that the quadrature does not tell their wages (`SMALLEST_FLOW`).
    beyond
        The same less what it would be in a world that stays as it is; missing where either is.
    """
    change = _pair_changes(before, after)
    return change, change - _pair_changes(before, before)


def _pair_changes(before: Equilibrium, after: Equilibrium) -> Float[Array, "O O"]:
    p, q, n = before.probability, after.probability, len(before.probability)
    flow = p.T @ q / n
    # Sums over workers of P·P' times the wage there less that here, given that he is in each.
    gain = (p.T @ after.earned - before.earned.T @ q) / n
    known = flow > SMALLEST_FLOW
    return jnp.where(known, gain / jnp.where(known, flow, 1.0), jnp.nan)


def groups(
    before: Equilibrium, after: Equilibrium
) -> tuple[Float[Array, "G O"], Float[Array, "G O"]]:
    """Return shares and wage changes of who stays in, leaves and enters each occupation.

    Parameters
    ----------
    before, after
        Equilibria of the same workers.

    Returns
    -------
    share
        Of all workers, in the order of `GROUPS`, (4, O): stayers and leavers make up incumbents.
    change
        Mean over the group of the change of the log wage, expected over shocks; (4, O).
    """
    p, q = before.probability, after.probability
    earned, earns = before.earned, after.earned
    elsewhere_before = earned.sum(1, keepdims=True) - earned
    elsewhere_after = earns.sum(1, keepdims=True) - earns
    # Each sum is over workers of the group's probability times the change of wage within it.
    size = jnp.stack([(p * q).sum(0), (p * (1 - q)).sum(0), ((1 - p) * q).sum(0), p.sum(0)])
    change = jnp.stack(
        [
            (p * earns - q * earned).sum(0),
            (p * elsewhere_after - (1 - q) * earned).sum(0),
            ((1 - p) * earns - q * elsewhere_before).sum(0),
            (p * earns.sum(1, keepdims=True) - earned).sum(0),
        ]
    )
    return size / len(p), change / size
