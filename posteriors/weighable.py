"""Whether draws can be weighed: by importance, as if a worker or a prior counted more or less."""

from __future__ import annotations

from collections import Counter

import numpy as np
import xarray as xr

from taskroy.posteriors.gate import CheckLine
from taskroy.posteriors.groups_of_some_draws import CAREER

# A Pareto tail is a fifth of the draws, or fewer, and at least five of them.
_FEWEST = 25
# What stands for a larger share of all draws than this can be a whole tail by itself.
_MOST_REPEATED = 0.05


def why_not_weighable(posterior: xr.DataTree) -> str | None:
    """Return why a posterior's draws cannot be weighed; None where they can.

    ArviZ's PSIS raises where all of the tail that it fits is one value.

    Parameters
    ----------
    posterior
        With the group ``log_likelihood``.

    Returns
    -------
    str or None
        The end of a sentence that begins with "not known:".
    """
    career = posterior["log_likelihood"].to_dataset()[CAREER]
    density = career.sum("worker", skipna=False).to_numpy().ravel()
    if not np.isfinite(density).all():
        return f"the likelihood is not finite at {(~np.isfinite(density)).sum()} of its draws"
    if len(density) < _FEWEST:
        return f"{len(density)} draws are too few to be weighed"
    ((_, times),) = Counter(density.tolist()).most_common(1)
    if times > _MOST_REPEATED * len(density):
        return f"{times} of {len(density)} draws are one and the same, as where a chain stood still"
    return None


def not_known(name: str, what: str, why: str) -> CheckLine:
    """Return the line of the gate that stands for one that weighs draws.

    Parameters
    ----------
    name
        Of that line.
    what
        Is not known: the beginning of a sentence.
    why
        From `why_not_weighable`.
    """
    return CheckLine(
        name,
        "REVIEW",
        f"not known: {why}",
        "known",
        f"{what} is found by weighing the draws (PSIS), which these do not allow.",
        "Fit again, longer (warmup, draws); the lines on convergence say what is wrong.",
        of="model",
    )
