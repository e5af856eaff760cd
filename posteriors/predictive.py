"""What panels look like: the summaries by which data and model are compared."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float


class PanelSummary(NamedTuple):
    """Summaries of one panel, over its observed worker-years.

    ``employment_share`` and ``mean_log_wage`` are (O,); ``log_wage_sd``; ``between_share``, the
    share of the variance of log wages between occupations; ``switching_rate``, the share of
    consecutive observations of a worker in which the occupation changes. An occupation that
    nobody holds has no mean wage: NaN. ``transition`` is (O, O): of all consecutive observations,
    the share from one occupation (row) to another, or the same.
    """

    employment_share: Float[Array, " O"]
    mean_log_wage: Float[Array, " O"]
    log_wage_sd: Float[Array, ""]
    between_share: Float[Array, ""]
    switching_rate: Float[Array, ""]
    transition: Float[Array, "O O"]


class Sorting(NamedTuple):
    """How workers of given skills are sorted, in one panel of their careers.

    ``comparative_advantage`` is by how much a worker's potential log wage in the occupation held
    exceeds his or her mean over occupations, on average over worker-years. ``specialist_mobility``
    is the correlation over workers between specialisation, the sd of potential log wages over
    occupations, and the share of consecutive observations in which the occupation changes; NaN
    where either does not vary.
    """

    comparative_advantage: Float[Array, ""]
    specialist_mobility: Float[Array, ""]


class Forward(NamedTuple):
    """Summaries of simulated panels, fields with leading (chain=1, draw).

    ``sorting`` is of the workers who were simulated, with the skills that they were simulated with;
    ``sorting_observed`` of what was seen, at the same skills, where there was anything to see.
    """

    panel: PanelSummary
    sorting: Sorting
    sorting_observed: Sorting | None


def summarize_panel(
    career: Float[Array, "N T 2"], observed: Bool[Array, "N T"], occupations: int
) -> PanelSummary:
    """Summarise careers: log wages and indices of occupations, (N, T, 2)."""
    wage, held = career[..., 0], career[..., 1].astype(int)
    seen = observed.astype(wage.dtype)
    total = seen.sum()
    member = (held[..., None] == jnp.arange(occupations)) * seen[..., None]
    count = member.sum((0, 1))
    mean_wage = jnp.where(
        count > 0, (member * wage[..., None]).sum((0, 1)) / jnp.maximum(count, 1), jnp.nan
    )
    mean = (wage * seen).sum() / total
    variance = ((wage - mean) ** 2 * seen).sum() / total
    between = jnp.nansum(count * (mean_wage - mean) ** 2) / total
    pair = seen[:, 1:] * seen[:, :-1]
    moved = ((held[:, 1:] != held[:, :-1]) * pair).sum()
    pairs = jnp.zeros((occupations, occupations)).at[held[:, :-1], held[:, 1:]].add(pair)
    positive = jnp.where(variance > 0, variance, 1.0)
    return PanelSummary(
        count / total,
        mean_wage,
        jnp.sqrt(variance),
        jnp.where(variance > 0, between / positive, 0.0),
        jnp.where(pair.sum() > 0, moved / jnp.maximum(pair.sum(), 1), jnp.nan),
        pairs / jnp.maximum(pair.sum(), 1),
    )


def sorting(
    career: Float[Array, "N T 2"],
    observed: Bool[Array, "N T"],
    potential: Float[Array, "N O"],
) -> Sorting:
    """Say how careers go with potential log wages, those of the same workers."""
    held, seen = career[..., 1].astype(int), observed.astype(potential.dtype)
    advantage = potential - potential.mean(axis=1, keepdims=True)
    of_held = jnp.take_along_axis(advantage, held, axis=1)
    pair = seen[:, 1:] * seen[:, :-1]
    moves = ((held[:, 1:] != held[:, :-1]) * pair).sum(1)
    counted = pair.sum(1) > 0
    return Sorting(
        (of_held * seen).sum() / seen.sum(),
        _correlation(potential.std(axis=1), moves / jnp.maximum(pair.sum(1), 1), counted),
    )


def _correlation(x: Float[Array, " N"], y: Float[Array, " N"], counted: Bool[Array, " N"]) -> Array:
    number = jnp.maximum(counted.sum(), 1)

    def centred(values: Array) -> Array:
        return jnp.where(counted, values - (values * counted).sum() / number, 0.0)

    x, y = centred(x), centred(y)
    scale = jnp.sqrt((x**2).sum() * (y**2).sum())
    return jnp.where(scale > 0, (x * y).sum() / jnp.where(scale > 0, scale, 1.0), jnp.nan)
