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
    nobody holds has no mean wage: NaN.
    """

    employment_share: Float[Array, " O"]
    mean_log_wage: Float[Array, " O"]
    log_wage_sd: Float[Array, ""]
    between_share: Float[Array, ""]
    switching_rate: Float[Array, ""]


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
    positive = jnp.where(variance > 0, variance, 1.0)
    return PanelSummary(
        count / total,
        mean_wage,
        jnp.sqrt(variance),
        jnp.where(variance > 0, between / positive, 0.0),
        jnp.where(pair.sum() > 0, moved / jnp.maximum(pair.sum(), 1), jnp.nan),
    )
