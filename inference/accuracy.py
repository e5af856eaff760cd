"""The error of a fit's quadrature, measured: against the reference, worker-year by worker-year."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from taskroy.inference.pilot import Pilot
from taskroy.models.choice import log_choice_probability

_WORKERS = 100


def grid_error(
    pilot: Pilot,
    log_wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
) -> dict[str, float]:
    """Return the largest and the summed error in log P of a fit's grid, at the pilot's values.

    Up to 100 workers, evenly spaced, are compared with
    :func:`taskroy.models.choice.log_choice_probability`; the sum is scaled to the whole panel.
    """
    if pilot.careers.shock == "worker":
        return {"largest_error": 0.0, "summed_error": 0.0}
    careers = pilot.careers.replace(grid=pilot.grid)
    career = jnp.stack([log_wage, occupation], axis=-1)
    fast = careers.factors(career)[1]
    workers = log_wage.shape[0]
    some = np.unique(np.linspace(0, workers - 1, min(_WORKERS, workers)).astype(int))
    years = log_wage.shape[1]
    potential = jnp.broadcast_to(
        careers.potential[some, None, :], (len(some), years, careers.potential.shape[1])
    )
    exact = log_choice_probability(
        potential,
        (log_wage - careers.common)[some],
        occupation[some],
        wage_shock_scale=careers.wage_shock_scale,
        taste_scale=careers.taste_scale,
        amenity=careers.amenity,
    )
    error = np.where(np.asarray(careers.observed)[some], np.asarray(fast)[some] - exact, 0.0)
    return {
        "largest_error": float(np.abs(error).max()),
        "summed_error": float(error.sum() * workers / len(some)),
    }
