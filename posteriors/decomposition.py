"""Why an occupation's mean wage changes: exact parts that add up (model.md, section 6).

With the worlds before and after (primes), and ô and ô' the occupations chosen in each,

    E[w'_o | ô' = o] − E[w_o | ô = o]
      = Δμ_o                                      productivity (of machines, and prices)
      + (A'_o − A_o)·s̄                            task shift
      + (A'_o − A_o)·(E[s | ô = o] − s̄)           selection
      + A'_o·E[s' − s | ô = o]                    change of skills: augmentation, simplification
      + E[b' − b | ô = o]                         bargaining: what employers keep
      + E[w'_o | ô' = o] − E[w'_o | ô = o]        re-sorting

where the last conditions the new wage on the old choice, at unchanged shocks. Change of skills and
bargaining are exactly zero in scenarios without such steps.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.world import Economy

#: The parts, in the order in which they are told.
PARTS = ("productivity", "task_shift", "selection", "skill_change", "bargaining", "resorting")


def decompose(
    before: Economy, after: Economy, skill_mean: Float[Array, " K"]
) -> dict[str, Float[Array, " O"]]:
    """Return the change of each occupation's mean log wage and its parts.

    Parameters
    ----------
    before, after
        The economies.
    skill_mean
        s̄, (K,).

    Returns
    -------
    dict
        ``log_wage_change``; the parts; ``incumbent_change``, for those there before, staying and
        with shocks held: all parts but the last. Log-wage units, (O,) each.
    """
    old, new = before.equilibrium, after.equilibrium
    weights, new_weights = before.world.technology.task_weights, after.world.technology.task_weights
    employment = old.probability.sum(0)

    def of_incumbents(x: Array) -> Array:
        """Mean of x, (N, O), over those who hold each occupation before."""
        return (old.probability * x).sum(0) / employment

    shock = old.shock.sum(0) / employment
    wage_before = of_incumbents(old.potential) + shock
    wage_stayed = of_incumbents(new.potential) + shock
    new_employment = new.probability.sum(0)
    wage_after = (new.probability * new.potential).sum(0) / new_employment + new.shock.sum(
        0
    ) / new_employment
    skill = old.probability.T @ before.world.skill / employment[:, None]
    learnt = old.probability.T @ (after.world.skill - before.world.skill) / employment[:, None]
    shift = new_weights - weights
    return {
        "log_wage_change": wage_after - wage_before,
        "productivity": after.world.intercept - before.world.intercept,
        "task_shift": shift @ jnp.asarray(skill_mean),
        "selection": (shift * (skill - skill_mean)).sum(1),
        "skill_change": (new_weights * learnt).sum(1),
        "bargaining": of_incumbents(after.world.premium - before.world.premium),
        "resorting": wage_after - wage_stayed,
        "incumbent_change": wage_stayed - wage_before,
    }
