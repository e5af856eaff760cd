"""Which entries of a posterior's draws are no sampled numbers: what the model itself fixes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from taskroy.posteriors.bands import SAMPLE

# Far below any prior's spread in log-wage units, far above rounding in single precision.
_ROUNDING = 1e-6


def constants_of_model(posterior: xr.DataTree) -> xr.Dataset:
    """Tell entries that the model fixes from those that it samples.

    Draws of the posterior cannot tell: a number that every chain left where it started never
    varies either. Draws of the prior can, for what the model fixes, such as the diagonal of a
    correlation matrix or known intercepts, is as fixed there.

    Parameters
    ----------
    posterior
        With the group ``prior``; without it nothing is known to be fixed.

    Returns
    -------
    Dataset
        True where an entry is fixed, variables as in ``prior``, without chain and draw.
    """
    if "prior" not in posterior.children:
        return xr.Dataset()
    prior = posterior["prior"].to_dataset().drop_vars(SAMPLE, errors="ignore")
    # Ends that are not finite differ by no finite number, so what they are of is not fixed.
    with np.errstate(invalid="ignore"):
        spread = prior.max(SAMPLE, skipna=False) - prior.min(SAMPLE, skipna=False)
    fixed: xr.Dataset = spread <= _ROUNDING
    return fixed


def that_never_vary(draws: xr.Dataset) -> xr.Dataset:
    """Tell entries that are finite and the same in every draw, such as effects of no change."""
    same: xr.Dataset = draws.min(SAMPLE, skipna=False) == draws.max(SAMPLE, skipna=False)
    return same
