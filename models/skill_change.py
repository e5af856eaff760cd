"""Steps that change skills: machines help workers at a task, or lower what it requires.

Both are channels of Althoff and Reichardt (2025). Neither touches technology: the task stays with
the worker, who is better at it.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray
from pydantic import Field, model_validator

from taskroy.models.step import OfTasks, Told, refusal
from taskroy.models.world import Economy, World


class Augmentation(OfTasks):
    """Everyone gets better at some tasks: s'_iτ = s_iτ + g·φ_τ.

    φ_τ is 1 for tasks in `tasks` or above the cut, and the exposure of the task without either.
    """

    _verb: ClassVar[str] = "augments"

    kind: Literal["augmentation"] = "augmentation"
    gain: Annotated[
        float, Field(description="g, added to log skills; log-wage units, may be negative.")
    ] = 0.1

    def act(self, now: Economy, before: Economy, share: Array, nearby: Told) -> tuple[World, Told]:
        """Add g·φ_τ to everyone's skill."""
        return now.world._replace(skill=now.world.skill + self.gain * share), {}

    def idle(
        self,
        share: NDArray[np.float64],
        weights: NDArray[np.float64],
        left: NDArray[np.float64],
        *,
        experience: bool,
    ) -> str | None:
        """Return why the step changes nothing; see `Step.idle`."""
        if self.gain == 0:
            return "its gain is zero"
        return super().idle(share, weights, left, experience=experience)


class Simplification(OfTasks):
    """Workers below a requirement are pulled up to it: s'_iτ = s_iτ + κ·φ_τ·max(0, c_τ − s_iτ).

    φ_τ is 1 for tasks in `tasks` or above the cut, and the exposure of the task without either.
    The requirement c_τ is a quantile of the workers' skill at the task, in each draw, or a number.
    """

    _verb: ClassVar[str] = "simplifies"

    kind: Literal["simplification"] = "simplification"
    strength: Annotated[
        float, Field(ge=0, le=1, description="κ, share of the shortfall that disappears.")
    ] = 0.5
    quantile: Annotated[
        float | None,
        Field(gt=0, lt=1, description="c as a quantile of the workers' skill at the task."),
    ] = None
    requirement: Annotated[
        float | None, Field(description="c as a number, in log-wage units; instead of 'quantile'.")
    ] = None

    @model_validator(mode="after")
    def _one_requirement(self) -> Self:
        if (self.quantile is None) == (self.requirement is None):
            raise refusal(
                "What the task requires is said "
                + ("twice." if self.quantile is not None else "nowhere."),
                expected="either 'quantile' or 'requirement'",
                remedy="give one of the two, such as quantile = 0.75",
            )
        return self

    def act(self, now: Economy, before: Economy, share: Array, nearby: Told) -> tuple[World, Told]:
        """Pull skills below the requirement up."""
        skill = now.world.skill
        required = (
            jnp.asarray(self.requirement)
            if self.quantile is None
            else jnp.quantile(skill, self.quantile, axis=0)
        )
        raised = skill + self.strength * share * jnp.maximum(0.0, required - skill)
        return now.world._replace(skill=raised), {}

    def idle(
        self,
        share: NDArray[np.float64],
        weights: NDArray[np.float64],
        left: NDArray[np.float64],
        *,
        experience: bool,
    ) -> str | None:
        """Return why the step changes nothing; see `Step.idle`."""
        if self.strength == 0:
            return "its strength is zero"
        return super().idle(share, weights, left, experience=experience)
