"""Automation: tasks move from workers to machines."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array
from numpy.typing import NDArray
from pydantic import Field, model_validator

from taskroy.models.machine_productivity import marginal, quantile, threshold
from taskroy.models.step import OfTasks, Told, refusal
from taskroy.models.world import Economy, World


class Automation(OfTasks):
    """Tasks, or shares of tasks, move from workers to machines; a scenario by itself, or a step.

    With neither `tasks` nor `above`, every task is automated in part: the share of it that the
    exposure labels call exposed. What it does to technology and wages is
    :meth:`taskroy.models.technology.Technology.automate`; the rules for the productivity of
    machines are in :mod:`taskroy.models.machine_productivity`.
    """

    _verb: ClassVar[str] = "automates"

    kind: Literal["automation"] = "automation"
    name: Annotated[
        str, Field(min_length=1, max_length=80, description="What the scenario is called.")
    ] = "exposed shares of tasks automated"
    each: Annotated[
        bool,
        Field(
            description="One task at a time, in whole: a scenario for each of the tasks named, of "
            "those above the cut, or of all."
        ),
    ] = False
    productivity: Annotated[
        Literal["threshold", "marginal", "quantile"] | float,
        Field(
            description="z − log r of the machines, in log-wage units; 'threshold' is where the "
            "mean incumbent is indifferent, 'marginal' where no occupation's is worse off, "
            "'quantile' where a share of the incumbents gains from each task alone."
        ),
    ] = "threshold"
    quantile: Annotated[
        float | None,
        Field(gt=0, lt=1, description="Share of incumbents who gain, with 'quantile'."),
    ] = None

    @model_validator(mode="after")
    def _quantile_where_it_is_used(self) -> Self:
        if (self.productivity == "quantile") != (self.quantile is not None):
            raise refusal(
                "A quantile and the rule that uses it go together.",
                expected="productivity = 'quantile' and a quantile between 0 and 1, or neither",
            )
        return self

    def shares(self, exposure: pd.DataFrame, *, where: str | None = None) -> NDArray[np.float64]:
        """Return φ_τ, the share of each task that is automated, (K,); see `OfTasks.shares`."""
        if self.each and self.tasks is None and self.above is None:
            return np.ones(len(exposure))
        return super().shares(exposure, where=where or f"scenario '{self.name}'")

    @property
    def form(self) -> Self:
        """The step without its name and the tasks that it acts on."""
        default = type(self).model_fields["name"].default
        return super().form.model_copy(update={"name": default, "each": False})

    def act(self, now: Economy, before: Economy, share: Array, nearby: Told) -> tuple[World, Told]:
        """Move the tasks; tells ``productivity_threshold``, the z_τ − log r used, (K,)."""
        world = now.world
        if self.productivity == "threshold":
            machine = threshold(now, share)
        elif self.productivity == "marginal":
            machine = marginal(now)
        elif self.quantile is not None:
            machine = quantile(now, share, self.quantile)
        else:
            machine = jnp.full(share.shape, float(self.productivity))
        # Of tasks that stay with workers the rules may know no productivity, and need none.
        used = jnp.where(share > 0, machine, 0.0)
        technology, intercept = world.technology.automate(share, used, world.intercept)
        after = world._replace(technology=technology, intercept=intercept)
        return after, {"productivity_threshold": machine}
