"""What else a study could have been: its alternatives, each different in one choice."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from taskroy.errors import ModelError
from taskroy.models.scenario import (
    Automation,
    Bargaining,
    Prices,
    Scenario,
    steps_of,
)
from taskroy.models.scenario_tasks import NothingChanges, check_scenario, expand
from taskroy.study import Study
from taskroy.study_file import toml_text

if TYPE_CHECKING:
    from taskroy.data.task_table import TaskTable

type _Any = Automation | Scenario
type _Named = tuple[str, Study]
type _Maker = Callable[[Study, TaskTable], Iterator[_Named]]

#: In words, what each choice is about.
TITLES = {
    "exposure": "Exposure label",
    "cut": "What of a task is automated",
    "productivity": "Productivity of machines",
    "bargaining": "Bargaining",
    "prices": "Occupation prices",
    "intercept": "Intercepts",
    "amenities": "Amenities",
    "state-dependence": "State dependence",
    "shock": "Wage shocks",
    "covariance": "Covariance of skills",
    "labor-share": "Labour share",
    "sample": "Sample",
    "tasks": "Tasks",
}
_LARGEST_LKJ = 10  # tasks; in more dimensions it concentrates on the identity
_FINENESS = ("gwa-category", "gwa-group", "gwa")


@dataclass(frozen=True)
class Alternative:
    """A study that differs from another in one choice.

    Attributes
    ----------
    choice
        What is chosen: a key of `TITLES`.
    value
        How, in a few words.
    study
        The study.
    refits
        Whether its posterior is another, or only its question.
    """

    choice: str
    value: str
    study: Study
    refits: bool

    @property
    def folder(self) -> str:
        """Name of its folder: another study's is another."""
        words = re.sub(r"[^a-z0-9]+", "-", f"{self.choice} {self.value}".lower()).strip("-")
        digest = hashlib.sha256(json.dumps(essence(self.study)).encode()).hexdigest()
        return f"{words[:40].strip('-')}-{digest[:8]}"


def essence(study: Study) -> dict[str, Any]:
    """Return what decides a study's results, as plain values."""
    kept = json.loads(study.to_json())
    return {key: kept[key] for key in ("panel", "tasks", "model", "inference", "scenario")}


def study_text(study: Study) -> str:
    """Return the text of a study file that, wherever it stands, is this study."""
    tables = study.model_dump(mode="json", exclude_none=True)
    for table, keys in (("panel", ("path",)), ("tasks", ("weights", "labor_share", "exposure"))):
        for key in keys:
            if isinstance(tables[table].get(key), str):
                tables[table][key] = str(getattr(getattr(study, table), key).resolve())
    return toml_text(tables)


def alternatives(study: Study, tasks: TaskTable) -> list[Alternative]:
    """Return the alternatives of a study that are possible with its tasks.

    Parameters
    ----------
    study
        Of which ``[sensitivity]`` says what is varied.
    tasks
        Its task table.

    Returns
    -------
    list of Alternative
        Each of another study than the others and the one given; those of the question first.
    """
    found: list[Alternative] = []
    known = [essence(study)]
    for choice in (c for c in TITLES if c in study.sensitivity.vary):
        refits = choice in _OF_THE_MODEL
        makers = _OF_THE_MODEL if refits else _OF_THE_QUESTION
        for value, other in makers[choice](study, tasks):
            if essence(other) in known or not (refits or _possible(other, tasks)):
                continue
            known.append(essence(other))
            found.append(Alternative(choice, value, _with_effort(other, refits), refits))
    return sorted(found, key=lambda one: one.refits)


def _with_effort(study: Study, refits: bool) -> Study:
    own = study.sensitivity
    effort = {k: v for k, v in (("warmup", own.warmup), ("draws", own.draws)) if v is not None}
    if not refits or not effort:
        return study
    return _updated(study, "inference", **effort)


def _updated(study: Study, table: str, **values: Any) -> Study:
    changed = getattr(study, table).model_copy(update=values)
    return study.model_copy(update={table: changed})


def _possible(study: Study, tasks: TaskTable) -> bool:
    """Tell whether the scenarios automate something and leave every occupation some labour."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NothingChanges)
            for scenario in expand(study.scenario, tasks.exposure):
                check_scenario(
                    scenario,
                    *(tasks.exposure, tasks.weights.to_numpy(), tasks.titles),
                    experience=study.model.state_dependence == "experience",
                )
    except ModelError:
        return False
    return True


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
        ("40% of incumbents gain", "quantile", 0.4),
        ("60% of incumbents gain", "quantile", 0.6),
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
    changed = [*first, *([step] if step is not None else []), *last]
    return Scenario(name=scenario.name, step=tuple(changed)) if changed else scenario


def _intercept(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    for value in ("known", "pooled", "orthogonal"):
        yield value, _updated(study, "model", intercept=value)


def _amenities(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    for value in ("none", "pooled"):
        yield value, _updated(study, "model", amenities=value)


def _state_dependence(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    for words, value in (("none", "none"), ("returns to experience", "experience")):
        other = _updated(study, "model", state_dependence=value)
        if _possible(other, tasks):  # with prices it is not
            yield words, other


def _shock(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    for value in ("occupation", "worker"):
        yield f"one for each {value}", _updated(study, "model", shock=value)


def _covariance(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    size, factors = len(tasks.tasks), study.model.factors
    if study.model.covariance == "lkj":
        yield (
            f"{min(factors, size)} factors",
            _updated(study, "model", covariance="factor", factors=min(factors, size)),
        )
        return
    if size <= _LARGEST_LKJ:
        yield "free (LKJ)", _updated(study, "model", covariance="lkj")
    for number in (factors - 1, factors + 1):
        if number >= 1:
            words = f"{number} factor" + ("s" if number > 1 else "")
            yield words, _updated(study, "model", factors=number)


def _labor_share(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    if study.tasks.weights is not None or tasks.labor_share.nunique() > 1:
        return  # a table's own shares
    share = float(tasks.labor_share.iloc[0])
    for by in (-0.1, 0.1):
        if 0 < (other := round(share + by, 6)) < 1:
            yield f"{other:g}", _updated(study, "tasks", labor_share=other)


def _sample(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    years = (study.panel.min_years or 1) + 2
    yield f"workers seen {years} years or more", _updated(study, "panel", min_years=years)


def _tasks(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    if study.tasks.weights is not None:
        return
    place = _FINENESS.index(study.tasks.tasks or "gwa")
    for other in (place - 1, place + 1):
        if 0 <= other < len(_FINENESS):
            yield _FINENESS[other], _updated(study, "tasks", tasks=_FINENESS[other])


_OF_THE_QUESTION: dict[str, _Maker] = {
    "exposure": _exposure,
    "cut": _cut,
    "productivity": _productivity,
    "bargaining": _bargaining,
    "prices": _prices,
}
_OF_THE_MODEL: dict[str, _Maker] = {
    "intercept": _intercept,
    "amenities": _amenities,
    "state-dependence": _state_dependence,
    "shock": _shock,
    "covariance": _covariance,
    "labor-share": _labor_share,
    "sample": _sample,
    "tasks": _tasks,
}
