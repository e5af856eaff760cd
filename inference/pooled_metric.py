"""The mass matrix, learnt from all chains together between blocks of warm-up.

A chain alone would learn it from some hundred of its own draws, fewer than there are entries: with
a hundred parameters, as bad as none. What all chains drew in all blocks is added to what was known
before, so that a good first guess is not lost either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular
from jaxtyping import Float
from numpyro.infer.hmc import HMCState

# A first guess counts as so many draws for each number in a row of the matrix.
_DRAWS_A_NUMBER = 2
# Eigenvalues of this many times what independent draws would have are not chance. Autoregressive
# chains with correlations of 0.5 have twice as much, of 0.8 some five times.
_BEYOND_CHANCE = 4.0

type _Blocks = dict[tuple[str, ...], Array]
type _Matrix = Float[Array, "D D"] | Float[Array, " D"]


class Moments(NamedTuple):
    """What was drawn so far, by block of the mass matrix.

    A block has a covariance, (D, D), or variances alone, (D,). ``guess`` is its first guess,
    ``number`` counts draws, ``mean`` is theirs, (D,), and ``scatter`` sums their squares about it.
    """

    guess: _Blocks
    number: Array
    mean: _Blocks
    scatter: _Blocks


def no_moments(state: HMCState) -> Moments:
    """Begin with the mass matrix of chains that have not drawn; the leading axis is theirs."""
    guess = {k: v[0] for k, v in state.adapt_state.inverse_mass_matrix.items()}
    return Moments(
        guess,
        jnp.zeros((), state.potential_energy.dtype),
        {k: jnp.zeros(len(v), v.dtype) for k, v in guess.items()},
        {k: jnp.zeros_like(v) for k, v in guess.items()},
    )


def with_draws(moments: Moments, draws: Mapping[str, Array]) -> Moments:
    """Count what all chains drew in a block: unconstrained sites, (chain, draw, …)."""
    mean, scatter, number = {}, {}, moments.number
    for sites, before in moments.mean.items():
        parts = [draws[k].reshape(-1, draws[k][0, 0].size) for k in sites]
        x = jnp.concatenate(parts, axis=1)
        number = moments.number + len(x)
        centre = x.mean(0)
        about, gap = x - centre, centre - before
        share = len(x) / number
        if moments.scatter[sites].ndim == 2:
            added = about.T @ about + moments.number * share * jnp.outer(gap, gap)
        else:
            added = (about**2).sum(0) + moments.number * share * gap**2
        mean[sites] = before + share * gap
        scatter[sites] = moments.scatter[sites] + added
    return Moments(moments.guess, number, mean, scatter)


def with_metric(state: HMCState, moments: Moments) -> HMCState:
    """Return the chains' state with the same inverse mass matrix for all, that of the moments."""
    adapted = state.adapt_state
    names = ("inverse_mass_matrix", "mass_matrix_sqrt", "mass_matrix_sqrt_inv")
    replaced: dict[str, dict[tuple[str, ...], Array]] = {name: {} for name in names}
    for sites, before in adapted.inverse_mass_matrix.items():
        metric = pooled(moments.guess[sites], moments.number, moments.scatter[sites])
        for name, part in zip(names, (metric, *_roots(metric)), strict=True):
            replaced[name][sites] = jnp.broadcast_to(part, before.shape)
    return state._replace(adapt_state=adapted._replace(**replaced))


def pooled(guess: _Matrix, number: Array | float, scatter: _Matrix) -> _Matrix:
    """Return the (co)variance of draws, one or more, mixed with a guess.

    The guess counts as two draws for each number in a row. Where it is a covariance, what `widened`
    makes of it is mixed instead.
    """
    worth = _DRAWS_A_NUMBER * (len(guess) if guess.ndim == 2 else 1)
    if guess.ndim == 2:
        guess = widened(guess, number, scatter)
    mixed: _Matrix = (scatter + worth * guess) / (number + worth)
    return mixed


def widened(
    guess: Float[Array, "D D"], number: Array | float, scatter: Float[Array, "D D"]
) -> Float[Array, "D D"]:
    """Return a guess of a covariance, widened where draws are far wider than chance explains.

    In units of the guess, n independent draws would have a covariance with eigenvalues of at most
    (1 + √γ)², γ = D/n (Marchenko and Pastur 1967). Draws of chains are not independent, which
    widens that; but an eigenvalue of several times as much is of a direction that the guess has too
    narrow, and the variance there is what would give such an eigenvalue (Baik and Silverstein
    2006). Elsewhere the guess stands: of hundreds of parameters draws are too few to say better.

    Parameters
    ----------
    guess
        The covariance, (D, D), positive definite.
    number
        n, one or more.
    scatter
        Sum of squares of the draws about their mean, (D, D).
    """
    root = jnp.linalg.cholesky(guess)
    half = solve_triangular(root, scatter, lower=True)
    seen = solve_triangular(root, half.T, lower=True) / number
    value, vector = jnp.linalg.eigh(0.5 * (seen + seen.T))
    ratio = len(guess) / number
    edge = (1 + jnp.sqrt(ratio)) ** 2
    middle = value + 1 - ratio
    variance = 0.5 * (middle + jnp.sqrt(jnp.maximum(middle**2 - 4 * value, 0.0)))
    excess = jnp.where(value > _BEYOND_CHANCE * edge, variance - 1, 0.0)
    wide = root @ vector
    return guess + (wide * excess) @ wide.T


def _roots(inverse_mass: _Matrix) -> tuple[_Matrix, _Matrix]:
    """Return a square root R of the mass matrix, M = R·Rᵀ lower triangular, and R⁻¹."""
    if inverse_mass.ndim == 1:
        return inverse_mass**-0.5, inverse_mass**0.5
    # As NumPyro has them: the lower factor of M comes from the flipped one of its inverse.
    flipped = jnp.linalg.cholesky(inverse_mass[::-1, ::-1])
    inverse_root = flipped[::-1, ::-1].T
    return jnp.linalg.inv(inverse_root), inverse_root
