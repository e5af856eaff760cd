"""Who gains and who loses, in wages and in welfare."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.world import Equilibrium

#: Of workers' changes within an occupation.
PERCENTILES = (10, 50, 90)


def wage_changes(
    before: Equilibrium, after: Equilibrium, weight: Float[Array, " N"] | None = None
) -> dict[str, Array]:
    """Return each worker's change of the expected log wage, and who gains.

    Parameters
    ----------
    before, after
        Equilibria of the same workers.
    weight
        How much each worker counts; None for once each.

    Returns
    -------
    dict
        ``worker_change`` (N,); ``mean_change``, ``winners`` and ``losers``, shares of workers;
        ``winners_by_occupation`` and ``worker_change_by_occupation`` (O,), by occupation before;
        ``worker_change_percentile`` (O, 3), those of `PERCENTILES` within each occupation before.
    """
    change = after.expected_wage - before.expected_wage
    winner = (change > 0).astype(change.dtype)
    loser = (change < 0).astype(change.dtype)
    member = _members(before, weight)
    return {
        "worker_change": change,
        "mean_change": mean_of(change, weight),
        "winners": mean_of(winner, weight),
        "losers": mean_of(loser, weight),
        "winners_by_occupation": _by_occupation(winner, member),
        "worker_change_by_occupation": _by_occupation(change, member),
        "worker_change_percentile": _percentiles(change, member),
    }


def welfare_changes(
    before: Equilibrium, after: Equilibrium, weight: Float[Array, " N"] | None = None
) -> dict[str, Array]:
    """Return changes of welfare, E[max_o (w + κ + u)] or that where people choose to be, in money.

    Were all log wages higher by c, so were welfare: its change in log-wage units is the uniform
    change of log wages that the worker values as much, wages, amenities and tastes considered.

    Parameters
    ----------
    before, after
        Equilibria of the same workers.
    weight
        How much each worker counts; None for once each.

    Returns
    -------
    dict
        ``welfare_change``, its mean; ``welfare_winners``, the share of workers who are better off;
        ``welfare_change_by_occupation`` (O,), by occupation before.
    """
    change = after.welfare - before.welfare
    better = (change > 0).astype(change.dtype)
    return {
        "welfare_change": mean_of(change, weight),
        "welfare_winners": mean_of(better, weight),
        "welfare_change_by_occupation": _by_occupation(change, _members(before, weight)),
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


def mean_of(x: Float[Array, " N"], weight: Float[Array, " N"] | None) -> Float[Array, ""]:
    """Return a mean over workers, who count by their weight, or once each."""
    return x.mean() if weight is None else weight @ x / weight.sum()


def _members(before: Equilibrium, weight: Float[Array, " N"] | None) -> Float[Array, "N O"]:
    """Return how much each worker counts among those who hold each occupation before."""
    return before.probability if weight is None else weight[:, None] * before.probability


def _by_occupation(x: Float[Array, " N"], member: Float[Array, "N O"]) -> Float[Array, " O"]:
    """Mean over those who hold each occupation before."""
    return x @ member / member.sum(0)
