"""Learning: what experience in an occupation pays."""

from __future__ import annotations

from typing import Annotated, Literal

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray
from pydantic import Field

from taskroy.models.step import Step, Told
from taskroy.models.world import Economy, World


class Learning(Step):
    """Returns to experience: the occupation held the year before pays more than to a newcomer.

    V_o(1) = V_o(0) + Δ: a shift of the logit, in the world after. What is compared is the long run
    before with the long run after (Freund and Mann 2025, the amendment for persistence).
    """

    kind: Literal["learning"] = "learning"
    returns: Annotated[
        float, Field(ge=0, le=5, description="Δ in the world after, log-wage units.")
    ] = 0.1
    discount: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="β in the world after: how much it counts in a choice that the occupation "
            "pays more next year; as in the model, if not given.",
        ),
    ] = None

    def act(self, now: Economy, before: Economy, share: Array, nearby: Told) -> tuple[World, Told]:
        """Set Δ and β; tells nothing more."""
        world = now.world
        if self.returns == 0 and world.experience_return is None:
            return world, {}
        discount = world.discount if self.discount is None else self.discount
        gain = jnp.asarray(self.returns)
        return world._replace(experience_return=gain, discount=discount), {}

    def idle(
        self,
        share: NDArray[np.float64],
        weights: NDArray[np.float64],
        left: NDArray[np.float64],
        *,
        experience: bool,
    ) -> str | None:
        """Return why the step changes nothing; see `Step.idle`."""
        if self.returns == 0 and not experience:
            return "experience pays nothing, before it or after"
        return None
