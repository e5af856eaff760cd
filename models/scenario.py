"""Scenarios: which tasks machines take over, and how well they do them."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from taskroy.errors import ModelError


class Automation(BaseModel):
    """Tasks, or shares of tasks, move from workers to machines.

    With neither `tasks` nor `above`, every task is automated in part: the share of it that the
    exposure labels call exposed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Annotated[
        str, Field(min_length=1, max_length=80, description="What the scenario is called.")
    ] = "exposed shares of tasks automated"
    tasks: Annotated[
        tuple[str, ...] | None, Field(description="Titles of tasks to automate in whole.")
    ] = None
    exposure: Annotated[
        str, Field(description="Column of exposure labels, such as human_beta or gpt4_beta.")
    ] = "human_beta"
    above: Annotated[
        float | None,
        Field(ge=0, le=1, description="Automate in whole the tasks whose exposure is above this."),
    ] = None
    productivity: Annotated[
        Literal["threshold"] | float,
        Field(
            description="z − log r of the machines, in log-wage units; 'threshold' is where the "
            "mean incumbent is indifferent."
        ),
    ] = "threshold"

    def shares(self, exposure: pd.DataFrame) -> NDArray[np.float64]:
        """Return φ_τ, the share of each task that is automated, (K,), in [0, 1].

        Parameters
        ----------
        exposure
            Labels of each task: one row a task (its title is the index), one column a label.

        Raises
        ------
        ModelError
            For an unknown task or label, an exposure outside [0, 1], a scenario that automates
            nothing or that gives both tasks and a cut.
        """
        where = f"scenario '{self.name}'"
        if self.tasks is not None:
            if self.above is not None:
                raise ModelError(
                    "It names tasks and also gives a cut of exposure.",
                    where=where,
                    expected="either 'tasks' or 'above'",
                )
            unknown = [task for task in self.tasks if task not in exposure.index]
            if unknown:
                raise ModelError(
                    f"It automates '{unknown[0]}', which is no task of this study.",
                    where=where,
                    expected="one of " + ", ".join(map(str, exposure.index)),
                )
            share = np.asarray(exposure.index.isin(self.tasks), dtype=float)
        else:
            if self.exposure not in exposure.columns:
                raise ModelError(
                    f"There is no exposure label '{self.exposure}'.",
                    where=where,
                    expected="one of " + ", ".join(map(str, exposure.columns)),
                )
            label = exposure[self.exposure].to_numpy(dtype=float)
            outside = ~((label >= 0) & (label <= 1))
            if outside.any():
                raise ModelError(
                    f"The exposure of '{exposure.index[outside][0]}' is {label[outside][0]}.",
                    where=where,
                    expected="a number between 0 and 1",
                )
            share = label if self.above is None else (label > self.above).astype(float)
        if not share.any():
            raise ModelError(
                "It automates nothing.",
                where=where,
                expected="at least one task with a positive automated share",
                remedy="name a task, or lower the cut",
            )
        return share
