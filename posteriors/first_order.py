"""The decomposition to first order: what the skills of an occupation's people would be at a point.

Around the skill s̄_{|o} that is most likely in an occupation, potential wages are linear and the
people of the occupation have it on average (model.md, section 6). It solves

    s̄_{|o} = s̄ + ν⁻¹ Σ (A_oᵀ − Σ_o'' h_o''(s̄_{|o}) A_o''ᵀ)

with h the logit choice probabilities at that skill. Here s̄ and Σ are the mean and the covariance
of the skills of the draw's workers, and ν that of a logit whose taste shocks have the variance of
taste and wage shocks together. A premium (bargaining) counts by its mean over workers. To first
order

    selection   (A'_o − A_o)·(s̄_{|o} − s̄)
    re-sorting  A'_o·(s̄'_{|o} − s̄_{|o}) − change of skills + (ϱ²/ν)·(h_o(s̄_{|o}) − h'_o(s̄'_{|o}))

the last term being the change of the mean shock of who chooses o. The other parts are as they are.
How far the search for s̄_{|o} ended from its equation is kept, too, and said where it is too far.
"""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpy.typing import NDArray

from taskroy.models.world import Economy

_ITERATIONS = 60
_TOLERANCE = 1e-10
#: Largest distance from the equation for skills, in their sds, at which a solution is one.
SOLVED = 1e-6


class FirstOrderApart(UserWarning):
    """Skills that the approximation to first order is around were not found in some draws."""


def first_order(
    before: Economy,
    after: Economy,
    skill_mean: Float[Array, " K"],
    exact: dict[str, Float[Array, " O"]],
) -> dict[str, Float[Array, " O"]]:
    """Return the parts to first order, with the total that they make.

    Parameters
    ----------
    before, after
        The economies.
    skill_mean
        s̄ around which the exact decomposition splits, (K,).
    exact
        The exact decomposition, of which the other parts are taken.

    Returns
    -------
    dict
        ``selection_first_order``, ``resorting_first_order`` and ``log_wage_change_first_order``,
        (O,), log-wage units; ``first_order_error``, (O,), what the last lacks to the exact change;
        and ``first_order_residual``, the largest distance from the equation for skills at which a
        search ended, in sds of skills: at most `SOLVED` where they were found.
    """
    old, old_share, scale, residual = typical_skills(before)
    new, new_share, _, new_residual = typical_skills(after)
    weights, new_weights = before.world.technology.task_weights, after.world.technology.task_weights
    selection = ((new_weights - weights) * (old - skill_mean)).sum(1)
    shock = jnp.zeros_like(selection)
    if before.shock == "occupation":
        shock = before.world.wage_shock_scale**2 / scale * (old_share - new_share)
    resorting = (new_weights * (new - old)).sum(1) + shock - exact["skill_change"]
    error = (exact["selection"] - selection) + (exact["resorting"] - resorting)
    return {
        "selection_first_order": selection,
        "resorting_first_order": resorting,
        "log_wage_change_first_order": exact["log_wage_change"] - error,
        "first_order_error": error,
        "first_order_residual": jnp.maximum(residual, new_residual),
    }


def warn_if_apart(residual: NDArray[np.float64], *, where: str) -> None:
    """Warn where the skills that the approximation is around were not found.

    Parameters
    ----------
    residual
        ``first_order_residual`` of each draw.
    where
        The scenario, for the message.

    Warns
    -----
    FirstOrderApart
        With the number of draws.
    """
    apart = ~(residual <= SOLVED)
    if apart.any():
        warnings.warn(
            f"{where}: In {apart.sum()} of {apart.size} draws the search for the skills that are "
            "most likely in an occupation ended off its equation, by up to "
            f"{np.max(residual):.2g} sds. The decomposition to first order is not to be read "
            "there; the exact one does not depend on it.",
            FirstOrderApart,
            stacklevel=2,
        )


def typical_skills(
    economy: Economy,
) -> tuple[Float[Array, "O K"], Float[Array, " O"], Float[Array, ""], Float[Array, ""]]:
    """Return s̄_{|o}, the probability h_o(s̄_{|o}) of choosing o with it, and the logit's scale.

    The last number is the largest distance from the equation at which a search ended, in sds.

    Parameters
    ----------
    economy
        The world whose workers' skills are summed up by their mean and covariance.
    """
    world = economy.world
    variance = world.taste_scale**2
    if economy.shock == "occupation":
        variance = variance + 6 / jnp.pi**2 * world.wage_shock_scale**2
    scale = jnp.sqrt(variance)
    mean = world.skill.mean(0)
    centred = world.skill - mean
    spread, axes = jnp.linalg.eigh(centred.T @ centred / len(centred))
    root = axes * jnp.sqrt(jnp.maximum(spread, 0.0))  # Σ = root·rootᵀ
    level = (world.potential.mean(0) + world.amenity) / scale
    slope = world.technology.task_weights @ root / scale
    z, share, off = jax.vmap(lambda o: _most_likely(o, level, slope))(jnp.arange(len(level)))
    return mean + z @ root.T, share, scale, off.max()


def _most_likely(
    occupation: Array, level: Float[Array, " O"], slope: Float[Array, "O K"]
) -> tuple[Float[Array, " K"], Float[Array, ""], Float[Array, ""]]:
    """Maximise −|z|²/2 + log h_o(z), h = softmax(level + slope·z), which is concave, by Newton."""

    def at(z: Array) -> tuple[Array, Array]:
        share = jax.nn.softmax(level + slope @ z)
        return share, slope[occupation] - share @ slope - z

    def going(state: tuple[Array, Array]) -> Array:
        count, z = state
        return (count < _ITERATIONS) & (jnp.abs(at(z)[1]).max() > _TOLERANCE)

    def improve(state: tuple[Array, Array]) -> tuple[Array, Array]:
        count, z = state
        share, gradient = at(z)
        centred = slope - share @ slope
        hessian = jnp.eye(len(z)) + (centred * share[:, None]).T @ centred
        step = jax.scipy.linalg.solve(hessian, gradient, assume_a="pos")
        decrement = jnp.sqrt(gradient @ step)
        # Full steps near the maximum, shorter ones where the quadratic may mislead.
        return count + 1, z + step / jnp.where(decrement > 0.25, 1 + decrement, 1.0)

    start = (jnp.zeros((), int), jnp.zeros(slope.shape[1], slope.dtype))
    _, z = jax.lax.while_loop(going, improve, start)
    share, gradient = at(z)
    return z, share[occupation], jnp.abs(gradient).max()
