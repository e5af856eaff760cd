"""Quantiles of numbers that are too many to sort at every draw."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from taskroy.models.bisection import bisect

# Of millions of values none or one is left in the interval.
_HALVINGS = 32


def weighted_quantile(
    values: Float[Array, "N O"], weight: Float[Array, "N O"], level: float
) -> Float[Array, ""]:
    """Return the smallest of some values up to which a share of all weight lies.

    NumPy's weighted quantile by the method "inverted_cdf", found by bisection rather than by
    sorting, and then moved up to the value itself.

    Parameters
    ----------
    values
        In any order, (N, O).
    weight
        Of each, none negative, (N, O). What has none does not count.
    level
        Share of all weight, in (0, 1).

    Returns
    -------
    Array
        A number; not one where there is no weight, or where what is given is not a number.
    """
    wanted, counts = level * weight.sum(), weight > 0

    def too_few(x: Array) -> Array:
        return jnp.where(values <= x, weight, 0.0).sum() < wanted

    def next_above(x: Array) -> Array:
        return jnp.min(values, where=counts & (values > x), initial=jnp.inf)

    lowest = jnp.min(values, where=counts, initial=jnp.inf)
    highest = jnp.max(values, where=counts, initial=-jnp.inf)
    below, _ = bisect(too_few, lowest - 1.0, highest, _HALVINGS)
    # What rounding leaves too few even at the highest ends there.
    found = jax.lax.while_loop(lambda x: too_few(x) & (x < highest), next_above, next_above(below))
    return jnp.where((wanted > 0) & jnp.isfinite(found), found, jnp.nan)
