"""The covariance of skills across tasks, Σ: an LKJ prior, or factors and a diagonal."""

from __future__ import annotations

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array
from jaxtyping import Float

from taskroy.models.settings import ModelSettings


def sample_skill_covariance(
    task_directions: Float[Array, "K K"], settings: ModelSettings
) -> Float[Array, "K K"]:
    """Sample Σ, and return its Cholesky factor.

    Parameters
    ----------
    task_directions
        An orthonormal basis of task space, by columns: those of which the data say most first.
    settings
        Variant of the model and its priors.

    Returns
    -------
    Array
        L with Σ = LLᵀ, (K, K), lower triangular, log-wage units.
    """
    priors, tasks = settings.priors, len(task_directions)
    if settings.covariance == "lkj":
        sd = numpyro.sample("skill_sd", priors.skill_sd.distribution().expand([tasks]).to_event(1))
        factor = numpyro.sample(
            "skill_corr_cholesky", dist.LKJCholesky(tasks, priors.skill_corr.concentration)
        )
        numpyro.deterministic("skill_corr", factor @ factor.T)
        return sd[:, None] * factor
    loading = _loadings(task_directions, settings)
    unique = numpyro.sample("unique_sd", priors.skill_sd.distribution().expand([tasks]).to_event(1))
    covariance = loading @ loading.T + jnp.diag(unique**2)
    sd = numpyro.deterministic("skill_sd", jnp.sqrt(jnp.diag(covariance)))
    numpyro.deterministic("skill_corr", covariance / (sd[:, None] * sd))
    return jnp.linalg.cholesky(covariance)


def _loadings(task_directions: Array, settings: ModelSettings) -> Array:
    """Λ of ΛΛᵀ, the part of Σ that factors have in common, (K, F).

    All entries are N(0, λ²/F) a priori. But Λ and ΛQ, Q orthogonal, have one ΛΛᵀ: nothing tells
    them apart, and a posterior of Λ would be a curved ridge of all of them. So of BᵀΛ = LQ only L
    is drawn, which is lower trapezoidal with a positive diagonal: its first rows are Bartlett's
    factor of a Wishart matrix, the others are as Λ's (Leung and Drton 2016). The prior of ΛΛᵀ is
    the same whatever the orthonormal basis B. The posterior is easier where the first rows are what
    data say most of. Of the first row only the length is left: about how much workers' wages differ
    in the mean over occupations. Were rows those of tasks, the data would fix the length of a
    combination of them and leave its direction free: a ridge on a sphere.
    """
    priors, tasks, factors = settings.priors, len(task_directions), settings.factors
    scale = numpyro.sample("loading_scale", priors.loading_scale.distribution())
    first = min(tasks, factors)
    unit = jnp.eye(first, dtype=task_directions.dtype)
    rows = numpyro.sample("loading_triangle", dist.WishartCholesky(factors, scale_tril=unit))
    if tasks > factors:
        rest = numpyro.sample(
            "loading_rest", dist.Normal(0, 1).expand([tasks - factors, factors]).to_event(2)
        )
        rows = jnp.concatenate([rows, rest])
    return scale / factors**0.5 * task_directions @ rows
