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
    widest: float = _WIDEST,
) -> Float[Array, "D D"]:
    """Return the inverse Hessian of a potential in some sites, the others held.

    The Hessian is that of finite differences of the gradient: integrating skills out fixes the
    first derivatives of its parts, not the second. Directions in which the potential is flat or
    bends down get the widest scale believed.

    Parameters
    ----------
    potential
        Minus the log density of unconstrained sites.
    point
        Where.
    sites
        The sites, in the order of the matrix's rows.
    widest
        Largest sd believed, in unconstrained units.
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
    value, vector = jnp.linalg.eigh(0.5 * (found + found.T))
    scale = jnp.maximum(value, widest**-2)
    return (vector / scale) @ vector.T
