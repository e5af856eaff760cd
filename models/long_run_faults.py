"""Workers whose long run was not found, where experience in an occupation pays."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float

from taskroy.models.world import Equilibrium

#: Counts of workers: whose fixed point of what is to come was not found, and who leave an
#: occupation so seldom that rounding decides where they end up.
FAULTS = ("unsettled", "stuck")
# Below it a probability is no rounding of zero.
_NEGATIVE = -1e-9


def long_run_faults(*equilibria: Equilibrium) -> dict[str, Float[Array, ""]]:
    """Return of how many workers the long run was not found in one of several worlds.

    Parameters
    ----------
    equilibria
        Of the same workers.

    Returns
    -------
    dict
        `FAULTS`, numbers of workers. Zero where choices are of one year.
    """

    def count(found: list[Bool[Array, " N"]]) -> Float[Array, ""]:
        return jnp.stack(found).any(0).sum().astype(equilibria[0].welfare.dtype)

    return {
        # A wage that is no number has another cause.
        "unsettled": count(
            [jnp.isnan(e.welfare) & jnp.isfinite(e.potential).all(1) for e in equilibria]
        ),
        "stuck": count([(e.probability < _NEGATIVE).any(1) for e in equilibria]),
    }
