"""What was seen of workers, as the inference needs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy, roy_model
from taskroy.models.settings import ModelSettings


class Seen(NamedTuple):
    """What is known of workers: the economy, their careers, and how wages weigh on skills.

    ``weights`` are A_ω of the years seen; ``gram`` is Σ_t A_ω·A_ωᵀ.
    """

    economy: Economy
    career: Float[Array, "N T 2"]
    weights: Float[Array, "N T K"]
    gram: Float[Array, "N K K"]

    def of(self, workers: Int[Array, " B"]) -> Seen:
        """Return what is known of some workers, by their indices."""
        return self.map_workers(lambda x: x[workers])

    def map_workers(self, change: Callable[[Array], Array]) -> Seen:
        """Return the same with every array whose leading axis is workers changed."""
        rest = (self.career, self.weights, self.gram)
        return Seen(self.economy.map_workers(change), *map(change, rest))


def seen(economy: Economy, log_wage: Float[Array, "N T"], occupation: Int[Array, "N T"]) -> Seen:
    """Gather what is known of workers."""
    weights = economy.technology.task_weights[occupation] * economy.observed[..., None]
    career = jnp.stack([log_wage, occupation.astype(log_wage.dtype)], axis=-1)
    return Seen(economy, career, weights, weights.mT @ weights)


def generative(seen: Seen, settings: ModelSettings, grid: Grid) -> Callable[[], Any]:
    """Return the generative model, conditioned on what was seen."""
    log_wage, occupation = seen.career[..., 0], seen.career[..., 1].astype(jnp.int32)
    return partial(
        roy_model, seen.economy, settings, grid, log_wage=log_wage, occupation=occupation
    )
