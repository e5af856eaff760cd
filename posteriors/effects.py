"""What a scenario does at one posterior draw: every quantity that is reported.

Quantities are over the panel's workers, each with weight one unless said, in closed form. Their
meaning is in ``docs/posterior.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.long_run_faults import long_run_faults
from taskroy.models.scenario import AnyStep, play
from taskroy.models.step import Told
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters, Shock
from taskroy.posteriors.decomposition import PARTS, decompose
from taskroy.posteriors.first_order import first_order
from taskroy.posteriors.flows import flow_matrix, groups, pair_changes
from taskroy.posteriors.held_shocks import held_groups
from taskroy.posteriors.inequality import inequality
from taskroy.posteriors.leaver_skill import automated_weights, group_skills, standardized
from taskroy.posteriors.winners import changes_of_people, mean_of, wage_changes, welfare_changes
from taskroy.posteriors.worker_decomposition import WORKER_PARTS, decompose_workers

_BY_OCCUPATION = (
    *PARTS,
    "log_wage_change",
    "selection_first_order",
    "resorting_first_order",
    "log_wage_change_first_order",
    "first_order_error",
    "incumbent_change",
    "employment_before",
    "employment_after",
    "winners_by_occupation",
    "worker_change_by_occupation",
    "welfare_change_by_occupation",
    "log_price",
    "surplus_share",
)
#: By group of people.
BY_PEOPLE = ("people_change", "people_winners", "people_welfare_change")
#: Of who is skilled at what is automated.
AUTOMATED_SKILL = ("group_automated_skill", "group_automated_skill_unchanged")
_BY_GROUP = (
    *("group_share", "group_change", "group_share_unchanged", "group_change_unchanged"),
    *("held_share", "held_gain"),
    *AUTOMATED_SKILL,
)

#: Dimensions besides chain and draw, of the effects that have any and are kept draw by draw.
DIMENSIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_BY_OCCUPATION, ("occupation",)),
    **dict.fromkeys(_BY_GROUP, ("group", "occupation")),
    **dict.fromkeys(BY_PEOPLE, ("people",)),
    "inequality_before": ("measure",),
    "inequality_after": ("measure",),
    "productivity_threshold": ("task",),
    "worker_change_percentile": ("occupation", "percentile"),
    "mean_part": ("part",),
}
_PAIR = ("origin", "destination")
#: Of who goes from one occupation to another; nobody may.
FLOW_CHANGES = ("flow_change", "flow_change_beyond")
#: Dimensions of the effects that are kept as summaries over draws, because there are so many.
WIDE: dict[str, tuple[str, ...]] = {
    "worker_change": ("worker",),
    **dict.fromkeys(WORKER_PARTS, ("worker",)),
    "flow": _PAIR,
    **dict.fromkeys(("net_flow", *FLOW_CHANGES), _PAIR),
    **dict.fromkeys(("held_flow", "held_flow_gain"), _PAIR),
}


def effects(
    draw: Parameters,
    steps: Sequence[AnyStep],
    technology: Technology,
    shares: Float[Array, "S K"],
    *,
    shock: Shock,
    members: Float[Array, "P N"] | None = None,
    weight: Float[Array, " N"] | None = None,
    held: tuple[Array, int] | None = None,
    nearby: Told | None = None,
) -> dict[str, Array]:
    """Return every effect of a scenario at one posterior draw.

    Parameters
    ----------
    draw
        The draw.
    steps
        Those of the scenario, checked (:mod:`taskroy.models.scenario_tasks`).
    technology
        Before the scenario.
    shares
        Share of each task that each step acts on.
    shock
        Whether wage shocks are by occupation or by worker.
    members
        Weight of each worker in each group of people, which sum to one; None where there are no
        groups, and then the effects on them are left out.
    weight
        How much each worker counts in headlines, in winners and changes by occupation, and in
        inequality; None for once each.
    held
        Key and number of the shocks that are held (:mod:`taskroy.posteriors.held_shocks`); None
        leaves out what depends on them.
    nearby
        The effects at a draw like this one, from which searches start; None for none.

    Returns
    -------
    dict
        Those of `DIMENSIONS` and `WIDE`, and scalars; `FAULTS` of
        :mod:`taskroy.models.long_run_faults` tell why others may not be numbers, and are not kept.
    """
    before, after, told = play(steps, draw, technology, shares, shock, nearby)
    old, new = before.equilibrium, after.equilibrium
    share, change = groups(old, new)
    unchanged_share, unchanged_change = groups(old, old)
    employment = old.probability.sum(0)
    flow = flow_matrix(old, new)
    moved, beyond = pair_changes(old, new)
    parts = decompose(before, after, draw.skill_mean)
    workers_parts = decompose_workers(before, after, draw.skill_mean)
    simulated = {} if held is None else held_groups(before, after, *held)
    skilled = standardized(before.world.skill, automated_weights(steps, shares))
    people = {} if members is None else changes_of_people(members, old, new)
    return {
        **parts,
        **first_order(before, after, draw.skill_mean, parts),
        **workers_parts,
        "mean_part": jnp.stack([mean_of(workers_parts[name], weight) for name in WORKER_PARTS]),
        **wage_changes(old, new, weight),
        **welfare_changes(old, new, weight),
        **people,
        **simulated,
        "employment_before": employment / employment.sum(),
        "employment_after": new.probability.sum(0) / new.probability.sum(),
        "group_share": share,
        "group_change": change,
        "group_share_unchanged": unchanged_share,
        "group_change_unchanged": unchanged_change,
        "group_automated_skill": group_skills(skilled, old, new),
        "group_automated_skill_unchanged": group_skills(skilled, old, old),
        "flow": flow,
        "net_flow": flow - flow.T,
        "flow_change": moved,
        "flow_change_beyond": beyond,
        "inequality_before": inequality(old, weight),
        "inequality_after": inequality(new, weight),
        **long_run_faults(old, new),
        **told,
    }
