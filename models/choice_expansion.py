"""The choice factor of whole careers to second order in skills: what finds modes and curvatures.

log P is concave in worths, with derivatives that are averages over its own integrand (weights p_t
on the nodes x of year t):

    ∂ log P_t/∂y_o     = E_t[φ_o]                         for o ≠ ω_t, with φ_o(x) = ψ'(x + y_o)
    ∂² log P_t/∂y∂y'   = diag(E_t[ψ''_o]) + Cov_t(φ, φ')   the row and column of ω_t left out

Written out in skill space (y = y₀ + B·s) they need only the sums over occupations
D(x) = Σ_o B_o φ_o(x), which the years share, as they share the nodes (model.md, sections 3 and 4).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from taskroy.models.choice_grid import Grid, at_nodes, career_integrand


@partial(jax.jit, static_argnames="grid")
def expand_choice_of_careers(
    value: Float[Array, "N O"],
    wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    observed: Bool[Array, "N T"],
    ratio: Float[Array, ""],
    loading: Float[Array, "O K"],
    grid: Grid,
) -> tuple[Float[Array, "N K"], Float[Array, "N K K"]]:
    """Return gradient and minus the Hessian in skills of Σ_t log P, worker by worker.

    Parameters
    ----------
    value, wage, occupation, observed, ratio, grid
        As in :func:`taskroy.models.choice_grid.log_choice_of_careers`.
    loading
        B, the derivative of `value` in what is called skills here, (O, K); a constant.

    Returns
    -------
    tuple
        Gradient (N, K) and minus the Hessian, positive semidefinite, (N, K, K).
    """
    parts = _parts(value, wage, occupation, observed, ratio, loading, grid)
    weight, own1, pull, seen = parts.weight, parts.own1, parts.pull, parts.seen
    tasks = loading.shape[1]
    outer = (loading[:, :, None] * loading[:, None, :]).reshape(loading.shape[0], -1)
    years = jnp.moveaxis(weight.sum(1), -1, 0)  # (N, Q)
    every = (parts.bend.T @ outer).reshape(-1, tasks, tasks) + (pull * years[..., None]).mT @ pull
    # What is held has no term of its own: with b = B_ω and φ = φ_ω, add
    # Σ_t b·bᵀ·(E_t[φ²] − E_t[ψ'']) − E_t[φD]·bᵀ − b·E_t[φD]ᵀ − E_t[D − bφ]·E_t[D − bφ]ᵀ.
    mixed = jnp.moveaxis(weight * own1, -1, 0).mT @ pull  # E_t[φD], (N, T, K)
    own = (weight * (own1**2 - parts.own2)).sum(0).T[..., None] * seen - 2 * mixed
    held = own.mT @ seen - parts.mean.mT @ parts.mean
    hessian = every + 0.5 * (held + held.mT)
    gradient = parts.slope.T @ loading - (parts.held.T[..., None] * seen).sum(1)
    return gradient, -hessian


@partial(jax.jit, static_argnames="grid")
def curvature_along(
    value: Float[Array, "N O"],
    wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    observed: Bool[Array, "N T"],
    ratio: Float[Array, ""],
    loading: Float[Array, "O K"],
    metric: Float[Array, "N K K"],
    grid: Grid,
) -> Float[Array, " N"]:
    """Return tr(W_i·C_i) of each worker, C_i minus the Hessian of `expand_choice_of_careers`.

    What the derivative of a log determinant needs, d log|C| = tr(C⁻¹·dC), without the matrices in
    the way: a third of the time of differentiating them.

    Parameters
    ----------
    value, wage, occupation, observed, ratio, loading, grid
        As in :func:`expand_choice_of_careers`.
    metric
        W, symmetric, (N, K, K).
    """
    parts = _parts(value, wage, occupation, observed, ratio, loading, grid)
    weight, own1, pull, seen = parts.weight, parts.own1, parts.pull, parts.seen
    outer = (loading[:, :, None] * loading[:, None, :]).reshape(loading.shape[0], -1)
    every = (parts.bend * (outer @ metric.reshape(metric.shape[0], -1).T)).sum(0)
    turned = pull @ metric  # (N, Q, K)
    every += (jnp.moveaxis((turned * pull).sum(-1), 0, -1) * weight.sum(1)).sum(0)
    mixed = jnp.transpose(turned @ seen.mT, (1, 2, 0))  # b·WD, (Q, T, N)
    length = ((seen @ metric) * seen).sum(-1).T  # b·Wb, (T, N)
    held = (weight * (length * (own1**2 - parts.own2) - 2 * own1 * mixed)).sum((0, 1))
    held -= ((parts.mean @ metric) * parts.mean).sum((1, 2))
    return -(every + held)


class _Parts(NamedTuple):
    """What both need of the integrand, as if every occupation were unseen in every year.

    ``weight`` is p_t; ``slope`` and ``bend`` are Σ_t E_t[φ_o] and Σ_t E_t[ψ''_o]; ``pull`` is D;
    ``own1`` and ``own2`` are ψ' and ψ'' of what is held, ``held`` is E_t[φ_ω], ``seen`` B_ω, and
    ``mean`` E_t[D − B_ω·φ_ω].
    """

    weight: Float[Array, "Q T N"]
    slope: Float[Array, "O N"]
    bend: Float[Array, "O N"]
    pull: Float[Array, "N Q K"]
    own1: Float[Array, "Q T N"]
    own2: Float[Array, "Q T N"]
    held: Float[Array, "T N"]
    seen: Float[Array, "N T K"]
    mean: Float[Array, "N T K"]


def _parts(
    value: Array,
    wage: Array,
    occupation: Array,
    observed: Array,
    ratio: Array,
    loading: Array,
    grid: Grid,
) -> _Parts:
    nodes = career_integrand(value, wage, occupation, observed, ratio, grid, highest=2)
    psi1, psi2 = nodes.matrices[1:]
    weight = jnp.where(observed.T, jax.nn.softmax(nodes.exponent, axis=0), 0.0)
    years = weight.sum(1)
    slope = (nodes.terms * (psi1 @ years)).sum(1)
    bend = (nodes.terms * (psi2 @ years)).sum(1)
    occupations, terms, workers = nodes.terms.shape
    moments = (loading.T @ nodes.terms.reshape(occupations, -1)).reshape(-1, terms, workers)
    # Batched products want workers first; everything else wants them last.
    pull = jnp.moveaxis(at_nodes(psi1, jnp.moveaxis(moments, 1, 0)), -1, 0)
    own1, own2 = at_nodes(psi1, nodes.held), at_nodes(psi2, nodes.held)
    held = (weight * own1).sum(0)
    seen = loading[occupation] * observed[..., None]
    mean = jnp.moveaxis(weight, -1, 0).mT @ pull - held.T[..., None] * seen
    return _Parts(weight, slope, bend, pull, own1, own2, held, seen, mean)
