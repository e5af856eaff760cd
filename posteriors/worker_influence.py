"""How far each worker moves the headlines: they without him, from the weights that leave him out.

Weights of a worker make the draws of θ those of a fit to the others (PSIS-LOO, see
:mod:`taskroy.posteriors.leave_one_out`). The population stays as it is: he is still among the
workers whose wages change, with skills that his career tells of. What is left out is what he taught
about everybody else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from arviz_stats.utils import ELPDData

from taskroy.posteriors.bands import SAMPLE
from taskroy.posteriors.leave_one_out import weights_without
from taskroy.posteriors.power_scaling import headlines_at


class Influence(NamedTuple):
    """The worker who moves a headline of a scenario most, among those of whom it is known.

    ``move`` is how far leaving the worker (a number) out moves the headline's posterior mean, in
    its own units, and ``in_sds`` in posterior sds. ``unknown`` workers are not among them: their k̂
    is too large, and with it what the weights say.
    """

    worker: int
    quantity: str
    scenario: str
    move: float
    in_sds: float
    unknown: int


def moves_without(posterior: xr.DataTree, found: ELPDData) -> tuple[xr.Dataset, xr.Dataset]:
    """Return how far each headline moves without each worker.

    Parameters
    ----------
    posterior
        With groups ``counterfactual`` and ``log_likelihood``.
    found
        Of `leave_one_out`.

    Returns
    -------
    tuple of Dataset
        Changes of posterior means by worker, a variable for each headline of each scenario as in
        `headlines_at`; and posterior sds. Headlines that never vary are not in it.
    """
    weight = weights_without(found)
    headlines = headlines_at(posterior, posterior["log_likelihood"].to_dataset())
    varying = headlines[[k for k, v in headlines.items() if float(v.std()) > 0]]
    moves = {
        k: xr.dot(v - v.mean(SAMPLE), weight, dim=SAMPLE).assign_attrs(v.attrs)
        for k, v in varying.items()
    }
    return xr.Dataset(moves), varying.map(lambda v: v.std(SAMPLE))


def most_influential(posterior: xr.DataTree, found: ELPDData) -> Influence | None:
    """Return the worker who moves a headline most, in posterior sds, and which.

    Parameters
    ----------
    posterior, found
        As in `moves_without`.

    Returns
    -------
    Influence or None
        None where no headline varies, or the weights of all workers fail.
    """
    known = found.pareto_k.to_numpy() <= found.good_k
    moves, sds = moves_without(posterior, found)
    if not moves or not known.any():
        return None
    farthest = []
    for name, move in moves.items():
        in_sds = move.to_numpy() / float(sds[name])
        worker = int(np.where(known, np.abs(in_sds), -1.0).argmax())
        farthest.append(
            Influence(
                worker,
                str(move.attrs["quantity"]),
                str(move.attrs["scenario"]),
                float(move[worker]),
                float(in_sds[worker]),
                int((~known).sum()),
            )
        )
    return max(farthest, key=lambda one: abs(one.in_sds))
