"""Monte Carlo error of posterior means of very many numbers, by batch means.

The draws of each chain are cut into about √n batches of √n draws. Batches are so long that their
means are nearly independent; how much they vary, between chains too, is how exactly the mean of all
draws is known (Flegal and Jones 2010, *Annals of Statistics* 38). It takes one pass over the draws
and no Fourier transform: for single numbers, :func:`taskroy.posteriors.bands.sampling_error` is
finer.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def batch_error(draws: NDArray[np.float64], chains: int) -> NDArray[np.float64]:
    """Return the Monte Carlo standard error of the mean of each column.

    Parameters
    ----------
    draws
        Rows are draws, chains of the same length one after the other, (S, C).
    chains
        How many there are.

    Returns
    -------
    ndarray
        In the unit of the column, (C,); not numbers where there is a single batch.
    """
    by_chain = draws.reshape(chains, -1, draws.shape[1])
    length = by_chain.shape[1]
    size = max(1, math.isqrt(length))
    number = length // size
    # The first draws of a chain, fewer than a batch, are left over.
    kept = by_chain[:, length - number * size :]
    means = kept.reshape(chains * number, size, draws.shape[1]).mean(1)
    if len(means) < 2:
        return np.full(draws.shape[1], np.nan)
    return means.std(0, ddof=1) * math.sqrt(size / len(draws))
