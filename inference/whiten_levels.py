"""Levels of occupations whitened: amenities and mean potential wages, given their scale.

Where occupations are few the data leave room for a scale near zero, and with it all that it
scales: a funnel. Where they are many the data pin each level whatever the scale. Both ends are easy
in the coordinates in which a Gaussian stand-in for the likelihood, times the prior at the scale
drawn, is a standard normal. The density is the model's, whatever the stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array
from jax.scipy.linalg import solve_triangular
from jaxtyping import Float
from numpyro import handlers
from numpyro.distributions import Distribution, LowRankMultivariateNormal, ZeroSumNormal
from numpyro.infer.reparam import Reparam

SUFFIX = "_whitened"
# Sites that have a prior scale of their own.
_LEVELS = ("amenity", "intercept_coordinate", "mean_potential")


class LevelLikelihood(NamedTuple):
    """A Gaussian stand-in for what the data say of one site's level x: −½·xᵀΛx + hᵀx."""

    precision: Float[Array, "D D"]
    score: Float[Array, " D"]


type Levels = Mapping[str, LevelLikelihood]


def whiten_levels(model: Callable[..., Any], levels: Levels) -> Callable[..., Any]:
    """Return the model with ``<site>_whitened`` ~ N(0, I), (D,), in place of each level's site."""
    return handlers.reparam(model, config={k: WhitenLevel(v) for k, v in levels.items()})


def levels_near(
    model: Callable[..., Any], values: dict[str, Array], draws: dict[str, Array]
) -> Levels:
    """Take what the data say of occupations' levels from an approximate posterior.

    Parameters
    ----------
    model
        The generative model with its arguments bound.
    values
        Typical values of its sites, which give the levels' priors.
    draws
        Of its sites, from a Gaussian that knows how they move together.
    """
    return jax.jit(partial(_levels_near, model))(values, draws)


def _levels_near(
    model: Callable[..., Any], values: dict[str, Array], draws: dict[str, Array]
) -> dict[str, LevelLikelihood]:
    fixed = handlers.substitute(handlers.seed(model, 0), data=values)
    sites = handlers.trace(fixed).get_trace()
    sampled = [k for k in _LEVELS if k in sites and sites[k]["type"] == "sample"]
    return {k: level_likelihood(draws[k], sites[k]["fn"]) for k in sampled}


def zero_sum_basis(size: int) -> Float[np.ndarray, "O D"]:
    """Return an orthonormal basis of the vectors of `size` numbers that sum to zero."""
    return np.linalg.svd(np.ones((1, size)))[2][1:].T


def level_likelihood(draws: Float[Array, "S O"], prior: Distribution) -> LevelLikelihood:
    """Take the likelihood of a level to be its posterior over its prior, as Gaussians.

    Parameters
    ----------
    draws
        Of the level, from an approximate posterior.
    prior
        Its prior given a typical scale.
    """
    draws, mean, precision, _ = _coordinates(draws, prior)
    centre = draws.mean(0)
    posterior = jnp.linalg.inv(jnp.cov(draws.T).reshape(len(centre), -1))
    # Noise in the draws must not make it bend the wrong way.
    value, vector = jnp.linalg.eigh(posterior - precision)
    likelihood = (vector * jnp.maximum(value, 0.0)) @ vector.T
    return LevelLikelihood(likelihood, (likelihood + precision) @ centre - precision @ mean)


class WhitenLevel(Reparam):  # type: ignore[misc]
    """Samples ``<site>_whitened`` ~ N(0, I), (D,), and maps it to the site."""

    def __init__(self, likelihood: LevelLikelihood) -> None:
        self.likelihood = likelihood

    def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[None, Array]:
        """Replace the site."""
        if obs is not None:
            raise ValueError(f"{name} is latent and cannot be observed")
        _, mean, prior, log_determinant = _coordinates(jnp.zeros((1, *fn.event_shape)), fn)
        factor = jnp.linalg.cholesky(prior + self.likelihood.precision)
        half = solve_triangular(factor, prior @ mean + self.likelihood.score, lower=True)
        z = numpyro.sample(name + SUFFIX, dist.Normal(0, 1).expand(mean.shape).to_event(1))
        x = solve_triangular(factor, half + z, lower=True, trans=1)
        gap = x - mean
        log_prior = 0.5 * (log_determinant - gap @ prior @ gap)
        log_volume = jnp.log(jnp.diagonal(factor)).sum()
        # p(x)·|dx/dz| in place of the N(z; 0, I) that the sample site counts.
        numpyro.factor(f"{name}_density", log_prior - log_volume + 0.5 * (z @ z))
        if isinstance(fn, ZeroSumNormal):
            x = jnp.asarray(zero_sum_basis(len(x) + 1)) @ x
        return None, x


def _coordinates(
    values: Float[Array, "S O"], fn: Distribution
) -> tuple[Float[Array, "S D"], Float[Array, " D"], Float[Array, "D D"], Float[Array, ""]]:
    """Return values in free coordinates; mean, precision and its log determinant of `fn` there."""
    if isinstance(fn, ZeroSumNormal):
        basis = zero_sum_basis(values.shape[-1])
        free = basis.shape[1]
        each = jnp.full(free, fn.scale**-2.0)
        return values @ basis, jnp.zeros(free), jnp.diag(each), jnp.log(each).sum()
    if isinstance(fn, LowRankMultivariateNormal):
        return values, fn.mean, *_low_rank_precision(fn.cov_factor, fn.cov_diag)
    return values, fn.mean, jnp.diag(1 / fn.variance), -jnp.log(fn.variance).sum()


def _low_rank_precision(
    factor: Float[Array, "D R"], diagonal: Float[Array, " D"]
) -> tuple[Float[Array, "D D"], Float[Array, ""]]:
    """Return the inverse of FFᵀ + diag(d), and its log determinant, by Woodbury's identity.

    In single precision the sum may not be positive definite where d is small.
    """
    scaled = factor / jnp.sqrt(diagonal)[:, None]
    root = jnp.linalg.cholesky(jnp.eye(factor.shape[1]) + scaled.T @ scaled)
    half = solve_triangular(root, scaled.T, lower=True)
    inside = jnp.eye(len(diagonal)) - half.T @ half
    precision = inside / jnp.sqrt(diagonal * diagonal[:, None])
    return precision, -2 * jnp.log(jnp.diagonal(root)).sum() - jnp.log(diagonal).sum()
