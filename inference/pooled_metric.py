"""The mass matrix of θ, learnt from all chains together between blocks of warm-up.

A chain alone would learn it from some hundred of its own draws, fewer than there are entries: with
a hundred parameters, as bad as none. What all chains drew is added to what was known before, so
that a good first guess is not lost either.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpyro.infer.hmc import HMCState

# A first guess counts as so many draws for each parameter.
_DRAWS_A_PARAMETER = 2


def with_pooled_metric(
    state: HMCState, draws: Mapping[str, Array], dense: tuple[str, ...]
) -> HMCState:
    """Return the chains' state with one inverse mass matrix for the sites `dense`, updated.

    Parameters
    ----------
    state
        Of all chains, the leading axis of every leaf.
    draws
        What they drew since the last update: unconstrained sites, (chain, draw, …).
    dense
        Sites that share a dense block of the mass matrix, in the order of its rows.
    """
    flat = [np.asarray(draws[k]).reshape(-1, draws[k][0, 0].size) for k in dense]
    adapted = state.adapt_state
    before = np.asarray(adapted.inverse_mass_matrix[dense])
    metric = pooled(before[0], np.concatenate(flat, axis=1))
    parts = (metric, *_roots(metric))
    names = ("inverse_mass_matrix", "mass_matrix_sqrt", "mass_matrix_sqrt_inv")
    replaced = {
        name: getattr(adapted, name)
        | {dense: jnp.broadcast_to(jnp.asarray(part, before.dtype), before.shape)}
        for name, part in zip(names, parts, strict=True)
    }
    return state._replace(adapt_state=adapted._replace(**replaced))


def pooled(
    guess: Float[np.ndarray, "D D"], draws: Float[np.ndarray, "S D"]
) -> Float[np.ndarray, "D D"]:
    """Return the covariance of draws, mixed with a guess that counts as two draws a parameter."""
    number, parameters = draws.shape
    worth = _DRAWS_A_PARAMETER * parameters
    return (number * np.cov(draws.T, bias=True).reshape(guess.shape) + worth * guess) / (
        number + worth
    )


def _roots(
    inverse_mass: Float[np.ndarray, "D D"],
) -> tuple[Float[np.ndarray, "D D"], Float[np.ndarray, "D D"]]:
    """Return a square root R of the mass matrix, M = R·Rᵀ lower triangular, and R⁻¹."""
    # As NumPyro has them: the lower factor of M comes from the flipped one of its inverse.
    flipped = np.linalg.cholesky(inverse_mass[::-1, ::-1])
    inverse_root = flipped[::-1, ::-1].T
    return np.linalg.inv(inverse_root), inverse_root
