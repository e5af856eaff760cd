"""The change of wages by exposure, occupations taken together in bins, with a uniform band."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskroy.posteriors.bands import SAMPLE, Band
from taskroy.posteriors.table_scenario import MEMBERS, Scenario
from taskroy.posteriors.tables import Column, Table

_BINS = 8
# Fewer occupations are named one by one.
_FEWEST = 3 * _BINS


def exposure_bins_table(scenario: Scenario, band: Band) -> Table | None:
    """Return the change of the mean wage by exposure; None where occupations are few.

    Bins hold about as many occupations each, in the order of their exposure; within a bin,
    occupations count by their employment before. The band is uniform: with the posterior
    probability of its level the changes of *all* bins lie inside.
    """
    draws = scenario.draws
    exposure = draws["occupation_exposure"].to_numpy()
    if len(exposure) < _FEWEST:
        return None
    order = np.argsort(exposure, kind="stable")
    rows, changes = [], []
    change, employment = (
        draws[name].transpose(*SAMPLE, "occupation").to_numpy().reshape(-1, len(exposure))
        for name in ("log_wage_change", "employment_before")
    )
    for some in np.array_split(order, _BINS):
        weight = employment[:, some]
        changes.append((weight * change[:, some]).sum(1) / weight.sum(1))
        mean_weight = weight.mean(0)
        rows.append(
            {
                "from": exposure[some].min(),
                "to": exposure[some].max(),
                "exposure": np.average(exposure[some], weights=mean_weight),
                "occupations": len(some),
            }
        )
    mean, low, high = uniform_band(np.stack(changes, axis=1), band.level)
    frame = pd.DataFrame(rows).assign(change=mean, change_low=low, change_high=high)
    return Table(
        f"{scenario.prefix}-exposure-bins",
        "Change of the mean log wage by exposure, occupations in bins, with a uniform "
        f"{band.percent} band",
        MEMBERS,
        frame,
        (
            Column("from", "Exposure from", "percent1"),
            Column("to", "to", "percent1"),
            Column("exposure", "Mean exposure", "percent1"),
            Column("occupations", "Occupations", "count"),
            Column("change", "Change, log points [uniform band]", "log_points", band=True),
        ),
        (
            "The band is uniform: with the stated probability the changes of all bins lie inside "
            "it, not each one by itself.",
        ),
    )


def uniform_band(
    draws: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return means of several numbers, and the ends of a band that holds all of them at once.

    Parameters
    ----------
    draws
        (S, B).
    level
        Posterior probability that all B numbers lie inside.

    Returns
    -------
    tuple
        Mean, low and high end, (B,) each: the mean less and plus as many sds as the largest
        deviation of a draw has with that probability.
    """
    mean, sd = draws.mean(0), draws.std(0)
    scale = np.where(sd > 0, sd, 1.0)
    reach = np.quantile((np.abs(draws - mean) / scale).max(1), level, method="inverted_cdf")
    return mean, mean - reach * sd, mean + reach * sd
