"""Groups of people that nobody is in: left out in words, not averaged over the other draws."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taskroy.errors import ModelError
from taskroy.posteriors.effects import BY_PEOPLE


class GroupsLeftOut(UserWarning):
    """Groups of people that are empty, in all draws of a posterior or in some."""


def weights_within(
    members: NDArray[np.bool_] | NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each worker's weight in each group; a group's weights sum to one.

    Parameters
    ----------
    members
        Who is in which group, (P, N).
    weight
        Of workers, (N,).

    Returns
    -------
    ndarray
        (P, N); not numbers in a group that has no weight.

    Raises
    ------
    ModelError
        If no worker has any weight.
    """
    if not (weight > 0).any():
        raise ModelError(
            "The survey weight of every worker is zero.",
            where="constant_data, worker_weight",
            expected="some weight above zero, to average over groups of workers",
            remedy="leave the column of weights out of [panel] columns, or look at its filters",
        )
    each = np.asarray(members * weight, dtype=np.float64)
    total = each.sum(1, keepdims=True)
    share = np.full_like(each, np.nan)
    return np.divide(each, total, out=share, where=total > 0)


def leave_out_empty_groups(
    effects: dict[str, NDArray[np.float64]],
    names: Sequence[str],
    by_right: NDArray[np.bool_],
    scenario: str,
) -> None:
    """Let a group that is empty in some draws have no effects in any.

    Which draws those are hangs on the skills themselves: the mean over the others would be that of
    another group.

    Parameters
    ----------
    effects
        All of a scenario, draw by draw; changed in place.
    names
        Of the groups.
    by_right
        Groups that the scenario does not have: those by skill at what is automated, if nothing is.
    scenario
        Its name, for messages.

    Warns
    -----
    GroupsLeftOut
        Naming the groups.
    """
    found = [effects[name] for name in BY_PEOPLE if name in effects]
    if not found:
        return
    empty = np.any([~np.isfinite(values).all(0) for values in found], axis=0)
    for values in found:
        values[:, empty] = np.nan
    told = [f"'{name}'" for name, left in zip(names, empty & ~by_right, strict=True) if left]
    if told:
        warnings.warn(
            f"scenario '{scenario}': Nobody is in the group {', '.join(told)} in some draws, so it "
            "is left out of what is told by group; cut skills at fewer percentiles, or group the "
            "panel more coarsely.",
            GroupsLeftOut,
            stacklevel=3,
        )
