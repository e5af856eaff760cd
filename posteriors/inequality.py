"""Inequality between workers.

All measures are of one distribution: each worker's expected log wage x_i = E_i[w], over his choices
and shocks, at covariates' sample means; one value a worker, who counts once or by his weight. It is
inequality of prospects: what shocks add in a year is left out. Gini and Theil are of e^x.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.world import Equilibrium

#: Mean of x, around which inequality is; variance of x and its parts between and within
#: occupations, which add up; Gini and Theil coefficients of e^x; differences of percentiles of x,
#: so logs of ratios of percentiles.
MEASURES = (
    "mean",
    "variance",
    "variance_between",
    "variance_within",
    "gini",
    "theil",
    "p90_p10",
    "p50_p10",
    "p90_p50",
)


def inequality(state: Equilibrium, weight: Float[Array, " N"] | None = None) -> Float[Array, " M"]:
    """Return the measures in their order, (9,).

    A worker belongs to occupation o with probability P(o | s_i). Between occupations is the
    variance of the occupations' means of x, weighted by employment.

    Parameters
    ----------
    state
        Of the workers.
    weight
        How much each counts; None for once each.
    """
    x = state.expected_wage
    share = jnp.ones_like(x) / len(x) if weight is None else weight / weight.sum()
    mean = share @ x
    variance = share @ (x - mean) ** 2
    employment = share @ state.probability
    of_occupation = (share * x) @ state.probability / employment
    between = employment @ (of_occupation - mean) ** 2
    # Relative to the mean of e^x, at a scale at which nothing overflows.
    wage = jnp.exp(x - x.max())
    relative = wage / (share @ wage)
    order = jnp.argsort(x)
    ranked, size = relative[order], share[order]
    reached = jnp.cumsum(size)
    gini = (size * ranked * (2 * reached - size - 1)).sum()
    theil = share @ (relative * jnp.log(relative))
    low, middle, high = percentiles(x[order], size, jnp.asarray([0.1, 0.5, 0.9], x.dtype))
    return jnp.stack(
        [
            mean,
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


def percentiles(
    ranked: Float[Array, " N"], weight: Float[Array, " N"], at: Float[Array, " Q"]
) -> Float[Array, " Q"]:
    """Return percentiles of weighted numbers, interpolated between them.

    A number stands where the middle of its weight is, on a scale on which the least one is at 0
    and the largest at 1. Where all count the same, these are the usual percentiles of NumPy.

    Parameters
    ----------
    ranked
        The numbers in rising order.
    weight
        Of each.
    at
        Between 0 and 1.
    """
    middle = jnp.cumsum(weight) - weight / 2
    place = (middle - middle[0]) / (middle[-1] - middle[0])
    return jnp.interp(at, place, ranked)
