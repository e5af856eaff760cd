"""How productive machines are: rules that say who is indifferent to the automation of a task.

Automating φ_τ of task τ changes the log wage of worker i in occupation o, at given shocks, by
(φ_τ·α_oτ/LS'_o)·(z_τ − log r + m_io − s_iτ). He gains iff z_τ − log r exceeds his gap s_iτ − m_io:
what he does himself at the task, less what he earns. Each rule picks a number from the distribution
of gaps over workers and the occupations they hold, task by task and draw by draw. m is the wage
under competition. Of a task that no occupation has, any number will do: 0. Of one that occupations
have in which nobody works, there is none.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.weighted_quantile import weighted_quantile
from taskroy.models.world import Economy


def threshold(economy: Economy, share: Float[Array, " K"]) -> Float[Array, " K"]:
    """Return z_τ − log r at which the mean incumbent is indifferent, (K,).

    The z that makes the change of the log wage, averaged over workers and the occupations they
    hold (so weighted by employment), zero. Gaps weigh by how much of the job the task is.

    Parameters
    ----------
    economy
        Before automation.
    share
        φ_τ, (K,).
    """
    technology, before = economy.world.technology, economy.equilibrium
    kept = technology.labor_share - technology.alpha @ share
    # How much of each job the task is after automation, times the probability of holding it.
    weight = before.probability @ (technology.alpha / kept[:, None])
    held_wage = (before.probability * economy.world.productivity) @ (
        technology.alpha / kept[:, None]
    )
    total = weight.sum(0)
    gap = (weight * economy.world.skill - held_wage).sum(0)
    return _where_done(economy, jnp.where(total > 0, gap / total, jnp.nan))


def marginal(economy: Economy) -> Float[Array, " K"]:
    """Return z_τ − log r at which the marginal occupation is indifferent, (K,).

    As machines get better at a task, it pays to automate it in one occupation after the other: in o
    from the mean gap of its incumbents on, z_oτ = E[s_iτ − m_io | ô = o]. The marginal occupation
    is the last, argmax_o z_oτ among those that have the task: at its z automating the task in all
    occupations just pays, and no occupation's mean incumbent is worse off. (At the smallest of them
    automation would pay in one occupation only, though the scenario automates the task in all.)

    Parameters
    ----------
    economy
        Before automation.
    """
    world, before = economy.world, economy.equilibrium
    employment = before.probability.sum(0)
    skill = before.probability.T @ world.skill / employment[:, None]
    wage = (before.probability * world.productivity).sum(0) / employment
    # Where nobody works nobody is indifferent: the other occupations decide.
    counts = (jnp.asarray(world.technology.alpha) > 0) & (employment > 0)[:, None]
    gap = jnp.where(counts, skill - wage[:, None], -jnp.inf).max(0)
    return _where_done(economy, jnp.where(counts.any(0), gap, jnp.nan))


def quantile(economy: Economy, share: Float[Array, " K"], level: float) -> Float[Array, " K"]:
    """Return z_τ − log r at which a share of the incumbents gains from automating τ alone, (K,).

    The `level`-quantile of gaps over workers and the occupations they hold, among occupations that
    have the task; each incumbent counts once, whatever the task's weight in his job. The worker at
    the quantile is indifferent.

    Parameters
    ----------
    economy
        Before automation.
    share
        φ_τ, (K,). Of a task that stays with workers no machines are asked for: not a number.
    level
        In (0, 1).
    """
    world, before = economy.world, economy.equilibrium
    wage = world.productivity

    def of_task(task: tuple[Array, Array]) -> Array:
        skill, alpha = task
        weight = jnp.where(alpha > 0, before.probability, 0.0)
        return weighted_quantile(skill[:, None] - wage, weight, level)

    def if_automated(task: tuple[Array, Array, Array]) -> Array:
        # To search all gaps of a task is much of what a draw costs.
        moves, *of = task
        return jax.lax.cond(moves, of_task, lambda _: jnp.full((), jnp.nan, wage.dtype), tuple(of))

    alpha = jnp.asarray(world.technology.alpha)
    gap = jax.lax.map(if_automated, (jnp.asarray(share) > 0, world.skill.T, alpha.T))
    return _where_done(economy, gap)


def _where_done(economy: Economy, gap: Float[Array, " K"]) -> Float[Array, " K"]:
    """Return gaps of tasks that some occupation has, and zero for the others."""
    return jnp.where((jnp.asarray(economy.world.technology.alpha) > 0).any(0), gap, 0.0)
