"""Nodes that cover where the best of a worker's utilities may lie, and its mean.

The best is below −νx with probability e^{G(x)}, G as in :mod:`taskroy.models.choice_outcomes`, and
with it fall all integrals over that distribution. It goes from nothing to everything within a range
that depends on ϱ/ν only, once −x is counted from the largest y.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.psi_table import support

# How far left of the largest y's −y the normal variable lies that the mean is compared with.
_CENTRE = 8.0


class BestNodes(NamedTuple):
    """Nodes x = right − back: `right` of each worker, `back` and the spacing `step` of all.

    Left of the nodes ψ of the worker's largest y is nil; right of them nobody's best is so bad.
    """

    right: Float[Array, "*N"]
    back: Float[Array, " Q"]
    step: Float[Array, ""]
    centre: Float[Array, "*N"]
    deviation: Float[Array, ""]

    @classmethod
    def cover(
        cls,
        largest: Float[Array, "*N"],
        ratio: Float[Array, ""],
        number: int,
        further: Float[Array, ""] | float = 0.0,
    ) -> BestNodes:
        """Place nodes.

        Parameters
        ----------
        largest
            The largest y of each worker; the nodes do not follow it in derivatives.
        ratio
            ϱ/ν.
        number
            Q, of nodes.
        further
            How much further left to begin.
        """
        largest = jax.lax.stop_gradient(largest)
        start, end = support(ratio, -30.0)
        step = (end - start + further) / (number - 1)
        back = step * jnp.arange(number - 1, -1, -1, dtype=largest.dtype)
        deviation = jnp.sqrt(np.pi**2 / 6 + ratio**2)
        return cls(end - largest, back, step, -largest - _CENTRE, deviation)

    def mean(self, below: Float[Array, "*N"]) -> Float[Array, "*N"]:
        """Return the mean of the best, in units of ν.

        It differs from that of a normal variable by an integral of the difference of their
        distributions, which is nil at both ends and smooth: the trapezoid rule converges
        exponentially. Where the normal lies does not matter, as long as the nodes cover it.

        Parameters
        ----------
        below
            The integral of e^{G(x)} over the nodes.
        """
        x = self.right[..., None] - self.back
        normal = jax.scipy.special.ndtr((self.centre[..., None] - x) / self.deviation)
        return self.step * normal.sum(-1) - below - self.centre
