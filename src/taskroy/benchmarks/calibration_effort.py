"""What the fits of a calibration took, and what they say of themselves, by route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Routes whose draws are no chain's: there are no divergences to count, and no steps of a draw.
WITHOUT_CHAINS = ("svi",)


def chain_statistics(
    route: str, diverging: NDArray[np.float64], steps: NDArray[np.float64]
) -> dict[str, float]:
    """Return what the chains of all data sets say of themselves; nothing where there are none.

    Parameters
    ----------
    route
        Of the fits.
    diverging, steps
        Share of draws that diverged, and their mean number of steps, by data set.
    """
    if route in WITHOUT_CHAINS:
        return {}
    return {
        "diverging_draws": float(diverging.mean()),
        "data_sets_with_divergences": float((diverging > 0).mean()),
        "steps_a_draw": float(steps.mean()),
    }


def effort(plan: Mapping[str, Any], fits: Mapping[str, Any]) -> str:
    """Say what a fit took.

    Parameters
    ----------
    plan, fits
        As ``calibration.json`` holds them.
    """
    inference = plan["inference"]
    if inference["method"] in WITHOUT_CHAINS:
        return (
            f"{inference['svi_steps']:,} steps of the optimiser, {inference['svi_proposals']} "
            f"proposals of skills a worker, {inference['draws'] // plan['thin']} independent draws "
            "of the Gaussian alone, which is what is calibrated here: they are not resampled by "
            "importance, as those of a fit are where k-hat allows"
        )
    return (
        f"{inference['chains']} chain{'s' if inference['chains'] > 1 else ''}, "
        f"{inference['warmup']} + {inference['draws']} draws, thinned by {plan['thin']}; "
        f"{fits['steps_a_draw']:.0f} steps a draw, {100 * fits['diverging_draws']:.2g}% of draws "
        f"diverged, in {100 * fits['data_sets_with_divergences']:.2g}% of the data sets"
    )
