"""A Gaussian about like the posterior of θ at a point: what a guide is fitted in the units of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int

from taskroy.inference.density import density_of
from taskroy.inference.latent_sites import latent_sites
from taskroy.inference.metric import covariance_near
from taskroy.inference.problem import Problem
from taskroy.inference.whiten_levels import SUFFIX
from taskroy.inference.worker_mesh import own_copy

# Of directions that a first look finds flat: a guide as wide as they are would draw what is absurd.
# Priors of scales and loadings have unconstrained sds of about one; levels have their own units.
_WIDEST, _WIDEST_LEVEL = 1.0, 5.0


def gaussian_near(
    problem: Problem, values: Mapping[str, Array], workers: Int[Array, " B"] | None = None
) -> tuple[Array, Array]:
    """Return the Gaussian of the Hessian of θ's posterior, skills integrated out.

    Levels of occupations move together far more widely than any one of them given skills; a guide
    that has to find that out takes thousands of steps.

    Parameters
    ----------
    problem
        Whose posterior.
    values
        Of the sites of `Problem.marginal`, constrained: where.
    workers
        Those that stand for all; all of them when left out.

    Returns
    -------
    tuple
        Centre (D,) and Cholesky factor (D, D) over θ, unconstrained and flattened in the order of
        the model's sites.
    """
    model = partial(problem.marginal, workers)
    density, sites = density_of(model), latent_sites(model)
    point = jax.jit(lambda: density.to_real({k: values[k] for k in sites.supports}))()
    widest = [
        np.full(size, _WIDEST_LEVEL if name.endswith(SUFFIX) else _WIDEST)
        for name, size in sites.unconstrained_sizes().items()
    ]
    covariance = covariance_near(
        density.potential, point, tuple(sites.supports), jnp.asarray(np.concatenate(widest))
    )
    return own_copy((sites.flattened(point), jnp.linalg.cholesky(covariance)))
