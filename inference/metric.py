"""The shape of the posterior of θ near a point: what the sampler's mass matrix starts from."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree
from jaxtyping import Float

_STEP = 1e-3
# No direction is believed to be wider than this, in unconstrained units.
_WIDEST = 10.0


def covariance_near(
    potential: Callable[[dict[str, Array]], Array],
    point: dict[str, Array],
    sites: tuple[str, ...],
    widest: float | Float[Array, " D"] = _WIDEST,
) -> Float[Array, "D D"]:
    """Return the inverse Hessian of a potential in some sites, the others held.

    The Hessian is that of finite differences of the gradient: integrating skills out fixes the
    first derivatives of its parts, not the second. A direction in which the potential is flat gets
    the widest scale believed, and one in which it bends down, off the mode, that of one in which it
    bends up as much (Dauphin et al. 2014): it is as far from flat.

    Parameters
    ----------
    potential
        Minus the log density of unconstrained sites.
    point
        Where.
    sites
        The sites, in the order of the matrix's rows.
    widest
        Largest sd believed, in unconstrained units; of all coordinates or of each.
    """
    # Raveled one by one: a dictionary would be raveled in the order of its names.
    flat, unravel = ravel_pytree([point[name] for name in sites])

    @jax.jit
    def hessian(point: dict[str, Array], flat: Array) -> Array:
        def gradient(x: Array) -> Array:
            def of(x: Array) -> Array:
                return potential({**point, **dict(zip(sites, unravel(x), strict=True))})

            return jax.grad(of)(x)

        def column(direction: Array) -> Array:
            step = _STEP * direction
            # One after the other: one gradient is compiled, not two.
            up, down = jax.lax.map(gradient, jnp.stack([flat + step, flat - step]))
            return (up - down) / (2 * _STEP)

        return jax.lax.map(column, jnp.eye(len(flat), dtype=flat.dtype))

    found = hessian(point, flat)
    unit = jnp.broadcast_to(jnp.asarray(widest, flat.dtype), flat.shape)
    value, vector = jnp.linalg.eigh(0.5 * (found + found.T) * jnp.outer(unit, unit))
    wide = unit[:, None] * vector
    return (wide / jnp.maximum(jnp.abs(value), 1.0)) @ wide.T
