"""What scenarios mean in a study: which of its tasks they touch, and whether they are possible."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskroy.errors import ModelError
from taskroy.models.automation import Automation
from taskroy.models.learning import Learning
from taskroy.models.scenario import Scenario, steps_of

_LABOUR_LEFT = 1e-9


class NothingChanges(UserWarning):
    """A scenario, or a step of one, that changes nothing."""


def expand(
    scenarios: Iterable[Automation | Scenario], exposure: pd.DataFrame
) -> list[Automation | Scenario]:
    """Replace scenarios that automate each of several tasks by one scenario a task.

    Parameters
    ----------
    scenarios
        Scenarios.
    exposure
        Labels of each task: one row a task (its title is the index), one column a label.

    Returns
    -------
    list
        In order; the name of the task follows that of the scenario it comes from.

    Raises
    ------
    ModelError
        As `check_scenario` does.
    """
    return [one for scenario in scenarios for one in _expanded(scenario, exposure)]


def _expanded(scenario: Automation | Scenario, exposure: pd.DataFrame) -> list[Any]:
    for place, step in enumerate(steps_of(scenario)):
        if not (isinstance(step, Automation) and step.each):
            continue
        acted_on = step.shares(exposure, where=f"scenario '{scenario.name}'") > 0
        found: list[Any] = []
        for task in map(str, exposure.index[acted_on]):
            name = f"{scenario.name}: {task}"
            one = step.model_copy(update={"each": False, "tasks": (task,), "above": None})
            if isinstance(scenario, Scenario):
                steps = (*scenario.step[:place], one, *scenario.step[place + 1 :])
                renamed = {"name": name, "step": steps}
                alone: Automation | Scenario = scenario.model_copy(update=renamed)
            else:
                alone = one.model_copy(update={"name": name})
            found += _expanded(alone, exposure)
        return found
    return [scenario]


def shares_of(scenario: Automation | Scenario, exposure: pd.DataFrame) -> NDArray[np.float64]:
    """Return the share of each task that each step acts on, (steps, K).

    Raises
    ------
    ModelError
        As `taskroy.models.step.OfTasks.shares` does.
    """
    where = f"scenario '{scenario.name}'"
    return np.stack([step.shares(exposure, where=where) for step in steps_of(scenario)])


def automated_shares(
    scenario: Automation | Scenario, exposure: pd.DataFrame
) -> NDArray[np.float64]:
    """Return the share of each task that machines have after all steps, (K,).

    What is automated twice, by φ and then φ' of the rest, is automated by 1 − (1 − φ)(1 − φ').
    """
    kept = np.ones(len(exposure))
    moved = np.zeros(len(exposure))
    for step, share in zip(steps_of(scenario), shares_of(scenario, exposure), strict=True):
        if isinstance(step, Automation):
            moved, kept = moved + kept * share, kept * (1 - share)
    return moved


def check_scenario(
    scenario: Automation | Scenario,
    exposure: pd.DataFrame,
    task_weights: NDArray[np.float64],
    titles: Iterable[str],
    *,
    experience: bool = False,
) -> None:
    """Check a scenario against a study's tasks and occupations.

    Parameters
    ----------
    scenario
        Already expanded.
    exposure
        Labels of each task.
    task_weights
        A_oτ, (O, K).
    titles
        Of the occupations.
    experience
        Whether experience pays in the model before the scenario.

    Raises
    ------
    ModelError
        For an unknown task or label, an exposure outside [0, 1], an automation that moves nothing,
        or an occupation left without labour.

    Warns
    -----
    NothingChanges
        If no step does anything, or one of several does not, whatever the draw.
    """
    where, steps = f"scenario '{scenario.name}'", steps_of(scenario)
    idle = _idle_steps(scenario, exposure, task_weights, experience=experience)
    told = [f"step {place + 1}, {steps[place].kind}: {why}" for place, why in idle.items()]
    if len(idle) == sum(not step.answers for step in steps):
        told = ["; ".join(["None of its steps changes anything to which others answer", *told])]
    for sentence in told:
        warnings.warn(f"{where}: {sentence}.", NothingChanges, stacklevel=2)
    left = task_weights @ (1 - automated_shares(scenario, exposure))
    if (left <= _LABOUR_LEFT).any():
        raise ModelError(
            f"Automation leaves '{list(titles)[int(left.argmin())]}' without labour, so it has no "
            "wage.",
            where=where,
            expected="some weight on tasks that stay with workers in every occupation",
            remedy="automate a share below one, or fewer tasks",
        )


def _idle_steps(
    scenario: Automation | Scenario,
    exposure: pd.DataFrame,
    task_weights: NDArray[np.float64],
    *,
    experience: bool,
) -> dict[int, str]:
    """Return places of steps that change nothing by themselves, and why."""
    kept, found = np.ones(len(exposure)), {}
    for place, (step, share) in enumerate(
        zip(steps_of(scenario), shares_of(scenario, exposure), strict=True)
    ):
        why = step.idle(share, task_weights, task_weights * kept, experience=experience)
        if why is not None:
            found[place] = why
        if isinstance(step, Automation):
            kept = kept * (1 - share)
        experience |= isinstance(step, Learning) and step.returns > 0
    return found
