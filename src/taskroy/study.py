"""The study: one TOML file that says which panel, tasks, model, route, scenarios and report.

Each table mirrors the function or the settings that it is for. A key of ``[panel]`` or ``[tasks]``
that is left out takes the default of :func:`taskroy.load_panel` or :func:`taskroy.task_weights`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from taskroy.data.design import Covariates
from taskroy.data.soc import SocLevel
from taskroy.data.table import Filter
from taskroy.data.task_weights import Level, Tasks
from taskroy.errors import StudyError, TaskroyError
from taskroy.inference.settings import InferenceSettings
from taskroy.models.scenario import AnyScenario, Automation, Scenario
from taskroy.models.settings import ModelSettings
from taskroy.study_faults import study_faults
from taskroy.study_file import DEFAULT_NAME, default_text, parse_toml, read_text

Source = Literal["wagepan", "nlsy97", "csv", "simulated"]
Interval = Literal["eti", "hdi"]
#: What an analyst chooses: of the question (no new fit), of the model and sample (a new fit each).
Choice = Literal[
    "exposure",
    "cut",
    "productivity",
    "bargaining",
    "prices",
    "intercept",
    "amenities",
    "state-dependence",
    "shock",
    "covariance",
    "labor-share",
    "sample",
    "tasks",
    "without-occupation",
    "without-task",
]
# A fit for each occupation or task is asked for, not usual.
USUAL_CHOICES: tuple[Choice, ...] = tuple(c for c in get_args(Choice) if "without" not in c)


def _beside_the_study(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / path.expanduser()


def _collected(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Let a room's own error be one finding among others."""
    if isinstance(value, dict):  # no longer JSON here, where a list would pass for a tuple
        value = {key: tuple(v) if isinstance(v, list) else v for key, v in value.items()}
    try:
        return handler(value)
    except TaskroyError as error:
        raise ValueError(error.what) from error


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


def _rising(percentiles: tuple[float, ...]) -> tuple[float, ...]:
    if list(percentiles) != sorted(set(percentiles)):
        raise ValueError from StudyError(
            f"The percentiles are {list(percentiles)}.",
            expected="numbers between 0 and 100, each larger than the one before",
        )
    return percentiles


FilePath = Annotated[Path, AfterValidator(_beside_the_study)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class PanelSettings(_Table):
    """The panel: arguments of :func:`taskroy.load_panel`; paths are relative to the study file."""

    source: Source | None = None
    path: FilePath | None = None
    columns: dict[str, str] | None = None
    filters: dict[str, Filter] | None = None
    covariates: Annotated[Covariates, WrapValidator(_collected)] | None = None
    groups: tuple[str, ...] | None = None
    occupation_level: SocLevel | None = None
    workers: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    min_years: Annotated[int, Field(ge=1)] | None = None
    drop_missing: bool | None = None
    without: tuple[str, ...] | None = None


class TaskSettings(_Table):
    """Tasks and weights: arguments of :func:`taskroy.task_weights`."""

    level: Level | None = None
    tasks: Tasks | None = None
    weights: FilePath | None = None
    labor_share: Annotated[float, Field(gt=0, lt=1)] | FilePath | None = None
    exposure: FilePath | None = None
    without: tuple[str, ...] | None = None


class CounterfactualSettings(_Table):
    """What is computed of scenarios besides what is in closed form."""

    held_shocks: Annotated[
        int,
        Field(
            ge=0,
            le=10_000,
            description="Sets of shocks, the same before and after, with which each worker's moves "
            "are simulated for every draw; 0 for none.",
        ),
    ] = 0
    skill_groups: Annotated[
        tuple[str, ...],
        Field(
            description="Tasks by the skill at which workers are grouped, draw by draw, to tell "
            "winners and losers apart; 'automated' is the mean skill at what a scenario automates."
        ),
    ] = ("automated",)
    skill_percentiles: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=100)], ...],
        Field(min_length=1, description="Where the groups by skill are cut."),
        AfterValidator(_rising),
    ] = (25.0, 50.0, 75.0)


class ReportSettings(_Table):
    """How posteriors are summed up in the report."""

    interval: Annotated[
        Interval,
        Field(description="Bands: equal-tailed ('eti') or of highest density ('hdi')."),
    ] = "eti"
    level: Annotated[float, Field(gt=0, lt=1, description="Probability inside a band.")] = 0.9


class SensitivitySettings(_Table):
    """What `taskroy sensitivity` varies, one choice at a time, and how long its fits are."""

    vary: Annotated[
        tuple[Choice, ...],
        Field(description="The analyst's choices for which alternatives are tried."),
    ] = USUAL_CHOICES
    warmup: Annotated[
        int | None,
        Field(ge=1, description="Warm-up of the fits of alternatives; as [inference] without."),
    ] = None
    draws: Annotated[
        int | None, Field(ge=1, description="Draws of each chain of these fits; the same.")
    ] = None


class Study(_Table):
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
