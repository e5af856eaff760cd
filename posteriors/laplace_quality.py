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
    # psislw takes a log likelihood to be divided out, so the weights with their sign turned.
    _, k = arviz_stats.base.array_stats.psislw(-log_weights.T, axis=-1)
    total = logsumexp(log_weights, axis=0)
    number = len(log_weights)
    return {
        "skill_pareto_k": np.asarray(k, dtype=np.float64),
        "skill_relative_ess": np.exp(2 * total - logsumexp(2 * log_weights, axis=0)) / number,
        # The method's value less the truth.
        "laplace_error": np.log(number) - total,
    }
