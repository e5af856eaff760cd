"""Each worker's expansion as what all workers share and a few directions of his own.

Whitening needs the square root of a K × K precision for every worker and every gradient. With many
tasks that, and its derivative, take several times as long as all else. A worker's curvature is
therefore replaced by one that is shared and R directions of his own:

    M_i ≈ S + R_iᵀR_i,   I + LᵀM_iL = T·(I + B_iᵀB_i)·Tᵀ,   TTᵀ = I + LᵀSL,   B_i = R_i·L·T⁻ᵀ,

so that one K × K root serves all workers, and R × R ones the rest (Andrews 1968, for the square
root of a low-rank update; model.md, section 4). The density that is sampled stays the model's: the
map is affine and its Jacobian exact. What is approximated is only how white it makes skills, and S
is such that the error is zero in the mean over workers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular
from jaxtyping import Float

from taskroy.inference.seen import Seen
from taskroy.inference.skill_posterior import ChoiceExpansion, wage_slope
from taskroy.inference.small_matrices import cholesky, solve_lower
from taskroy.inference.theta import Theta

# Directions of a worker's own. With sixteen of 37, what is left of the curvature is a twentieth of
# the precision for half of 1,000 workers of the NLSY97, and a sixth or less for nine in ten.
_RANK = 16
# Of fewer tasks, K × K roots are as cheap.
_FEWEST_TASKS = 24
_ROUNDS = 4


class LowRankExpansion(NamedTuple):
    """Expansion of wages and choices of each worker around his skills at the pilot.

    Its curvature in s is (S + R_iᵀR_i)/ϱ²; S is ``shared`` and R_i are ``own``. ``slope`` and
    ``cross`` are of the choice factor, as in :class:`ChoiceExpansion` but at the pilot's skills;
    ``offset`` is what the wage factors' slope at mean skills lacks there, times ϱ².
    """

    slope: Float[Array, "N K"]
    cross: Float[Array, "N K O"]
    offset: Float[Array, "N K"]
    own: Float[Array, "N R K"]
    shared: Float[Array, "K K"]

    def map_workers(self, change: Callable[[Array], Array]) -> Self:
        """Return the same with every array whose leading axis is workers changed."""
        own = {k: change(v) for k, v in self._asdict().items() if k != "shared"}
        return self._replace(**own)

    def gaussian(self, theta: Theta, seen: Seen) -> LowRankGaussian:
        """Return the exact posterior of skills had the log likelihood been this expansion."""
        tril, scale = theta.skill_scale_tril, theta.wage_shock_scale
        unit = jnp.eye(len(tril))
        root = jnp.linalg.cholesky(tril.T @ self.shared @ tril / scale**2 + unit)
        inverse = solve_triangular(root, unit, lower=True)
        own = self.own @ (tril @ inverse.T / scale)
        slope = (
            wage_slope(theta, seen)
            + self.offset / scale**2
            + self.slope
            - self.cross @ (theta.mean_potential + theta.amenity)
        )
        factor = cholesky(own @ own.mT + jnp.eye(own.shape[1]))
        return LowRankGaussian(slope @ (tril @ inverse.T), inverse, own, factor)


class LowRankGaussian(NamedTuple):
    """Gaussians of standardised skills e with precisions T(I + B_iᵀB_i)Tᵀ.

    ``pull`` is T⁻¹ times the precision times the mean; ``inverse`` is T⁻¹, ``own`` B_i, and
    ``factor`` the Cholesky factor of I + B_iB_iᵀ.
    """

    pull: Float[Array, "N K"]
    inverse: Float[Array, "K K"]
    own: Float[Array, "N R K"]
    factor: Float[Array, "N R R"]

    def at(self, z: Float[Array, "N K"]) -> Float[Array, "N K"]:
        """Return skills that are `z` in whitened units."""
        unit = jnp.eye(self.factor.shape[-1])
        seen = self.own @ jnp.stack([self.pull, z], axis=-1)
        mean = solve_lower(self.factor, seen[..., 0])
        spread = solve_lower(self.factor + unit, seen[..., 1])
        back = solve_lower(self.factor, mean + spread, transpose=True)
        return (self.pull + z - (back[:, None] @ self.own)[:, 0]) @ self.inverse

    @property
    def log_volume(self) -> Float[Array, " N"]:
        """Half the log determinant of the precisions, as of a dense Gaussian."""
        own = jnp.log(jnp.diagonal(self.factor, axis1=-2, axis2=-1)).sum(-1)
        return own - jnp.log(jnp.diagonal(self.inverse)).sum()


def low_rank(
    expansion: ChoiceExpansion,
    seen: Seen,
    skills: Float[Array, "N K"],
    skill_scale_tril: Float[Array, "K K"],
    wage_shock_scale: Float[Array, ""],
) -> LowRankExpansion | None:
    """Return an expansion of wages and choices in the form above, or None of so few tasks.

    Parameters
    ----------
    expansion
        Of the choice factor, around `skills`.
    seen
        Of whom.
    skills
        Standardised, of each worker.
    skill_scale_tril, wage_shock_scale
        L and ϱ there: what a direction is worth is measured in their units.

    Returns
    -------
    LowRankExpansion or None
        None where K × K roots are as cheap.
    """
    if skills.shape[1] < _FEWEST_TASKS:
        return None
    return _low_rank(expansion, seen, skills, skill_scale_tril, wage_shock_scale)


@jax.jit
def _low_rank(
    expansion: ChoiceExpansion, seen: Seen, skills: Array, tril: Array, scale: Array
) -> LowRankExpansion:
    deviation = skills @ tril.T
    curvature = seen.gram + scale**2 * expansion.curvature
    # In e, where curvature is to be compared with the identity of the prior.
    shared, own = _shared_and_own(tril.T @ curvature @ tril / scale**2)
    unit = jnp.eye(len(tril))
    back = scale * solve_triangular(tril, unit, lower=True)
    shared, own = back.T @ shared @ back, own @ back
    pulled = (own @ deviation[..., None]).mT @ own
    drawn = (expansion.curvature @ deviation[..., None])[..., 0]
    return LowRankExpansion(
        slope=expansion.slope - drawn,
        cross=expansion.cross,
        offset=deviation @ shared + pulled[:, 0] - (seen.gram @ deviation[..., None])[..., 0],
        own=own,
        shared=shared,
    )


def _shared_and_own(
    curvature: Float[Array, "N K K"],
) -> tuple[Float[Array, "K K"], Float[Array, "N R K"]]:
    """Split positive semidefinite matrices into S + R_iᵀR_i, taking turns; exact in the mean."""

    def largest(rest: Array) -> Array:
        value, vector = jnp.linalg.eigh(rest)
        some = jnp.sqrt(jnp.maximum(value[:, -_RANK:], 0.0))
        return some[..., None] * vector[..., -_RANK:].mT

    def turn(_: int, found: tuple[Array, Array]) -> tuple[Array, Array]:
        own = largest(curvature - found[0])
        rest = (curvature - own.mT @ own).mean(0)
        value, vector = jnp.linalg.eigh(0.5 * (rest + rest.T))
        return (vector * jnp.maximum(value, 0.0)) @ vector.T, own

    nothing = jnp.zeros_like(curvature[0]), jnp.zeros_like(curvature[:, :_RANK])
    found: tuple[Array, Array] = jax.lax.fori_loop(0, _ROUNDS, turn, nothing)
    return found
