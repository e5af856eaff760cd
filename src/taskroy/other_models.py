"""Alternatives of the model, the sample and the tasks: each has a posterior of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from taskroy.study import Study

if TYPE_CHECKING:
    from taskroy.data.task_table import TaskTable

type _Named = tuple[str, Study]

_LARGEST_LKJ = 10  # tasks; in more dimensions it concentrates on the identity
_FINENESS = ("gwa-category", "gwa-group", "gwa")


def updated(study: Study, table: str, **values: Any) -> Study:
    """Return a study with other values in one of its tables."""
    changed = getattr(study, table).model_copy(update=values)
    return study.model_copy(update={table: changed})


def _intercept(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    for value in ("known", "pooled", "orthogonal"):
        yield value, updated(study, "model", intercept=value)


def _amenities(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    for value in ("none", "pooled"):
        yield value, updated(study, "model", amenities=value)


def _shock(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    for value in ("occupation", "worker"):
        yield f"one for each {value}", updated(study, "model", shock=value)


def _state_dependence(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    yield "none", updated(study, "model", state_dependence="none", discount=0)
    experience = updated(study, "model", state_dependence="experience", discount=0)
    yield "returns to experience", experience
    if study.model.discount > 0:
        words = f"returns to experience, looking ahead (β = {study.model.discount:g})"
        yield words, study


def _covariance(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    size, factors = len(tasks.tasks), study.model.factors
    if study.model.covariance == "lkj":
        yield (
            f"{min(factors, size)} factors",
            updated(study, "model", covariance="factor", factors=min(factors, size)),
        )
        return
    if size <= _LARGEST_LKJ:
        yield "free (LKJ)", updated(study, "model", covariance="lkj")
    for number in (factors - 1, factors + 1):
        if number >= 1:
            words = f"{number} factor" + ("s" if number > 1 else "")
            yield words, updated(study, "model", factors=number)


def _labor_share(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    if study.tasks.weights is not None or tasks.labor_share.nunique() > 1:
        return  # a table's own shares
    share = float(tasks.labor_share.iloc[0])
    for by in (-0.1, 0.1):
        if 0 < (other := round(share + by, 6)) < 1:
            yield f"{other:g}", updated(study, "tasks", labor_share=other)


def _sample(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    years = (study.panel.min_years or 1) + 2
    yield f"workers seen {years} years or more", updated(study, "panel", min_years=years)


def _tasks(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    if study.tasks.weights is not None:
        return
    place = _FINENESS.index(study.tasks.tasks or "gwa")
    for other in (place - 1, place + 1):
        if 0 <= other < len(_FINENESS):
            yield _FINENESS[other], updated(study, "tasks", tasks=_FINENESS[other])


def _without_occupation(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    gone = study.panel.without or ()
    for code in tasks.occupations:
        if code not in gone and study.panel.source != "simulated":
            title = str(tasks.titles.loc[code])
            yield title, updated(study, "panel", without=(*gone, code))


def _without_task(study: Study, tasks: TaskTable) -> Iterator[_Named]:
    gone = study.tasks.without or ()
    if len(tasks.tasks) > 2:  # of one task nothing is to be learnt
        for task in tasks.tasks:
            yield task, updated(study, "tasks", without=(*gone, task))


#: By choice: other studies with what they chose, some of them perhaps the study itself.
OF_THE_MODEL: dict[str, Callable[[Study, TaskTable], Iterator[_Named]]] = {
    "intercept": _intercept,
    "amenities": _amenities,
    "state-dependence": _state_dependence,
    "shock": _shock,
    "covariance": _covariance,
    "labor-share": _labor_share,
    "sample": _sample,
    "tasks": _tasks,
    "without-occupation": _without_occupation,
    "without-task": _without_task,
}
