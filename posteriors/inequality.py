"""Inequality between workers.

All measures are of one distribution: each worker's expected log wage x_i = E_i[w], over his choices
and shocks, at covariates' sample means; one value a worker, each with weight one. It is inequality
of prospects: what shocks add in a year is left out. Gini and Theil are of e^x.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.world import Equilibrium

#: Variance of x and its parts between and within occupations, which add up; Gini and Theil
#: coefficients of e^x; differences of percentiles of x, so logs of ratios of percentiles.
MEASURES = (
    "variance",
    "variance_between",
    "variance_within",
    "gini",
    "theil",
    "p90_p10",
    "p50_p10",
    "p90_p50",
)


def inequality(state: Equilibrium) -> Float[Array, " M"]:
    """Return the measures in their order, (8,).

    A worker belongs to occupation o with probability P(o | s_i). Between occupations is the
    variance of the occupations' means of x, weighted by employment. Percentiles are interpolated
    between workers.
    """
    x = state.expected_wage
    mean = x.mean()
    variance = ((x - mean) ** 2).mean()
    employment = state.probability.sum(0)
    of_occupation = x @ state.probability / employment
    between = (employment * (of_occupation - mean) ** 2).sum() / employment.sum()
    # Shares of the total of e^x, at a scale at which nothing overflows.
    wage = jnp.exp(x - x.max())
    relative = wage / wage.mean()
    n = len(x)
    ranked = jnp.sort(relative)
    gini = (ranked * (2 * jnp.arange(1, n + 1) - n - 1)).sum() / n**2
    theil = (relative * jnp.log(relative)).mean()
    low, middle, high = jnp.quantile(x, jnp.asarray([0.1, 0.5, 0.9], x.dtype))
    return jnp.stack(
        [
            variance,
            between,
            variance - between,
            gini,
            theil,
            high - low,
            middle - low,
            high - middle,
        ]
    )
