"""One worker's skills given θ: the posterior that whitening and integration stand on.

Skills are standardised: s_i − s̄ = L·e with Σ = LLᵀ, so that e ~ N(0, I) before anything is seen.
Wages are linear in e and the log choice factor is concave, so the log posterior of e is strictly
concave: one mode, which Newton's steps find (model.md, section 4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from taskroy.inference.seen import Seen
from taskroy.inference.small_matrices import cholesky, inverse_of, solve_lower
from taskroy.inference.theta import Theta, careers
from taskroy.models.choice_grid import Grid
from taskroy.models.experience import Experience
from taskroy.models.roy import Economy
from taskroy.models.settings import ModelSettings

# Whitened distance beyond which a Newton step is shortened: there a quadratic is no guide.
_TRUSTED = 2.0


class ChoiceExpansion(NamedTuple):
    """Second-order expansion of each worker's log choice factor in worths v = m + κ.

    Around the pilot, Σ_t log P ≈ const + cᵀv − ½·vᵀHv; stored as Aᵀc (N, K), AᵀH (N, K, O) and
    AᵀHA (N, K, K).
    """

    slope: Float[Array, "N K"]
    cross: Float[Array, "N K O"]
    curvature: Float[Array, "N K K"]

    def of(self, workers: Int[Array, " B"]) -> ChoiceExpansion:
        """Return the expansion of some workers, by their indices."""
        return self.map_workers(lambda x: x[workers])

    def map_workers(self, change: Callable[[Array], Array]) -> Self:
        """Return the same with every array whose leading axis is workers changed."""
        return self._replace(**{k: change(v) for k, v in self._asdict().items()})

    def gaussian(self, theta: Theta, seen: Seen) -> SkillGaussian:
        """Return the exact posterior of skills had the choice factor been this: no iteration."""
        worth = theta.mean_potential + theta.amenity
        slope = wage_slope(theta, seen) + self.slope - self.cross @ worth
        factor = cholesky(_precision(theta, seen, self.curvature))
        half = solve_lower(factor, slope @ theta.skill_scale_tril)
        return SkillGaussian(solve_lower(factor, half, transpose=True), factor)


def no_expansion(economy: Economy) -> ChoiceExpansion:
    """Return the expansion that ignores choices."""
    occupations, tasks = economy.technology.task_weights.shape
    workers = economy.observed.shape[0]
    return ChoiceExpansion(
        jnp.zeros((workers, tasks)),
        jnp.zeros((workers, tasks, occupations)),
        jnp.zeros((workers, tasks, tasks)),
    )


class SkillGaussian(NamedTuple):
    """A Gaussian of each worker's standardised skills: its centre, and C with precision CCᵀ."""

    centre: Float[Array, "N K"]
    factor: Float[Array, "N K K"]

    def at(self, z: Float[Array, "N K"]) -> Float[Array, "N K"]:
        """Return skills that are `z` in whitened units."""
        return self.centre + solve_lower(self.factor, z, transpose=True)

    @property
    def log_volume(self) -> Float[Array, " N"]:
        """log|C|, what a unit of z is smaller than a unit of e."""
        return jnp.log(jnp.diagonal(self.factor, axis1=-2, axis2=-1)).sum(-1)


class Laplace(NamedTuple):
    """The Laplace approximation at each worker's mode.

    ``mode`` follows θ: its derivative is that of the implicit function theorem.
    ``log_determinant`` is that of ``gaussian``'s precision, and its derivative is exact, while
    ``gaussian.factor`` is cut off from θ. ``decrement`` is the whitened length of the last Newton
    step, what the mode may still be off by.
    """

    mode: Float[Array, "N K"]
    gaussian: SkillGaussian
    log_determinant: Float[Array, " N"]
    decrement: Float[Array, " N"]


def laplace(
    theta: Theta,
    seen: Seen,
    start: Float[Array, "N K"],
    settings: ModelSettings,
    grid: Grid,
    *,
    steps: int,
) -> Laplace:
    """Approximate each worker's skill posterior at its mode.

    Parameters
    ----------
    theta, seen
        Where, and of whom.
    start
        Standardised skills to start from.
    settings
        Variant of the model.
    grid
        Of the quadrature of derivatives, which may be coarser than that of the density: an error
        in the mode counts squared.
    steps
        Newton steps before the last.
    """
    fixed = jax.lax.stop_gradient(theta)

    def newton(_: int, skills: Array) -> Array:
        gradient, curvature = _score(fixed, seen, skills, settings, grid)
        factor = _root(fixed, seen, curvature)
        half = solve_lower(factor, gradient)
        length = jnp.sqrt((half**2).sum(-1, keepdims=True))
        step = solve_lower(factor, half, transpose=True)
        return skills + step / jnp.maximum(length / _TRUSTED, 1.0)

    skills = jax.lax.stop_gradient(start)
    skills = jax.lax.stop_gradient(jax.lax.fori_loop(0, steps, newton, skills))
    # One more step, in θ differentiable through the gradient alone: at the mode that is the
    # implicit function theorem.
    gradient, curvature = _score(theta, seen, skills, settings, grid)
    factor = _root(fixed, seen, jax.lax.stop_gradient(curvature))
    move = (inverse_of(factor) @ gradient[..., None])[..., 0]
    decrement = jnp.sqrt(jax.lax.stop_gradient((gradient * move).sum(-1)))
    mode = skills + move

    _, curvature = _score(fixed, seen, jax.lax.stop_gradient(mode), settings, grid)
    factor = _root(fixed, seen, curvature)
    gaussian = SkillGaussian(jax.lax.stop_gradient(mode), factor)
    # d log|P| = tr(P⁻¹·dP): the trace carries the derivative, the factor the value.
    trace = _trace(theta, seen, mode, inverse_of(factor), curvature, settings, grid)
    value = 2 * gaussian.log_volume
    return Laplace(mode, gaussian, value + (trace - jax.lax.stop_gradient(trace)), decrement)


def wage_slope(theta: Theta, seen: Seen) -> Float[Array, "N K"]:
    """Return the gradient in s of each worker's wage factors at mean skills."""
    common = seen.economy.design @ theta.coefficient
    held = seen.career[..., 1].astype(jnp.int32)
    net = seen.career[..., 0] - common - theta.mean_potential[held]
    if theta.experience_return is not None:
        stays = Experience.of(held, seen.economy.observed).stays
        net = net - theta.experience_return * stays
    return (net[:, None] @ seen.weights)[:, 0] / theta.wage_shock_scale**2


def _precision(theta: Theta, seen: Seen, curvature: Float[Array, "N K K"]) -> Float[Array, "N K K"]:
    """I + Lᵀ(gram/ϱ² + curvature)L."""
    tril = theta.skill_scale_tril
    whole = seen.gram / theta.wage_shock_scale**2 + curvature
    return tril.T @ whole @ tril + jnp.eye(tril.shape[0])


def _root(theta: Theta, seen: Seen, curvature: Float[Array, "N K K"]) -> Float[Array, "N K K"]:
    """Return the Cholesky factor of each worker's precision.

    The curvature is positive semidefinite but for the quadrature's noise, which wide skills can
    magnify beyond the prior's one. Where that leaves no factor, choices are taken to say nothing.
    """
    factor = cholesky(_precision(theta, seen, curvature))
    there = jnp.isfinite(factor).all((-2, -1), keepdims=True)

    def mended() -> Array:
        return jnp.where(
            there, factor, cholesky(_precision(theta, seen, jnp.zeros_like(curvature)))
        )

    return jax.lax.cond(there.all(), lambda: factor, mended)


def _score(
    theta: Theta, seen: Seen, skills: Array, settings: ModelSettings, grid: Grid
) -> tuple[Float[Array, "N K"], Float[Array, "N K K"]]:
    """Gradient in e of each worker's log posterior, and curvature in s of his choices."""
    tril = theta.skill_scale_tril
    slope, curvature = careers(theta, seen, skills, settings, grid).expand_choice(
        seen.career, seen.economy.technology.task_weights
    )
    pulled = (seen.gram @ (skills @ tril.T)[..., None])[..., 0] / theta.wage_shock_scale**2
    gradient = (wage_slope(theta, seen) - pulled + slope) @ tril - skills
    return gradient, curvature


def _trace(
    theta: Theta,
    seen: Seen,
    skills: Array,
    inverse: Float[Array, "N K K"],
    curvature: Float[Array, "N K K"],
    settings: ModelSettings,
    grid: Grid,
) -> Float[Array, " N"]:
    """tr(W·P) up to a constant, P the precision and W fixed, for its derivative."""
    tril = theta.skill_scale_tril
    metric = tril @ inverse @ tril.T
    wages = (seen.gram * metric).sum((-2, -1)) / theta.wage_shock_scale**2
    # By the product rule: its derivative in the metric is the curvature, which is known already.
    choices = careers(theta, seen, skills, settings, grid).choice_curvature_along(
        seen.career, seen.economy.technology.task_weights, jax.lax.stop_gradient(metric)
    )
    return wages + choices + (curvature * metric).sum((-2, -1))
