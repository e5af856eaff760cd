"""Who gains and who loses, in wages and in welfare."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.world import Equilibrium

#: Of workers' changes within an occupation.
PERCENTILES = (10, 50, 90)


def wage_changes(before: Equilibrium, after: Equilibrium) -> dict[str, Array]:
    """Return each worker's change of the expected log wage, and who gains.

    Parameters
    ----------
    before, after
        Equilibria of the same workers.

    Returns
    -------
    dict
        ``worker_change`` (N,); ``mean_change``, ``winners`` and ``losers``, shares of workers;
        ``winners_by_occupation`` and ``worker_change_by_occupation`` (O,), by occupation before;
        ``worker_change_percentile`` (O, 3), those of `PERCENTILES` within each occupation before.
    """
    change = after.expected_wage - before.expected_wage
    winner = (change > 0).astype(change.dtype)
    return {
        "worker_change": change,
        "mean_change": change.mean(),
        "winners": winner.mean(),
        "losers": (change < 0).astype(change.dtype).mean(),
        "winners_by_occupation": _by_occupation(winner, before),
        "worker_change_by_occupation": _by_occupation(change, before),
        "worker_change_percentile": _percentiles(change, before.probability),
    }


def welfare_changes(before: Equilibrium, after: Equilibrium) -> dict[str, Array]:
    """Return changes of welfare, E[max_o (w + κ + u)] or that where people choose to be, in money.

    Were all log wages higher by c, so were welfare: its change in log-wage units is the uniform
    change of log wages that the worker values as much, wages, amenities and tastes considered.

    Parameters
    ----------
    before, after
        Equilibria of the same workers.

    Returns
    -------
    dict
        ``welfare_change``, its mean; ``welfare_winners``, the share of workers who are better off;
        ``welfare_change_by_occupation`` (O,), by occupation before.
    """
    change = after.welfare - before.welfare
    return {
        "welfare_change": change.mean(),
        "welfare_winners": (change > 0).astype(change.dtype).mean(),
        "welfare_change_by_occupation": _by_occupation(change, before),
    }


def changes_of_people(
    members: Float[Array, "P N"], before: Equilibrium, after: Equilibrium
) -> dict[str, Array]:
    """Return mean changes, and shares of winners, of groups of workers.

    Parameters
    ----------
    members
        Weight of each worker in each group; each group's sum to one.
    before, after
        Equilibria of the same workers.

    Returns
    -------
    dict
        ``people_change``, ``people_winners`` and ``people_welfare_change``, (P,).
    """
    change = after.expected_wage - before.expected_wage
    return {
        "people_change": members @ change,
        "people_winners": members @ (change > 0).astype(change.dtype),
        "people_welfare_change": members @ (after.welfare - before.welfare),
    }


def _percentiles(x: Float[Array, " N"], weight: Float[Array, "N O"]) -> Float[Array, "O 3"]:
    """Return the smallest x up to which each percentage of an occupation's weight is reached."""
    order = jnp.argsort(x)
    reached = jnp.cumsum(weight[order], axis=0)
    below = jnp.asarray(PERCENTILES)[:, None, None] / 100 * reached[-1]
    place = (reached < below).sum(1)
    return x[order][jnp.minimum(place, len(x) - 1)].T


def _by_occupation(x: Float[Array, " N"], before: Equilibrium) -> Float[Array, " O"]:
    """Mean over those who hold each occupation before."""
    return x @ before.probability / before.probability.sum(0)
