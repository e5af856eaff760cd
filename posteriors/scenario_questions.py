"""What a posterior's draws have in common and what a scenario asks of them, as plain values.

Nothing in them is compiled or tied to a device, so they can be sent to another process and hashed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from taskroy.models.scenario import AnyStep, Automation, Scenario, steps_of
from taskroy.models.scenario_tasks import automated_shares, shares_of
from taskroy.models.world import Shock
from taskroy.posteriors.empty_groups import weights_within
from taskroy.posteriors.skill_groups import QUARTILES, SkillGroups


@dataclass(frozen=True, eq=False)
class Question:
    """What a scenario asks of a draw.

    Attributes
    ----------
    steps
        Their form (`Step.form`).
    shares
        Share of each task that each step acts on.
    by
        Weights of tasks in the skills that workers are grouped by.
    only
        Names of the effects that are wanted; None for all. What nobody asks for is not computed.
    """

    steps: tuple[AnyStep, ...]
    shares: NDArray[np.float64]
    by: NDArray[np.float64]
    only: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Common:
    """What all draws and scenarios of a posterior have in common: plain arrays, which can be sent.

    Attributes
    ----------
    task_weights, labor_share
        Technology before a scenario.
    shock
        Whether wage shocks are by occupation or by worker.
    discount
        β, how much next year's experience counts in a choice.
    tasks
        Titles.
    worker_weight
        Of workers in groups.
    members
        Each worker's weight in each group of people that the panel names; a group's weights sum to
        one. None without groups.
    groups
        By which skills workers are grouped.
    held_shocks
        Sets of shocks; 0 for none.
    headline_weight
        How much each worker counts in headlines; None for once each.
    """

    task_weights: NDArray[np.float64]
    labor_share: NDArray[np.float64]
    shock: Shock
    discount: float
    tasks: tuple[str, ...]
    worker_weight: NDArray[np.float64]
    members: NDArray[np.float64] | None
    groups: SkillGroups
    held_shocks: int
    headline_weight: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        posterior: xr.DataTree,
        groups: SkillGroups | None = None,
        held_shocks: int = 0,
        *,
        by_weight: bool = False,
    ) -> Common:
        """Take it from a posterior.

        Raises
        ------
        ModelError
            If the panel names groups, and no worker has any weight.
        """
        constants = posterior["constant_data"].to_dataset()
        weighted, workers = "worker_weight" in constants, posterior["posterior"].sizes["worker"]
        weight = constants["worker_weight"].to_numpy() if weighted else np.ones(workers)
        model, members = posterior.attrs["model"], None
        if "member" in constants:
            members = weights_within(constants["member"].to_numpy(), weight)
        return cls(
            constants["task_weights"].to_numpy(),
            constants["labor_share"].to_numpy(),
            model["shock"],
            # Posteriors of earlier versions do not say that choices are of one year.
            model.get("discount", 0.0),
            tuple(map(str, constants["task"].to_numpy())),
            weight,
            members,
            groups or SkillGroups((), QUARTILES),
            held_shocks,
            weight if by_weight else None,
        )

    def question(
        self,
        scenario: Automation | Scenario,
        exposure: pd.DataFrame,
        only: tuple[str, ...] | None = None,
    ) -> Question:
        """Return what a scenario asks of a draw.

        Parameters
        ----------
        scenario
            Checked.
        exposure
            Labels of the tasks.
        only
            As in `Question`.
        """
        return Question(
            tuple(step.form for step in steps_of(scenario)),
            np.asarray(shares_of(scenario, exposure)),
            self.groups.weights(self.tasks, automated_shares(scenario, exposure)),
            only,
        )
