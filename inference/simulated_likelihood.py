"""The simulated likelihood of careers, as in Freund and Mann (2025): the baseline to compare with.

Skills given a worker's wages alone are Gaussian. The estimator draws skills from that Gaussian and
the wages of the occupations not held, and averages over draws the product over years of the logit
probability of the occupation held; times the density of his wages, which is in closed form
(model.md, section 4). The average is unbiased for the likelihood, so its log is biased downwards:
the product over years is peaked where draws are few.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.inference.seen import Seen
from taskroy.inference.skill_posterior import no_expansion
from taskroy.inference.theta import Theta, careers
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

# Elements (draws × workers × years × occupations) held at once.
_CHUNK_ELEMENTS = 1_000_000


def simulated_log_likelihood(
    theta: Theta, seen: Seen, settings: ModelSettings, key: Array, *, draws: int
) -> Float[Array, " N"]:
    """Return the simulated log likelihood of each worker's wages and occupations.

    Made to be compiled, and differentiable in θ: draws move with it. Memory grows with draws × N
    alone.

    Parameters
    ----------
    theta, seen
        Where, and of whom.
    settings
        Variant of the model; with ``shock="worker"`` no wages are drawn.
    key
        Random key; workers' draws are independent.
    draws
        n0, draws of skills and shocks a worker.

    Returns
    -------
    Array
        Log density of log wages and occupations, skills integrated out, (N,).
    """
    skills = no_expansion(seen.economy).gaussian(theta, seen)
    # The quadrature's grid is not used: choices are simulated.
    centre = careers(theta, seen, skills.centre, settings, Grid())
    wages = centre.factors(seen.career)[0].sum(-1)
    wages = wages - 0.5 * (skills.centre**2).sum(-1) - skills.log_volume

    def log_product(key: Array) -> Float[Array, " N"]:
        skill_key, wage_key = jax.random.split(key)
        z = jax.random.normal(skill_key, skills.centre.shape, skills.centre.dtype)
        drawn = careers(theta, seen, skills.at(z), settings, Grid())
        return _log_choices(drawn, seen.career, wage_key).sum(-1)

    workers, years = seen.economy.observed.shape
    chunk = max(1, _CHUNK_ELEMENTS // (workers * years * theta.mean_potential.shape[0]))
    keys = jax.random.split(key, draws)
    # Checkpointed, so that a gradient draws again rather than keep all draws.
    products = jax.lax.map(jax.checkpoint(log_product), keys, batch_size=min(chunk, draws))
    return wages + jax.nn.logsumexp(products, axis=0) - jnp.log(draws)


def _log_choices(where: Careers, career: Float[Array, "N T 2"], key: Array) -> Float[Array, "N T"]:
    """Log logit probability of each occupation held, at wages seen there and drawn elsewhere."""
    if where.shock == "worker":
        return where.factors(career)[1]
    held = career[..., 1].astype(jnp.int32)
    offered = where.potential[:, None] + where.common[..., None]
    shock = jax.random.normal(key, offered.shape, offered.dtype)
    is_held = jnp.arange(offered.shape[-1]) == held[..., None]
    wage = jnp.where(is_held, career[..., :1], offered + where.wage_shock_scale * shock)
    worth = (wage + where.amenity) / where.taste_scale
    chosen = (career[..., 0] + where.amenity[held]) / where.taste_scale
    return jnp.where(where.observed, chosen - jax.nn.logsumexp(worth, axis=-1), 0.0)
