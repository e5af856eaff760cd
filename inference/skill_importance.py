"""Importance weights of skills proposed from Laplace's Gaussians: what Laplace's method misses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.inference.seen import Seen
from taskroy.inference.skill_posterior import SkillGaussian
from taskroy.inference.theta import Theta, careers
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings


def log_weights(
    theta: Theta,
    seen: Seen,
    gaussian: SkillGaussian,
    settings: ModelSettings,
    grid: Grid,
    key: Array,
    number: int,
) -> tuple[Float[Array, "S N K"], Float[Array, "S N"]]:
    """Propose skills from each worker's Gaussian, with log importance weights.

    A weight is relative to Laplace's approximation of the likelihood by that Gaussian: the log of a
    worker's mean weight is what his log likelihood is off by.

    Parameters
    ----------
    theta, seen
        Where, and of whom.
    gaussian
        At the mode of each worker's standardised skills.
    settings, grid
        Variant of the model, and of the quadrature of its density.
    key
        Random key.
    number
        Proposals a worker. They come in pairs, mirrored at the mode: what of a weight is odd about
        it, most of what Laplace's method misses, is then no noise in the mean of the weights.
    """

    def log_density(e: Array) -> Array:
        where = careers(theta, seen, e, settings, grid)
        return where.log_prob(seen.career) - 0.5 * (e**2).sum(-1)

    top = log_density(gaussian.centre)

    def propose(key: Array) -> tuple[Array, Array]:
        z = jax.random.normal(key, gaussian.centre.shape, gaussian.centre.dtype)
        pair = jnp.stack([z, -z])
        e = jax.vmap(gaussian.at)(pair)
        return e, jax.lax.map(log_density, e) - top + 0.5 * (pair**2).sum(-1)

    pairs = jax.lax.map(propose, jax.random.split(key, -(-number // 2)))
    e, weight = (x.reshape(-1, *x.shape[2:])[:number] for x in pairs)
    return e, weight


def log_mean(log_weight: Float[Array, "S N"]) -> Float[Array, " N"]:
    """Return the log of each worker's mean weight."""
    return jax.nn.logsumexp(log_weight, axis=0) - jnp.log(len(log_weight))
