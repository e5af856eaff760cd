"""Groups of workers by percentile of their skill, made anew in every posterior draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpy.typing import NDArray

from taskroy.errors import ModelError

#: Stands for the mean skill at what a scenario automates.
AUTOMATED = "automated"
#: How `AUTOMATED` is called in the names of groups.
AUTOMATED_TITLE = "skill at what is automated"
QUARTILES = (25.0, 50.0, 75.0)


@dataclass(frozen=True)
class SkillGroups:
    """By which skills workers are grouped, and where the groups are cut.

    Attributes
    ----------
    by
        Titles of tasks, or `AUTOMATED`: the mean over tasks of the skill at them, weighted by the
        share of each that is automated.
    percentiles
        Cuts, rising, between 0 and 100.
    """

    by: tuple[str, ...]
    percentiles: tuple[float, ...]

    @property
    def labels(self) -> list[str]:
        """Names of all groups: for each skill those from the least to the most skilled."""
        low, *middle, high = pairwise((0.0, *self.percentiles, 100.0))
        cells = [
            f"lowest {low[1]:g}%",
            *(f"{a:g}% to {b:g}%" for a, b in middle),
            f"highest {100 - high[0]:g}%",
        ]
        return [f"{_title(one)}: {cell}" for one in self.by for cell in cells]

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Share of workers in each group."""
        cells = np.diff([0.0, *self.percentiles, 100.0]) / 100
        return np.tile(cells, len(self.by))

    def weights(self, tasks: Sequence[str], automated: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how each task's skill counts in the skill that groups are made by.

        Parameters
        ----------
        tasks
            Titles.
        automated
            Share of each that a scenario automates, (K,).

        Returns
        -------
        ndarray
            One row for each of `by`, (B, K); its weights sum to one. Not numbers where nothing is
            automated.
        """
        alone = dict(zip(tasks, np.eye(len(tasks)), strict=True))
        total = automated.sum()
        mean = automated / total if total > 0 else np.full(len(tasks), np.nan)
        rows = [mean if one == AUTOMATED else alone[one] for one in self.by]
        return np.array(rows).reshape(len(rows), len(tasks))


def skill_groups(
    by: Sequence[str], percentiles: Sequence[float], tasks: Sequence[str]
) -> SkillGroups:
    """Check which groups are asked for, and return them.

    Parameters
    ----------
    by, percentiles
        As in `SkillGroups`.
    tasks
        Titles of the study's tasks.

    Raises
    ------
    ModelError
        For a task that does not exist or is named twice, or percentiles that do not rise between 0
        and 100.
    """
    where = "[counterfactual]"
    for one in by:
        if one not in (AUTOMATED, *tasks) or list(by).count(one) > 1:
            twice = list(by).count(one) > 1
            raise ModelError(
                f"'{one}' is named twice." if twice else f"'{one}' is no task of this study.",
                where=f"{where}, skill_groups",
                expected=f"each of these at most once: '{AUTOMATED}', " + ", ".join(tasks),
            )
    if not percentiles or (np.diff([0.0, *percentiles, 100.0]) <= 0).any():
        raise ModelError(
            f"The percentiles are {list(percentiles)}.",
            where=f"{where}, skill_percentiles",
            expected="one or more numbers between 0 and 100, each larger than the one before",
        )
    return SkillGroups(tuple(by), tuple(map(float, percentiles)))


def members_by_skill(
    skill: Float[Array, "N K"],
    by: Float[Array, "B K"],
    weight: Float[Array, " N"],
    percentiles: Sequence[float],
) -> Float[Array, "P N"]:
    """Return each worker's weight in each group at one draw; a group's weights sum to one.

    A worker is where the middle of his own weight falls, workers lined up by skill.

    Parameters
    ----------
    skill
        s_i.
    by
        Weights of tasks, from `SkillGroups.weights`.
    weight
        Of workers.
    percentiles
        Cuts between groups.

    Returns
    -------
    Array
        Groups of the first skill, from the least skilled on, then those of the next. Not numbers in
        a group that nobody is in.
    """
    cuts = jnp.asarray(percentiles) / 100

    def of_one(row: Array) -> Array:
        score = skill @ row
        order = jnp.argsort(score)
        sorted_weight = weight[order]
        middle = (jnp.cumsum(sorted_weight) - sorted_weight / 2) / weight.sum()
        cell = jnp.zeros(len(score), int).at[order].set(jnp.searchsorted(cuts, middle))
        member = jax.nn.one_hot(cell, len(cuts) + 1, axis=0, dtype=weight.dtype) * weight
        share = member / member.sum(1, keepdims=True)
        return jnp.where(jnp.isnan(row).any(), jnp.nan, share)

    each: Array = jax.vmap(of_one)(by)
    return each.reshape(-1, len(weight))


def _title(one: str) -> str:
    return AUTOMATED_TITLE if one == AUTOMATED else f"skill at {one}"
