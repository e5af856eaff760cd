"""Why one worker's expected wage changes: exact parts that add up.

Worker i holds occupation o with probability P_io before and P'_io after. His expected log wage is
Σ_o P_io·m_io and what shocks and experience add, and it changes, by the parts of
:mod:`taskroy.posteriors.decomposition` in the occupations where he is before,

    E_i[w'] − E_i[w]
      = Σ_o P_io·Δμ_o                             productivity (of machines, and prices)
      + Σ_o P_io·(A'_o − A_o)·s̄                   task shift, of a worker of mean skills
      + Σ_o P_io·(A'_o − A_o)·(s_i − s̄)           selection: that he is not that worker
      + Σ_o P_io·A'_o·(s'_i − s_i)                change of skills
      + Σ_o P_io·(b'_io − b_io)                   bargaining
      + Σ_o (P'_io − P_io)·m'_io + change of what shocks and experience add    re-sorting

All but the last are what happens to him if he stays, at unchanged shocks. Their means over workers
are the employment-weighted means of the parts by occupation; that of re-sorting is not, because by
occupation it is about who is in it.
"""

from __future__ import annotations

from jax import Array
from jaxtyping import Float

from taskroy.models.world import Economy
from taskroy.posteriors.decomposition import PARTS

#: Names of the parts, in the order of `PARTS`.
WORKER_PARTS = tuple(f"worker_{part}" for part in PARTS)


def decompose_workers(
    before: Economy, after: Economy, skill_mean: Float[Array, " K"]
) -> dict[str, Float[Array, " N"]]:
    """Return the parts of each worker's change of the expected log wage.

    Parameters
    ----------
    before, after
        The economies.
    skill_mean
        s̄, (K,).

    Returns
    -------
    dict
        `WORKER_PARTS`, log-wage units, (N,) each; they add up to ``worker_change``.
    """
    old, new = before.equilibrium, after.equilibrium
    world, then = before.world, after.world
    p, new_weights = old.probability, then.technology.task_weights
    shift = new_weights - world.technology.task_weights
    own_shift = p @ shift
    found = {
        "productivity": p @ (then.intercept - world.intercept),
        "task_shift": own_shift @ skill_mean,
        "selection": (own_shift * (world.skill - skill_mean)).sum(1),
        "skill_change": ((p @ new_weights) * (then.skill - world.skill)).sum(1),
        "bargaining": (p * (then.premium - world.premium)).sum(1),
        "resorting": new.expected_wage - (p * new.potential + old.shock).sum(1),
    }
    return {f"worker_{part}": found[part] for part in PARTS}
