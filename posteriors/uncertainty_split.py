"""How much of a band comes from skills, from parameters, from exposure labels, from the scenario.

By the law of total variance, of a headline h that θ and all workers' skills s determine,

    Var(h) = E[Var(h | θ)] + Var(E[h | θ]):

what skills add at known parameters, and what parameters add. With h and h' at the same θ and two
independent draws of skills, E[Var(h | θ)] = E[(h − h')²]/2: one further draw of skills at each of
many θ is enough, and many θ with one are better than few with many (each pair is worth one degree
of freedom). Scenarios that were all as likely would add the variance of their means: between those
that differ in their exposure labels only, and between these families.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import arviz_stats
import numpy as np
import xarray as xr

from taskroy.posteriors.bands import SAMPLE

#: Where a variance may come from.
SOURCES = ("skills", "parameters", "labels", "scenarios")
_NO_VARIANCE = 1e-20  # rounding


def uncertainty_split(
    headline: xr.DataArray, redrawn: xr.DataArray, families: Sequence[object]
) -> xr.Dataset:
    """Split the variance of a headline over posterior draws and equally likely scenarios.

    Parameters
    ----------
    headline
        (scenario, chain, draw) and further dimensions.
    redrawn
        The same at another draw of skills given the same θ; its coordinate ``draw`` says of which
        draws of `headline`.
    families
        Of each scenario, the family that it is of; scenarios of one differ in exposure labels only.

    Returns
    -------
    Dataset
        Over the further dimensions: ``variance``; shares of it, which add up to one: ``skills``,
        ``parameters``, ``labels``, ``scenarios``, not numbers where nothing varies; and ``error``,
        the Monte Carlo standard error of the share of skills.
    """
    kept = redrawn["draw"].to_numpy()
    again = redrawn.drop_vars(SAMPLE, errors="ignore")
    gap = headline.isel(draw=kept).drop_vars(SAMPLE, errors="ignore") - again
    pairs = gap.sizes["chain"] * gap.sizes["draw"]
    of_skills = 0.5 * (gap - gap.mean(SAMPLE)) ** 2 * pairs / (pairs - 1)
    mean, within = headline.mean(SAMPLE), headline.var(SAMPLE, ddof=1)
    # Noise may say that skills add more than all there is.
    found_skills = of_skills.mean(SAMPLE)
    skills = found_skills.where(found_skills < within, within)
    family = xr.DataArray([str(one) for one in families], dims="scenario", name="family")
    centre = mean.groupby(family).map(lambda some: xr.zeros_like(some) + some.mean("scenario"))
    parts = {
        "skills": skills.mean("scenario"),
        "parameters": (within - skills).mean("scenario"),
        "labels": ((mean - centre) ** 2).mean("scenario"),
        "scenarios": ((centre - mean.mean("scenario")) ** 2).mean("scenario"),
    }
    variance = sum(parts.values(), start=xr.zeros_like(parts["skills"]))
    known = variance.where(variance > _NO_VARIANCE)
    shares = {name: part / known for name, part in parts.items()}
    deviation = ((headline - mean) ** 2).mean("scenario")
    noise = np.hypot(_error(of_skills.mean("scenario")), shares["skills"] * _error(deviation))
    found = xr.Dataset({"variance": variance, **shares, "error": noise / known})
    return found.drop_vars(["scenario", "family"], errors="ignore")


def families_of(tree: xr.DataTree) -> list[str]:
    """Return the family of each scenario of a tree: what it is, but for names and labels."""
    described = json.loads(str(tree.attrs["scenarios"]))
    return [json.dumps(_without_labels(one), sort_keys=True) for one in described]


def _without_labels(scenario: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in scenario.items() if k not in ("name", "exposure")}
    if "step" in kept:
        kept["step"] = [_without_labels(step) for step in kept["step"]]
    return kept


def _error(draws: xr.DataArray) -> xr.DataArray:
    """Return Monte Carlo standard errors of means over draws."""
    found: xr.DataArray = arviz_stats.mcse(draws, sample_dims=SAMPLE, method="mean")
    return found
