"""How well the model predicts careers of workers it has not seen: PSIS-LOO, worker by worker.

It is of the marginal likelihood of a whole career, skills integrated out. Leaving out a worker
whose skills stay in the posterior would be another question, and PSIS fails at it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.utils import ELPDData

from taskroy.posteriors.bands import SAMPLE
from taskroy.posteriors.groups_of_some_draws import BELOW, CAREER


def leave_one_out(posterior: xr.DataTree) -> ELPDData:
    """Return the expected log predictive density of a worker's career, worker by worker.

    Parameters
    ----------
    posterior
        With the group ``log_likelihood``.

    Returns
    -------
    ELPDData
        ArviZ's, with ``elpd_i`` and ``pareto_k`` (worker).

    Notes
    -----
    Vehtari, Gelman and Gabry (2017); Vehtari et al. (2024) for the bar ``good_k``.
    """
    likelihood = posterior["log_likelihood"].to_dataset()
    draws = posterior["posterior"].to_dataset()[["taste_scale", "wage_shock_scale"]]
    some = draws.isel(draw=likelihood["draw"].to_numpy())
    tree = xr.DataTree.from_dict(
        {
            "posterior": some.assign_coords(chain=likelihood["chain"], draw=likelihood["draw"]),
            "log_likelihood": likelihood,
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of high k: said by who asks
        return arviz_stats.loo(tree, pointwise=True, var_name=CAREER)


def wage_pit(posterior: xr.DataTree, found: ELPDData) -> xr.DataArray:
    """Return where each worker's mean log wage lies among those predicted without him.

    Parameters
    ----------
    posterior
        With the group ``new_worker``.
    found
        Of `leave_one_out`: its weights take the worker out.

    Returns
    -------
    DataArray
        Probability integral transform (worker), uniform where the model is right.
    """
    return (weights_without(found) * posterior["new_worker"][BELOW]).sum(SAMPLE)


def weights_without(found: ELPDData) -> xr.DataArray:
    """Return the weights (chain, draw, worker) that make draws those of a fit without the worker.

    Parameters
    ----------
    found
        Of `leave_one_out`.

    Returns
    -------
    DataArray
        Of each worker they add up to one.
    """
    log_weights = found.log_weights
    weight = np.exp(log_weights - log_weights.max(SAMPLE))
    normalised: xr.DataArray = weight / weight.sum(SAMPLE)
    return normalised


def compare_variants(found: Mapping[str, ELPDData]) -> pd.DataFrame:
    """Compare variants of the model fitted to the same workers.

    Parameters
    ----------
    found
        What `leave_one_out` gives, by name; two or more.

    Returns
    -------
    pandas.DataFrame
        Best first, the name as index: ``elpd`` and ``elpd_diff`` to the best, with ``dse``, the
        standard error of the difference over workers, and ``p``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The method is of weights, which are not used.
        table = arviz_stats.compare(dict(found), method="pseudo-bma", round_to="none")
    return pd.DataFrame(table)[["elpd", "elpd_diff", "dse", "p"]]
