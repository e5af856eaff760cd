"""Alternatives of the question: other scenarios for the same posterior."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from taskroy.models.scenario import Automation, Bargaining, Prices, Scenario, steps_of
from taskroy.models.step import OfTasks
from taskroy.study import Study

if TYPE_CHECKING:
    from taskroy.data.task_table import TaskTable

type _Any = Automation | Scenario
type _Named = tuple[str, Study]


def _each_scenario(study: Study, change: Callable[[_Any], _Any]) -> Study:
    return study.model_copy(update={"scenario": tuple(map(change, study.scenario))})


def _each_automation(study: Study, change: Callable[[Automation], dict[str, Any]]) -> Study:
    def changed(scenario: _Any) -> _Any:
        if isinstance(scenario, Automation):
            return scenario.model_copy(update=change(scenario))
        steps = tuple(
            step.model_copy(update=change(step)) if isinstance(step, Automation) else step
            for step in scenario.step
        )
        return scenario.model_copy(update={"step": steps})

    return _each_scenario(study, changed)


def _by_exposure(step: Automation) -> bool:
    return step.tasks is None and not (step.each and step.above is None)


def _exposure(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    def labelled(step: Automation, label: str) -> dict[str, Any]:
        return {"exposure": label} if _by_exposure(step) else {}

    for label in map(str, tasks.exposure.columns):
        yield label, _each_automation(study, partial(labelled, label=label))


def _cut(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    def shares(step: Automation) -> dict[str, Any]:
        return {"above": None} if _by_exposure(step) and not step.each else {}

    def whole(step: Automation) -> dict[str, Any]:
        if step.above is not None or not _by_exposure(step) or step.exposure not in tasks.exposure:
            return {}
        return {"above": float(tasks.exposure[step.exposure].median())}

    def moved(step: Automation, by: float) -> dict[str, Any]:
        return {} if step.above is None else {"above": min(1.0, max(0.0, step.above + by))}

    yield "exposed shares of tasks", _each_automation(study, shares)
    yield "the more exposed half of tasks, in whole", _each_automation(study, whole)
    for by in (-0.1, 0.1):
        yield f"the cut {by:+.1f}", _each_automation(study, partial(moved, by=by))


def _productivity(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    def ruled(step: Automation, rule: str, quantile: float | None) -> dict[str, Any]:
        return {"productivity": rule, "quantile": quantile}

    for words, rule, quantile in (
        ("threshold", "threshold", None),
        ("marginal", "marginal", None),
        ("each task alone: 40% of incumbents gain", "quantile", 0.4),
        ("each task alone: 60% of incumbents gain", "quantile", 0.6),
    ):
        yield words, _each_automation(study, partial(ruled, rule=rule, quantile=quantile))


def _bargaining(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    yield "none", _each_scenario(study, partial(_steps, kind=Bargaining, step=None))
    for words, step in (
        ("workers receive half of gains", Bargaining(share=0.5)),
        ("less for the replaceable", Bargaining(elasticity=0.5)),
    ):
        yield words, _each_scenario(study, partial(_steps, kind=Bargaining, step=step))


def _prices(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    yield "fixed", _each_scenario(study, partial(_steps, kind=Prices, step=None))
    for elasticity in (2.0, 1.0):
        other = partial(_steps, kind=Prices, step=Prices(elasticity=elasticity))
        yield f"elasticity of substitution {elasticity:g}", _each_scenario(study, other)


def _steps(scenario: _Any, kind: type, step: Bargaining | Prices | None) -> _Any:
    """Return the scenario with its steps of a kind replaced by one, or by none."""
    steps = steps_of(scenario)
    kept = [one for one in steps if not isinstance(one, kind)]
    if step is None and len(kept) == len(steps):
        return scenario
    if isinstance(scenario, Automation):
        kept = [scenario.model_copy(update={"name": Automation.model_fields["name"].default})]
    last = [one for one in kept if isinstance(one, Prices)]
    first = [one for one in kept if not isinstance(one, Prices)]
    if isinstance(step, Bargaining) and not any(isinstance(one, OfTasks) for one in first):
        return scenario  # there is nothing to share
    changed = [*first, *([step] if step is not None else []), *last]
    return Scenario(name=scenario.name, step=tuple(changed)) if changed else scenario


#: By choice: other studies with what they chose, some of them perhaps the study itself.
OF_THE_QUESTION: dict[str, Callable[[Study, TaskTable], Iterator[_Named]]] = {
    "exposure": _exposure,
    "cut": _cut,
    "productivity": _productivity,
    "bargaining": _bargaining,
    "prices": _prices,
}
