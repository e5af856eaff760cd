"""Steps that could have changed something and did not, in any draw of the posterior."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from taskroy.models.scenario import Automation, Bargaining, Scenario, Simplification, steps_of
from taskroy.models.scenario_tasks import NothingChanges


def warn_of_idle_steps(
    scenario: Automation | Scenario, effects: Mapping[str, NDArray[np.float64]]
) -> None:
    """Warn of steps without effect that only the draws could tell.

    What changes nothing whatever the draw, :func:`taskroy.models.scenario_tasks.check_scenario`
    knows before.

    Parameters
    ----------
    scenario
        Checked.
    effects
        Its effects, draw by draw.

    Warns
    -----
    NothingChanges
        If nobody is below what a simplification requires, or no job gains what bargaining shares.
    """
    steps, where = steps_of(scenario), f"scenario '{scenario.name}'"
    skills = bool(effects["skill_change"].any())
    simplifies = any(isinstance(step, Simplification) and step.strength > 0 for step in steps)
    if simplifies and not skills:
        warnings.warn(
            f"{where}: Nobody's skill is below what its simplification requires in any draw, so "
            "skills stay as they are.",
            NothingChanges,
            stacklevel=3,
        )
    shares = any(
        isinstance(step, Bargaining) and (step.share < 1 or step.elasticity > 0) for step in steps
    )
    something = skills or bool(effects["productivity"].any())
    if shares and something and not effects["bargaining"].any():
        warnings.warn(
            f"{where}: Nobody's job gains in any draw, so there is nothing that bargaining shares.",
            NothingChanges,
            stacklevel=3,
        )
