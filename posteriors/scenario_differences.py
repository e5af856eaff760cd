"""Differences between scenarios, draw by draw: they share draws, so a difference is a posterior.

The band of a difference is not the difference of two bands: what is not known of workers and
parameters moves all scenarios alike, and most of it cancels.
"""

from __future__ import annotations

import xarray as xr

from taskroy.errors import ModelError

_SAMPLE = {"chain", "draw"}


def scenario_differences(posterior: xr.DataTree, *, base: str | None = None) -> xr.Dataset:
    """Return what scenarios do beyond another one, in every posterior draw.

    Parameters
    ----------
    posterior
        With counterfactuals of two or more scenarios.
    base
        Name of the scenario that is subtracted; None takes the first.

    Returns
    -------
    Dataset
        Every variable of the group ``counterfactual`` that is kept draw by draw, (scenario, chain,
        draw, …), in its own unit: the other scenarios less the base. Its attribute ``base`` names
        the one that was subtracted. What is stored as a summary over draws has no difference: the
        sd and the quantiles of one cannot be told from two.

    Raises
    ------
    ModelError
        If there is no counterfactual, a single scenario, or none called `base`.
    """
    if "counterfactual" not in posterior.children:
        raise ModelError(
            "The posterior has no counterfactual, so there are no scenarios to compare.",
            where="the posterior's group 'counterfactual'",
            remedy="run taskroy.counterfactual on it with two scenarios or more",
        )
    every = posterior["counterfactual"].to_dataset()
    names = [str(name) for name in every["scenario"].to_numpy()]
    if len(names) < 2:
        raise ModelError(
            f"There is one scenario, '{names[0]}', and nothing to compare it with.",
            where="the posterior's group 'counterfactual'",
            expected="two scenarios or more, run in one call so that they share draws",
            remedy="run taskroy.counterfactual with all scenarios that are to be compared",
        )
    first = names[0] if base is None else base
    if first not in names:
        raise ModelError(
            f"There is no scenario '{first}'.",
            where="the posterior's group 'counterfactual'",
            expected="one of " + ", ".join(f"'{name}'" for name in names),
        )
    kept = [
        name
        for name, variable in every.data_vars.items()
        if {"scenario", *_SAMPLE} <= set(variable.dims)
    ]
    by_draw = every[kept]
    place = names.index(first)
    others = [other for other in range(len(names)) if other != place]
    less = by_draw.isel(scenario=others) - by_draw.isel(scenario=place, drop=True)
    return less.transpose("scenario", *sorted(_SAMPLE), ...).assign_attrs(base=first)
