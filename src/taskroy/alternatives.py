"""What else a study could have been: its alternatives, each different in one choice."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskroy.errors import ModelError
from taskroy.models.scenario_tasks import NothingChanges, check_scenario, expand
from taskroy.other_models import OF_THE_MODEL, updated
from taskroy.other_questions import OF_THE_QUESTION
from taskroy.study import Study
from taskroy.study_file import toml_text
from taskroy.study_tables import CounterfactualSettings

if TYPE_CHECKING:
    from taskroy.data.task_table import TaskTable

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
    "without-occupation": "Without one occupation",
    "without-task": "Without one task",
}


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
    found = {key: kept[key] for key in ("panel", "tasks", "model", "inference", "scenario")}
    # Only where it is asked for: what earlier versions decided is decided still.
    return found | ({"weighted": True} if study.counterfactual.weighted else {})


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
        refits = choice in OF_THE_MODEL
        makers = OF_THE_MODEL if refits else OF_THE_QUESTION
        for value, other in makers[choice](study, tasks):
            # Other tasks have scenarios of their own to check, once they are loaded.
            possible = choice == "tasks" or _possible(other, tasks.without(_left_out(other)))
            if essence(other) in known or not possible:
                continue
            known.append(essence(other))
            found.append(Alternative(choice, value, _with_effort(other, refits), refits))
    return sorted(found, key=lambda one: one.refits)


def _left_out(study: Study) -> tuple[str, ...]:
    return study.tasks.without or ()


def _with_effort(study: Study, refits: bool) -> Study:
    # Only headlines are compared; and the tasks whose skills group workers may be other ones.
    study = study.model_copy(update={"counterfactual": CounterfactualSettings()})
    own = study.sensitivity
    effort = {k: v for k, v in (("warmup", own.warmup), ("draws", own.draws)) if v is not None}
    if not refits or not effort:
        return study
    return updated(study, "inference", **effort)


def _possible(study: Study, tasks: TaskTable) -> bool:
    """Tell whether the scenarios are possible: they do something, and leave labour everywhere."""
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
