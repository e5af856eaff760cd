"""taskroy: who wins and who loses when machines take over tasks, and how sure we are.

The public names below are loaded when they are first used, so that ``import taskroy`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskroy.data.load import load_panel
    from taskroy.data.simulate import simulate_panel
    from taskroy.data.task_weights import task_weights
    from taskroy.inference.settings import InferenceSettings
    from taskroy.models.scenario import (
        Augmentation,
        Automation,
        Bargaining,
        Learning,
        Prices,
        Scenario,
        Simplification,
    )
    from taskroy.models.settings import ModelSettings
    from taskroy.posteriors.checks import check
    from taskroy.posteriors.counterfactual import counterfactual
    from taskroy.posteriors.fit import fit
    from taskroy.posteriors.report import write_report as report
    from taskroy.posteriors.scenario_differences import scenario_differences
    from taskroy.posteriors.store import open_posterior, save_posterior
    from taskroy.study import Study

    __version__: str

__all__ = [
    "Augmentation",
    "Automation",
    "Bargaining",
    "InferenceSettings",
    "Learning",
    "ModelSettings",
    "Prices",
    "Scenario",
    "Simplification",
    "Study",
    "__version__",
    "check",
    "counterfactual",
    "fit",
    "load_panel",
    "open_posterior",
    "report",
    "save_posterior",
    "scenario_differences",
    "simulate_panel",
    "task_weights",
]

_HOMES = {
    "Augmentation": "taskroy.models.scenario",
    "Automation": "taskroy.models.scenario",
    "Bargaining": "taskroy.models.scenario",
    "InferenceSettings": "taskroy.inference.settings",
    "Learning": "taskroy.models.scenario",
    "ModelSettings": "taskroy.models.settings",
    "Prices": "taskroy.models.scenario",
    "Scenario": "taskroy.models.scenario",
    "Simplification": "taskroy.models.scenario",
    "Study": "taskroy.study",
    "check": "taskroy.posteriors.checks",
    "counterfactual": "taskroy.posteriors.counterfactual",
    "fit": "taskroy.posteriors.fit",
    "load_panel": "taskroy.data.load",
    "open_posterior": "taskroy.posteriors.store",
    "report": "taskroy.posteriors.report",
    "save_posterior": "taskroy.posteriors.store",
    "scenario_differences": "taskroy.posteriors.scenario_differences",
    "simulate_panel": "taskroy.data.simulate",
    "task_weights": "taskroy.data.task_weights",
}
_OTHER_NAMES = {"report": "write_report"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("taskroy")
    if name not in _HOMES:
        raise AttributeError(f"module 'taskroy' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), _OTHER_NAMES.get(name, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
