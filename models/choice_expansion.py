"""The choice factor of whole careers to second order in skills: what finds modes and curvatures.

log P is concave in worths, with derivatives that are averages over its own integrand (weights p_t
on the nodes x of year t):

    ∂ log P_t/∂y_o     = E_t[φ_o]                         for o ≠ ω_t, with φ_o(x) = ψ'(x + y_o)
    ∂² log P_t/∂y∂y'   = diag(E_t[ψ''_o]) + Cov_t(φ, φ')   the row and column of ω_t left out

Written out in skill space (y = y₀ + B·s) they need only the sums over occupations
D(x) = Σ_o B_o φ_o(x), which the years share, as they share the nodes (model.md, sections 3 and 4).
A year's own sum is D_t = D + Σ_e b_e·f_e: what is held is taken out, and, with experience, what was
held before is put in with its bonus in place of without.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from taskroy.models.choice_grid import Grid, at_nodes, career_integrand
from taskroy.models.experience import Bonus


@partial(jax.jit, static_argnames="grid")
def expand_choice_of_careers(
    value: Float[Array, "N O"],
    wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    observed: Bool[Array, "N T"],
    ratio: Float[Array, ""],
    loading: Float[Array, "O K"],
    grid: Grid,
    bonus: Bonus | None = None,
) -> tuple[Float[Array, "N K"], Float[Array, "N K K"]]:
    """Return gradient and minus the Hessian in skills of Σ_t log P, worker by worker.

    Parameters
    ----------
    value, wage, occupation, observed, ratio, grid, bonus
        As in :func:`taskroy.models.choice_grid.log_choice_of_careers`.
    loading
        B, the derivative of `value` in what is called skills here, (O, K); a constant.

    Returns
    -------
    tuple
        Gradient (N, K) and minus the Hessian, positive semidefinite, (N, K, K).
    """
    parts = _parts(value, wage, occupation, observed, ratio, loading, grid, bonus)
    weight, pull, touched = parts.weight, parts.pull, parts.touched
    tasks = loading.shape[1]
    outer = (loading[:, :, None] * loading[:, None, :]).reshape(loading.shape[0], -1)
    years = jnp.moveaxis(weight.sum(1), -1, 0)  # (N, Q)
    every = (parts.bend.T @ outer).reshape(-1, tasks, tasks) + (pull * years[..., None]).mT @ pull
    # With b = b_e and f = f_e, g its derivative, a year's own occupations add
    # Σ_t Σ_e b·bᵀ·(E_t[f²] + E_t[g]) + E_t[fD]·bᵀ + b·E_t[fD]ᵀ, products f_e·f_e' of two of them,
    # and −E_t[D_t]·E_t[D_t]ᵀ.
    mixed = jnp.moveaxis(_flat(weight[:, None] * parts.first), -1, 0).mT @ pull  # E_t[fD]
    square = (weight[:, None] * (parts.first**2 + parts.second)).sum(0)
    own = _flat(square).T[..., None] * touched + 2 * mixed
    if bonus is not None:
        cross = (weight * parts.first[:, 0] * parts.first[:, 1]).sum(0).T[..., None]
        held, before = jnp.split(touched, 2, axis=1)
        own += jnp.concatenate([cross * before, cross * held], axis=1)
    held = own.mT @ touched - parts.mean.mT @ parts.mean
    hessian = every + 0.5 * (held + held.mT)
    gradient = parts.slope.T @ loading + (_flat(parts.pushed).T[..., None] * touched).sum(1)
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
    bonus: Bonus | None = None,
) -> Float[Array, " N"]:
    """Return tr(W_i·C_i) of each worker, C_i minus the Hessian of `expand_choice_of_careers`.

    What the derivative of a log determinant needs, d log|C| = tr(C⁻¹·dC), without the matrices in
    the way: a third of the time of differentiating them.

    Parameters
    ----------
    value, wage, occupation, observed, ratio, loading, grid, bonus
        As in :func:`expand_choice_of_careers`.
    metric
        W, symmetric, (N, K, K).
    """
    parts = _parts(value, wage, occupation, observed, ratio, loading, grid, bonus)
    weight, pull, touched = parts.weight, parts.pull, parts.touched
    outer = (loading[:, :, None] * loading[:, None, :]).reshape(loading.shape[0], -1)
    every = (parts.bend * (outer @ metric.reshape(metric.shape[0], -1).T)).sum(0)
    turned = pull @ metric  # (N, Q, K)
    every += (jnp.moveaxis((turned * pull).sum(-1), 0, -1) * weight.sum(1)).sum(0)
    mixed = jnp.transpose(turned @ touched.mT, (1, 2, 0)).reshape(parts.first.shape)  # b·WD
    length = ((touched @ metric) * touched).sum(-1).T.reshape(parts.first.shape[1:])  # b·Wb
    square = length * (parts.first**2 + parts.second) + 2 * parts.first * mixed
    if bonus is not None:
        held, before = jnp.split(touched, 2, axis=1)
        between = ((held @ metric) * before).sum(-1).T  # b·Wb', (T, N)
        square = square.at[:, 0].add(2 * between * parts.first[:, 0] * parts.first[:, 1])
    own = (weight[:, None] * square).sum((0, 1, 2))
    own -= ((parts.mean @ metric) * parts.mean).sum((1, 2))
    return -(every + own)


class _Parts(NamedTuple):
    """What both need of the integrand.

    ``weight`` is p_t; ``slope`` and ``bend`` are Σ_t E_t[φ_o] and Σ_t E_t[ψ''_o], as if every
    occupation were unseen in every year; ``pull`` is D. Of a year's own E occupations, ``first`` is
    f_e, ``second`` its derivative, ``pushed`` E_t[f_e], and ``touched`` b_e, year after year of one
    and then of the next; ``mean`` is E_t[D_t].
    """

    weight: Float[Array, "Q T N"]
    slope: Float[Array, "O N"]
    bend: Float[Array, "O N"]
    pull: Float[Array, "N Q K"]
    first: Float[Array, "Q E T N"]
    second: Float[Array, "Q E T N"]
    pushed: Float[Array, "E T N"]
    touched: Float[Array, "N E*T K"]
    mean: Float[Array, "N T K"]


def _flat(x: Float[Array, "*Q E T N"]) -> Float[Array, "*Q E*T N"]:
    return x.reshape(*x.shape[:-3], -1, x.shape[-1])


def _parts(
    value: Array,
    wage: Array,
    occupation: Array,
    observed: Array,
    ratio: Array,
    loading: Array,
    grid: Grid,
    bonus: Bonus | None,
) -> _Parts:
    nodes = career_integrand(value, wage, occupation, observed, ratio, grid, bonus, highest=2)
    psi1, psi2 = nodes.matrices[1:]
    weight = jnp.where(observed.T, jax.nn.softmax(nodes.exponent, axis=0), 0.0)
    years = weight.sum(1)
    slope = (nodes.terms * (psi1 @ years)).sum(1)
    bend = (nodes.terms * (psi2 @ years)).sum(1)
    occupations, terms, workers = nodes.terms.shape
    moments = (loading.T @ nodes.terms.reshape(occupations, -1)).reshape(-1, terms, workers)
    # Batched products want workers first; everything else wants them last.
    pull = jnp.moveaxis(at_nodes(psi1, jnp.moveaxis(moments, 1, 0)), -1, 0)
    first, second = at_nodes(psi1, nodes.own), at_nodes(psi2, nodes.own)
    pushed = (weight[:, None] * first).sum(0)
    touched = loading[occupation] * observed[..., None]
    mean = jnp.moveaxis(weight, -1, 0).mT @ pull + pushed[0].T[..., None] * touched
    if bonus is not None:
        before = loading[bonus.occupation] * observed[..., None]
        mean += pushed[1].T[..., None] * before
        touched = jnp.concatenate([touched, before], axis=1)
    return _Parts(weight, slope, bend, pull, first, second, pushed, touched, mean)
