"""Posterior means with their bands, whose kind and level are always said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import arviz_stats
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from taskroy.errors import StudyError

SAMPLE = ["chain", "draw"]
_NAMES = {"eti": "equal-tailed", "hdi": "highest-density"}


@dataclass(frozen=True)
class Band:
    """Kind and probability of an interval.

    Attributes
    ----------
    kind
        Equal-tailed ('eti') or of highest density ('hdi').
    level
        Probability inside, in (0, 1).

    Raises
    ------
    StudyError
        For another kind or a level outside (0, 1).
    """

    kind: Literal["eti", "hdi"]
    level: float

    def __post_init__(self) -> None:
        if self.kind not in _NAMES or not 0 < self.level < 1:
            raise StudyError(
                f"There is no interval of kind '{self.kind}' and level {self.level}.",
                where="[report], interval and level",
                expected="'eti' or 'hdi', and a level between 0 and 1",
            )

    @property
    def name(self) -> str:
        """Kind and level in words."""
        return f"{self.percent} {_NAMES[self.kind]} interval"

    @property
    def percent(self) -> str:
        """The level as a percentage."""
        return f"{100 * self.level:g}%"


def estimate(name: str, draws: xr.DataArray, band: Band) -> dict[str, NDArray[np.float64]]:
    """Return posterior means and the ends of their bands, as columns of a table.

    Parameters
    ----------
    name
        What the columns are called: `name`, `name`_low and `name`_high.
    draws
        (chain, draw) and at most one further dimension. A draw that is not a number is left out:
        an occupation that is empty in a simulated panel has no mean wage there.
    band
        Kind and level.

    Returns
    -------
    dict
        Three columns, one value for each entry of the further dimension (one value without it).
    """
    finite = draws.where(np.isfinite(draws))
    interval = getattr(arviz_stats, band.kind)
    ends = interval(finite, prob=band.level, dim=SAMPLE, skipna=True)
    return {
        name: np.atleast_1d(finite.mean(SAMPLE).to_numpy()),
        f"{name}_low": np.atleast_1d(ends.sel(ci_bound="lower").to_numpy()),
        f"{name}_high": np.atleast_1d(ends.sel(ci_bound="upper").to_numpy()),
    }


def sampling_error(draws: xr.DataArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return posterior sds and the Monte Carlo standard errors of the means.

    Parameters
    ----------
    draws
        (chain, draw) and one further dimension.

    Returns
    -------
    tuple
        Two arrays, along the further dimension.
    """
    error = arviz_stats.mcse(draws, sample_dims=SAMPLE, method="mean")
    return draws.std(SAMPLE, ddof=1).to_numpy(), np.asarray(error)


def above_zero(draws: xr.DataArray) -> NDArray[np.float64]:
    """Return the posterior probability that each number is above zero."""
    return np.asarray((draws > 0).mean(SAMPLE))
