"""The study: one TOML file that says which panel, tasks, model, route, scenarios and report."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, ValidationError

from taskroy.errors import StudyError
from taskroy.inference.settings import InferenceSettings
from taskroy.models.scenario import AnyScenario, Automation, Scenario
from taskroy.models.settings import ModelSettings
from taskroy.study_faults import study_faults
from taskroy.study_file import DEFAULT_NAME, default_text, parse_toml, read_text
from taskroy.study_tables import (
    CounterfactualSettings,
    PanelSettings,
    ReportSettings,
    SensitivitySettings,
    Table,
    TaskSettings,
)


def _named_once(scenarios: Sequence[Automation | Scenario]) -> Sequence[Automation | Scenario]:
    if not scenarios:
        raise ValueError from StudyError("The list is empty.", expected="one scenario or more")
    names = [scenario.name for scenario in scenarios]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError from StudyError(
            f"Two scenarios are called '{twice[0]}'.",
            expected="a name of its own for each scenario",
            remedy="give each [[scenario]] another name",
        )
    return scenarios


class Study(Table):
    """Everything that decides the result of a run.

    Attributes
    ----------
    panel, tasks
        The data; see :func:`taskroy.load_panel` and :func:`taskroy.task_weights`.
    model, inference
        Variant of the model with its priors, and the route to the posterior.
    scenario
        What machines take over, or what else happens, step by step; one or more, each with its own
        name.
    counterfactual
        What is computed of scenarios besides what is in closed form.
    report
        Kind and level of the bands.
    sensitivity
        What `taskroy sensitivity` varies.
    """

    panel: PanelSettings = PanelSettings()
    tasks: TaskSettings = TaskSettings()
    model: ModelSettings = ModelSettings()
    inference: InferenceSettings = InferenceSettings()
    scenario: Annotated[tuple[AnyScenario, ...], AfterValidator(_named_once)] = (Automation(),)
    counterfactual: CounterfactualSettings = CounterfactualSettings()
    report: ReportSettings = ReportSettings()
    sensitivity: SensitivitySettings = SensitivitySettings()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a study file.

        Parameters
        ----------
        path
            The TOML file; paths in it are taken from its folder.

        Raises
        ------
        StudyError
            If it cannot be read, or with every fault in it at once.
        """
        return cls.from_toml(
            read_text(path), where=str(path), folder=Path(path).expanduser().parent
        )

    @classmethod
    def default(cls) -> Self:
        """Return the study of the embedded panel, which ``taskroy run`` runs without a file."""
        return cls.from_toml(default_text(), where=DEFAULT_NAME)

    @classmethod
    def from_toml(cls, text: str, *, where: str, folder: Path = Path()) -> Self:
        """Read a study from TOML text.

        Parameters
        ----------
        text
            TOML.
        where
            Its name in messages.
        folder
            Where relative paths in it start.

        Raises
        ------
        StudyError
            With every fault at once.
        """
        data = parse_toml(text, where)
        problem: ValidationError | None = None
        try:
            # As JSON, because strictness there still takes a list for a tuple, a text for a path.
            study = cls.model_validate_json(
                json.dumps(data, default=str), strict=True, context={"folder": folder}
            )
        except ValidationError as error:
            problem = error
        faults = study_faults(data, problem, cls.model_json_schema(), where)
        if faults:
            count = "One setting is" if len(faults) == 1 else f"{len(faults)} settings are"
            raise StudyError(f"{count} wrong.", where=where, faults=faults)
        return study

    @classmethod
    def from_json(cls, text: str, *, where: str) -> Self:
        """Read a study back from what `to_json` gave, such as the provenance of a posterior.

        Raises
        ------
        StudyError
            If this version of taskroy cannot read it.
        """
        try:
            return cls.model_validate_json(text, strict=True)
        except ValidationError as error:
            raise StudyError(
                "The study stored here was written by another version of taskroy.",
                where=where,
                remedy="give the study file, or fit the study again",
            ) from error

    def to_json(self) -> str:
        """Return the study with all its defaults as JSON."""
        return self.model_dump_json()
