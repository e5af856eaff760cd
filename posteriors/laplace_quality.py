"""How good Laplace's method was for each worker, from importance weights."""

from __future__ import annotations

import arviz_stats
import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp


def laplace_quality(log_weights: Float[np.ndarray, "S N"]) -> dict[str, np.ndarray]:
    """Return k̂, relative effective size and error of the log likelihood, each (N,).

    Parameters
    ----------
    log_weights
        Of S proposals for each of N workers, relative to the Laplace approximation.
    """
    largest = log_weights.max(axis=0)
    known = np.isfinite(largest)
    # Equal weights have no tail to fit: the approximation is the posterior. Weights that are not
    # numbers have no k̂, which is no good one either.
    vary = known & (largest - log_weights.min(axis=0) > 1e-9)
    k = np.where(known, 0.0, np.nan)
    if vary.any():
        # psislw takes a log likelihood to be divided out, so the weights with their sign turned.
        _, k[vary] = arviz_stats.base.array_stats.psislw(-log_weights[:, vary].T, axis=-1)
    total = logsumexp(log_weights, axis=0)
    number = len(log_weights)
    return {
        "skill_pareto_k": k,
        "skill_relative_ess": np.exp(2 * total - logsumexp(2 * log_weights, axis=0)) / number,
        # The method's value less the truth.
        "laplace_error": np.log(number) - total,
    }
