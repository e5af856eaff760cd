"""The groups ``log_prior``, ``log_likelihood``, ``new_worker`` and ``laplace`` of a posterior tree.

The first two are as ArviZ knows them; the third says how what was seen compares with what the same
draws predict, the last what Laplace's method misses. They are computed with the fit because a tree
holds no careers; and of some draws, because each takes as long as a step of the sampler
(docs/posterior.md).
"""

from __future__ import annotations

import jax
import numpy as np
import xarray as xr
from jax import Array

from taskroy.inference.draws import Draws
from taskroy.inference.marginal_likelihood import log_densities
from taskroy.inference.problem import Problem
from taskroy.inference.seen import Seen
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.forward_draws import below_observed
from taskroy.posteriors.some_draws import SomeDraws
from taskroy.progress import Progress

CAREER = "career"
BELOW = "mean_log_wage_below"


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
    some = SomeDraws.of(problem, draws, posterior)
    found = log_densities(problem.skills(), some.sites, jax.random.fold_in(key, 1), progress)
    below = below_observed(
        *(known.economy, model, draws.pilot.grid, some.sites, known.career),
        jax.random.fold_in(key, 2),
    )
    workers = np.arange(found.likelihood.shape[1])
    of_laplace = {"laplace": some.dataset({"log_correction": found.correction})}
    return (of_laplace if draws.skill_log_weights is not None else {}) | {
        "log_prior": some.dataset(found.prior),
        "log_likelihood": some.dataset({CAREER: found.likelihood}, "worker").assign_coords(
            worker=workers
        ),
        "new_worker": some.dataset({BELOW: below}, "worker").assign_coords(worker=workers),
    }
