"""Technology: how an occupation turns tasks into output, and what automation does to it.

Production is Cobb–Douglas over labour tasks, done by the worker, and one composite machine task
(model.md, section 1; Freund and Mann 2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import ArrayLike, Float

from taskroy.errors import ModelError


@partial(jax.tree_util.register_dataclass, data_fields=("alpha", "labor_share"), meta_fields=())
@dataclass(frozen=True)
class Technology:
    """Cobb–Douglas weights of each occupation.

    Attributes
    ----------
    alpha
        α_oτ, weight of each labour task, (O, K). The remaining weight 1 − LS_o of an occupation
        is that of its machines.
    labor_share
        LS_o = Σ_τ α_oτ, (O,), in (0, 1].

    Raises
    ------
    ModelError
        Where α has a negative weight, or its rows do not sum to the labour share.
    """

    alpha: Float[ArrayLike, "O K"]
    labor_share: Float[ArrayLike, " O"]

    def __post_init__(self) -> None:
        if not all(isinstance(x, np.ndarray | jax.Array) for x in (self.alpha, self.labor_share)):
            return  # a placeholder of a JAX transformation
        if any(isinstance(x, jax.core.Tracer) for x in (self.alpha, self.labor_share)):
            return
        alpha, share = np.asarray(self.alpha), np.asarray(self.labor_share)
        if alpha.ndim != 2 or share.shape != alpha.shape[:1]:
            raise ModelError(
                f"alpha has shape {alpha.shape} and labor_share {share.shape}.",
                expected="(occupations, tasks) and (occupations,)",
            )
        wrong = ~(np.isfinite(alpha).all(1) & (alpha >= 0).all(1) & (share > 0) & (share <= 1))
        wrong |= np.abs(alpha.sum(1) - share) > 1e-6
        if wrong.any():
            o = int(np.flatnonzero(wrong)[0])
            raise ModelError(
                f"Task weights sum to {alpha[o].sum():.6g}, the labour share is {share[o]:.6g}.",
                where=f"occupation {o}",
                expected="weights of labour tasks, none negative, that sum to a share in (0, 1]; "
                "the rest is the machines'",
            )

    @classmethod
    def from_task_weights(
        cls, task_weights: Float[ArrayLike, "O K"], labor_share: Float[ArrayLike, " O"]
    ) -> Technology:
        """Build the technology from relative weights A_oτ (rows sum to one) and labour shares."""
        share = jnp.asarray(labor_share)
        return cls(jnp.asarray(task_weights) * share[:, None], share)

    @property
    def task_weights(self) -> Float[Array, "O K"]:
        """A_oτ = α_oτ/LS_o, relative weight of each labour task; rows sum to one."""
        return jnp.asarray(self.alpha) / jnp.asarray(self.labor_share)[:, None]

    @property
    def intercept(self) -> Float[Array, " O"]:
        """μ_o where the machines are one composite task with z = log r, in log-wage units, (O,).

        μ_o = Σ_τ (α_oτ/LS_o)·log α_oτ over labour tasks and the composite machine task.
        """
        machines = 1 - jnp.asarray(self.labor_share)
        entropy = _xlogx(jnp.asarray(self.alpha)).sum(1) + _xlogx(machines)
        return entropy / jnp.asarray(self.labor_share)

    def automate(
        self,
        share: Float[ArrayLike, " K"],
        productivity: Float[ArrayLike, " K"],
        intercept: Float[ArrayLike, " O"],
    ) -> tuple[Technology, Float[Array, " O"]]:
        """Move a share of each task from labour to machines.

        Parameters
        ----------
        share
            φ_τ in [0, 1], (K,); 1 automates the task, 0 leaves it. A task that is automated in
            part is two tasks done with one skill, of which one moves; the intercept before is
            that of the split technology.
        productivity
            z_τ − log r of the machines that do the task, (K,); log-wage units.
        intercept
            μ_o before, (O,).

        Returns
        -------
        technology
            With A'_oτ = (1 − φ_τ)α_oτ/LS'_o and LS'_o = LS_o − Σ_τ φ_τ α_oτ.
        intercept
            μ'_o = (LS_o/LS'_o)·μ_o + Σ_τ (φ_τ α_oτ/LS'_o)(z_τ − log r).

        Raises
        ------
        ModelError
            Where shapes disagree, a share is outside [0, 1], or an occupation is left without
            labour.
        """
        occupations, tasks = jnp.shape(self.alpha)
        shapes = (jnp.shape(share), jnp.shape(productivity), jnp.shape(intercept))
        if shapes != ((tasks,), (tasks,), (occupations,)):
            raise ModelError(
                f"Shares, productivities and intercepts have shapes {shapes}.",
                expected=f"({tasks},), ({tasks},) and ({occupations},)",
            )
        phi = jnp.asarray(share)
        moved = jnp.asarray(self.alpha) * phi
        kept = jnp.asarray(self.labor_share) - moved.sum(1)
        _check_shares(share, kept)
        after = Technology(jnp.asarray(self.alpha) - moved, kept)
        # Written as a change, so that moving nothing changes nothing, to the last bit.
        mu = jnp.asarray(intercept)
        change = (moved @ jnp.asarray(productivity) + moved.sum(1) * mu) / kept
        return after, mu + change


def _check_shares(share: ArrayLike, kept: Array) -> None:
    """Check concrete values; inside a JAX transformation there is nothing to look at."""
    if not isinstance(share, jax.core.Tracer):
        phi = np.asarray(share)
        if not ((phi >= 0) & (phi <= 1)).all():
            raise ModelError(f"The automated shares are {phi}.", expected="shares in [0, 1]")
    if not isinstance(kept, jax.core.Tracer) and (np.asarray(kept) <= 1e-9).any():
        raise ModelError(
            "Automation leaves this occupation without labour, so it has no wage.",
            where=f"occupation {int(np.asarray(kept).argmin())}",
            expected="some weight on tasks that stay with workers",
            remedy="automate a share below one, or fewer tasks",
        )


def _xlogx(x: Array) -> Array:
    positive = x > 0
    return jnp.where(positive, x * jnp.log(jnp.where(positive, x, 1.0)), 0.0)
