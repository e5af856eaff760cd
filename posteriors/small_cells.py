"""Numbers about fewer than ten workers are not published."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALLEST = 10


def to_suppress(workers: ArrayLike) -> NDArray[np.bool_]:
    """Return which cells to hide.

    Parameters
    ----------
    workers
        Number of workers in each cell of a table whose total is known.

    Returns
    -------
    array of bool
        True for cells of 1 to 9 workers; and where that is just one cell, for the next smallest
        too, because the hidden one would be the total less all others.
    """
    count = np.asarray(workers)
    hidden = (count > 0) & (count < SMALLEST)
    if hidden.sum() == 1:
        others = np.where(hidden | (count == 0), np.inf, count)
        if np.isfinite(others).any():
            hidden[int(others.argmin())] = True
    return hidden
