"""Draws of an approximation made draws of the posterior: Pareto-smoothed importance resampling."""

from __future__ import annotations

from typing import NamedTuple

import arviz_stats
import numpy as np

#: Largest k̂ at which importance weights say anything (Vehtari et al. 2024).
LARGEST_PARETO_K = 0.7
_EQUAL = 1e-9


class SmoothedWeights(NamedTuple):
    """Normalised weights of draws, their largest smoothed by a Pareto tail, and its shape k̂."""

    weight: np.ndarray
    pareto_k: float

    @property
    def reliable(self) -> bool:
        """Whether weighting by them brings draws nearer to the posterior."""
        return self.pareto_k <= LARGEST_PARETO_K

    @property
    def effective(self) -> float:
        """Number of independent draws from the posterior that the weighted ones are worth."""
        return float(1 / (self.weight**2).sum())


def smoothed_weights(log_weight: np.ndarray) -> SmoothedWeights:
    """Smooth the weights of an approximation's draws, (S,), log of posterior over approximation.

    Where one of them is not a number weights and k̂ are none either, and are not reliable.

    Source: Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling.
    """
    flat = np.ravel(log_weight)
    if not np.isfinite(flat.max()):
        # A density that is not a number, or zero at every draw: no draw can be weighed.
        return SmoothedWeights(np.full(flat.shape, np.nan), float("nan"))
    if np.ptp(flat) < _EQUAL:
        # Nothing has a tail: the approximation is the posterior.
        return SmoothedWeights(np.full(flat.shape, 1 / flat.size), 0.0)
    # psislw takes a log likelihood to be divided out, so the weights with their sign turned.
    log_smoothed, k = arviz_stats.base.array_stats.psislw(-flat, axis=-1)
    return SmoothedWeights(np.exp(log_smoothed), float(k))


def resample(weights: SmoothedWeights, generator: np.random.Generator) -> np.ndarray:
    """Return indices of as many draws, each as often as its weight asks, in random order.

    Systematic resampling: a draw comes as often as its share of all draws, rounded up or down. Of
    weights that are not reliable each draw comes once.
    """
    number = len(weights.weight)
    if not weights.reliable:
        return np.arange(number)
    ends = np.cumsum(weights.weight)
    places = (generator.random() + np.arange(number)) / number * ends[-1]
    return generator.permutation(np.searchsorted(ends, places, side="right").clip(max=number - 1))
