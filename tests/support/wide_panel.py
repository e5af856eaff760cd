"""A small panel with one worker far from all others, where series come to their domain's end."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from taskroy.inference.pilot import FIRST_GRID
from taskroy.models.careers import Careers

N, T, O, K = 40, 5, 12, 3  # noqa: E741
RHO, NU = 0.28, 0.125


def wide_panel(shock: str) -> tuple[Careers, np.ndarray, np.ndarray, np.ndarray]:
    """Return careers of workers one of whom is far from all others, and sure of his choice."""
    rng = np.random.default_rng(5)
    weights = rng.dirichlet(np.ones(K), O)
    deviation = rng.normal(size=(N, K))
    deviation[0] = [10.0, -5.0, 2.0]
    potential = 2.0 + rng.normal(0, 0.2, O) + deviation @ weights.T
    offers = potential[:, None, :] + RHO * rng.normal(size=(N, T, O))
    held = np.argmax(offers + NU * rng.gumbel(size=offers.shape), axis=-1)
    wage = np.take_along_axis(offers, held[..., None], -1)[..., 0]
    there = Careers(
        *(jnp.asarray(potential), jnp.zeros((N, T)), jnp.asarray(rng.normal(0, 0.1, O))),
        *(jnp.asarray(RHO), jnp.asarray(NU)),
        observed=jnp.ones((N, T), bool),
        shock=shock,  # type: ignore[arg-type]
        grid=FIRST_GRID,
    )
    return there, np.stack([wage, held], -1), weights, deviation
