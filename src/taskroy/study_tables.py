"""The tables of a study: what each key may hold, and what it is taken for if it is left out.

Each table mirrors the function or the settings that it is for. A key of ``[panel]`` or ``[tasks]``
that is left out takes the default of :func:`taskroy.load_panel` or :func:`taskroy.task_weights`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from taskroy.data.design import Covariates
from taskroy.data.soc import SocLevel
from taskroy.data.table import Filter
from taskroy.data.task_weights import Level, Tasks
from taskroy.errors import StudyError, TaskroyError

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


def _rising(percentiles: tuple[float, ...]) -> tuple[float, ...]:
    if list(percentiles) != sorted(set(percentiles)):
        raise ValueError from StudyError(
            f"The percentiles are {list(percentiles)}.",
            expected="numbers between 0 and 100, each larger than the one before",
        )
    return percentiles


FilePath = Annotated[Path, AfterValidator(_beside_the_study)]


class Table(BaseModel):
    """A table of the study: a frozen value that knows its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class PanelSettings(Table):
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


class TaskSettings(Table):
    """Tasks and weights: arguments of :func:`taskroy.task_weights`."""

    level: Level | None = None
    tasks: Tasks | None = None
    weights: FilePath | None = None
    labor_share: Annotated[float, Field(gt=0, lt=1)] | FilePath | None = None
    exposure: FilePath | None = None
    without: tuple[str, ...] | None = None


class CounterfactualSettings(Table):
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
    weighted: Annotated[
        bool,
        Field(
            description="Whether workers count by their mean weight in the panel in headlines, "
            "winners by occupation and inequality; without, once each."
        ),
    ] = False


class ReportSettings(Table):
    """How posteriors are summed up in the report."""

    interval: Annotated[
        Interval,
        Field(description="Bands: equal-tailed ('eti') or of highest density ('hdi')."),
    ] = "eti"
    level: Annotated[float, Field(gt=0, lt=1, description="Probability inside a band.")] = 0.9


class SensitivitySettings(Table):
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
