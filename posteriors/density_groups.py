"""The groups ``log_prior``, ``log_likelihood``, ``new_worker`` and ``laplace`` of a posterior tree.

The first two are as ArviZ knows them; the third says how what was seen compares with what the same
draws predict, the last what Laplace's method misses. They are computed with the fit because a tree
holds no careers; and of some draws, because each takes as long as a step of the sampler
(docs/posterior.md).
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array

from taskroy.inference.draws import Draws
from taskroy.inference.marginal_likelihood import log_densities
from taskroy.inference.problem import Problem
from taskroy.inference.seen import Seen
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.forward_draws import below_observed
from taskroy.progress import Progress

#: Draws of all chains together whose densities are kept.
DRAWS = 400
CAREER = "career"
BELOW = "mean_log_wage_below"


def kept_draws(chains: int, count: int) -> np.ndarray:
    """Return which of each chain's draws are kept: evenly spaced, 400 or so of all chains."""
    number = min(count, math.ceil(DRAWS / chains))
    return np.linspace(0, count - 1, number).round().astype(int)


def density_groups(
    known: Seen,
    model: ModelSettings,
    draws: Draws,
    posterior: dict[str, np.ndarray],
    key: Array,
    progress: Progress,
) -> dict[str, xr.Dataset]:
    """Return the log densities of evenly spaced draws.

    Parameters
    ----------
    known, model
        What was seen, and the variant of the model.
    draws
        Of the route.
    posterior
        The completed draws (chain, draw, …): mean skills are drawn after the others.
    key
        Random key.
    progress
        Told how far it is.

    Returns
    -------
    dict
        ``log_prior``: a variable for each site of θ (chain, draw). ``log_likelihood``: ``career``
        (chain, draw, worker), of each worker's whole career, skills integrated out.
        ``new_worker``: ``mean_log_wage_below``, by worker too, whether somebody new with his
        covariates and years has a lower mean log wage. ``laplace``, where skills were integrated
        out: ``log_correction``, what of the log likelihood Laplace's method misses. The coordinate
        ``draw`` says which draws of the posterior they are of.
    """
    problem = Problem(known, model, draws.pilot)
    names = problem.sites(skills=False)
    sites = {k: posterior[k] if k in posterior else draws.sites[k] for k in names}
    chains, count = np.shape(sites["taste_scale"])
    kept = kept_draws(chains, count)
    some = {
        k: jnp.asarray(np.asarray(v)[:, kept].reshape(-1, *np.shape(v)[2:]))
        for k, v in sites.items()
    }
    found = log_densities(problem.skills(), some, jax.random.fold_in(key, 1), progress)
    below = below_observed(
        *(known.economy, model, draws.pilot.grid, some, known.career, jax.random.fold_in(key, 2))
    )
    workers = np.arange(found.likelihood.shape[1])

    def group(values: dict[str, np.ndarray], *dimensions: str) -> xr.Dataset:
        shape = (chains, len(kept))
        variables: dict[str, Any] = {
            k: (("chain", "draw", *dimensions), v.reshape(shape + v.shape[1:]))
            for k, v in values.items()
        }
        return xr.Dataset(variables, {"chain": np.arange(chains), "draw": kept})

    of_laplace = {"laplace": group({"log_correction": found.correction})}
    return (of_laplace if draws.skill_log_weights is not None else {}) | {
        "log_prior": group(found.prior),
        "log_likelihood": group({CAREER: found.likelihood}, "worker").assign_coords(worker=workers),
        "new_worker": group({BELOW: below}, "worker").assign_coords(worker=workers),
    }
