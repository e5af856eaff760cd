"""The report: one static page that says who gains and who loses, and all its numbers as files.

What is in the folder::

    report.html   one file that needs no other and no network; written last
    report.json   every number of the page, unrounded
    figures/      each figure as PNG and PDF
    tables/       each table as CSV
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined

from taskroy.errors import Fault, GateError, ModelError, StoreError
from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_fit import fit_drawing, parameters_drawing
from taskroy.posteriors.figure_scenario import (
    decomposition_drawing,
    exposure_drawing,
    winners_drawing,
    workers_drawing,
)
from taskroy.posteriors.figure_style import Drawing, render
from taskroy.posteriors.files import flush_to_disk, write_atomically
from taskroy.posteriors.report_provenance import (
    SOURCES,
    model_tables,
    productivity_rules,
    provenance_table,
    study_text,
)
from taskroy.posteriors.report_words import (
    MEANING,
    NOT_MEANT,
    answer,
    certainty,
    question,
    trend,
)
from taskroy.posteriors.table_data import fit_tables, who_table
from taskroy.posteriors.table_parameters import parameter_tables
from taskroy.posteriors.table_scenario import (
    Scenario,
    decomposition_table,
    employment_table,
    exposure_table,
    headline_table,
    scenarios,
    task_table,
    winners_table,
    workers_table,
)
from taskroy.posteriors.tables import Table, finite_or_none

if TYPE_CHECKING:
    from taskroy.posteriors.checks import Gate

TITLE = "Who gains and who loses when machines take over tasks"
WATERMARK = "NOT CONVERGED — DO NOT CITE"
UNIT = (
    "Changes of wages are in log points: 100 times the change of the log wage. One log point is "
    "about one per cent; where per cent are given, they are 100 × (exp(change) − 1)."
)
_GROUPS = (
    "posterior",
    "prior",
    "observed_data",
    "posterior_predictive",
    "prior_predictive",
    "constant_data",
)
_OF_A_SCENARIO = re.compile(r"scenario-\d+-[a-z]+\.(png|pdf|csv)")


@dataclass(frozen=True)
class ScenarioPart:
    """What the page says about one scenario."""

    scenario: Scenario
    question: list[str]
    answer: list[str]
    certainty: str
    trend: str
    tables: Mapping[str, Table]
    drawings: Mapping[str, Drawing]


@dataclass(frozen=True)
class Report:
    """Everything on the page, before it is laid out."""

    gate: Gate
    band: Band
    facts: Mapping[str, Any]
    study: str
    tables: Mapping[str, Table]
    drawings: Mapping[str, Drawing]
    parts: Sequence[ScenarioPart]

    @property
    def watermark(self) -> str | None:
        """What is printed across the pages and figures of a failed fit."""
        return WATERMARK if self.gate.verdict == "FAIL" else None

    def all_tables(self) -> list[Table]:
        """Return the tables of the page, in order."""
        return [*self.tables.values(), *(t for part in self.parts for t in part.tables.values())]

    def all_drawings(self) -> list[Drawing]:
        """Return the figures of the page, in order."""
        return [
            *self.drawings.values(),
            *(drawing for part in self.parts for drawing in part.drawings.values()),
        ]


def write_report(
    posterior: xr.DataTree,
    folder: Path,
    *,
    interval: Literal["eti", "hdi"] = "eti",
    level: float = 0.9,
    allow_failed: bool = False,
) -> Path:
    """Write the report of a posterior, with its numbers, figures and tables beside it.

    Parameters
    ----------
    posterior
        With counterfactuals (docs/posterior.md).
    folder
        Where everything goes; made if missing. The files of an earlier report are replaced.
    interval
        Bands: equal-tailed ('eti') or of highest density ('hdi').
    level
        Probability inside a band, in (0, 1).
    allow_failed
        Report even a posterior that fails the gate, with a watermark on every page and figure.

    Returns
    -------
    Path
        ``report.html`` in `folder`. It is written last: where it stands, the rest is whole.

    Raises
    ------
    GateError
        If the posterior fails the gate and `allow_failed` is not set; with each failed line.
    ModelError
        If the posterior has no counterfactual.
    StoreError
        If it lacks another part that a report needs.
    StudyError
        For an interval or level that does not exist.
    OSError
        If the folder cannot be written.
    """
    from taskroy.posteriors.checks import check

    band = Band(interval, level)
    _require_groups(posterior)
    gate = check(posterior)
    if not allow_failed:
        _require_gate(gate)
    return write_files(compose(posterior, gate, band), Path(folder))


def compose(posterior: xr.DataTree, gate: Gate, band: Band) -> Report:
    """Compute all that is on the page."""
    main, further = parameter_tables(posterior, band)
    by_occupation, overall = fit_tables(posterior, band)
    model, priors = model_tables(posterior)
    tables = (
        who_table(posterior), main, further, by_occupation, overall, model, priors,
        provenance_table(posterior),
    )  # fmt: skip
    rules = productivity_rules(posterior)
    return Report(
        gate=gate,
        band=band,
        facts=_facts(posterior),
        study=study_text(posterior),
        tables={table.name: table for table in tables},
        drawings={
            "parameters": parameters_drawing(main, band),
            "fit": fit_drawing(by_occupation, band),
        },
        parts=[
            _part(scenario, band, rules.get(scenario.name)) for scenario in scenarios(posterior)
        ],
    )


def write_files(report: Report, folder: Path) -> Path:
    """Write a composed report: figures, tables and numbers first, the page last."""
    images = {
        drawing.name: render(drawing, watermark=report.watermark)
        for drawing in report.all_drawings()
    }
    page = _page(report, {name: files["svg"] for name, files in images.items()})
    numbers = json.dumps(to_json(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    for part in (folder, folder / "figures", folder / "tables"):
        part.mkdir(parents=True, exist_ok=True)
    place = folder / "report.html"
    place.unlink(missing_ok=True)  # so that it never stands beside numbers of another report
    flush_to_disk(folder)
    written = set()
    for name, files in images.items():
        for kind in ("png", "pdf"):
            written.add(write_atomically(folder / "figures" / f"{name}.{kind}", files[kind]))
    for table in report.all_tables():
        written.add(write_atomically(folder / "tables" / f"{table.name}.csv", table.to_csv()))
    _remove_stale(folder, written)
    write_atomically(folder / "report.json", numbers)
    return write_atomically(place, page)


def to_json(report: Report) -> dict[str, Any]:
    """Return every number and sentence of the page as plain values."""
    return {
        "title": TITLE,
        "verdict": report.gate.verdict,
        "watermark": report.watermark,
        "interval": {"kind": report.band.kind, "level": report.band.level},
        "unit": UNIT,
        "facts": dict(report.facts),
        "answers": [
            {
                "scenario": part.scenario.name,
                "question": part.question,
                "answer": part.answer,
                "certainty": part.certainty,
                "trend": part.trend,
            }
            for part in report.parts
        ],
        "tables": {table.name: table.to_json() for table in report.all_tables()},
        "figures": {
            drawing.name: {"caption": drawing.caption, "alt": drawing.alt}
            for drawing in report.all_drawings()
        },
        "gate": [asdict(line) for line in report.gate.lines],
        "study": json.loads(report.study) if report.study else None,
        "sources": list(SOURCES),
    }


def _part(scenario: Scenario, band: Band, rule: object) -> ScenarioPart:
    tasks, headline = task_table(scenario, band), headline_table(scenario, band)
    exposure, winners = exposure_table(scenario, band), winners_table(scenario, band)
    workers, decomposition = workers_table(scenario), decomposition_table(scenario, band)
    return ScenarioPart(
        scenario=scenario,
        question=question(scenario, tasks, rule),
        answer=answer(scenario, headline, band),
        certainty=certainty(workers),
        trend=trend(headline, band),
        tables={
            "headline": headline,
            "tasks": tasks,
            "winners": winners,
            "workers": workers,
            "exposure": exposure,
            "employment": employment_table(scenario, band),
            "decomposition": decomposition,
        },
        drawings={
            "winners": winners_drawing(scenario, winners, band),
            "workers": workers_drawing(scenario, workers),
            "exposure": exposure_drawing(scenario, exposure, headline, band),
            "decomposition": decomposition_drawing(scenario, decomposition, band),
        },
    )


def _page(report: Report, images: Mapping[str, bytes]) -> str:
    # select_autoescape looks at the ending and would not escape a *.html.jinja.
    environment = Environment(
        loader=PackageLoader("taskroy", "posteriors"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(
        report=report,
        images={name: base64.b64encode(image).decode() for name, image in images.items()},
        title=TITLE,
        unit=UNIT,
        meaning=MEANING,
        not_meant=NOT_MEANT,
        sources=SOURCES,
    )


def _facts(posterior: xr.DataTree) -> dict[str, Any]:
    """Return the few facts that the first lines of the page state."""
    first, *_, last = posterior.attrs["years"]
    return {
        "workers": int(posterior.attrs["workers"]),
        "observations": int(posterior.attrs["observations"]),
        "first_year": finite_or_none(first),
        "last_year": finite_or_none(last),
        "occupations": posterior["constant_data"].sizes["occupation"],
        "tasks": posterior["constant_data"].sizes["task"],
        "chains": posterior["posterior"].sizes["chain"],
        "draws": posterior["posterior"].sizes["chain"] * posterior["posterior"].sizes["draw"],
        "method": str(posterior.attrs["method"]),
        "version": str(posterior.attrs["taskroy_version"]),
        "panel": str(posterior.attrs.get("panel_source", "not recorded")),
        "task_table": str(posterior.attrs.get("tasks_source", "not recorded")),
    }


def _remove_stale(folder: Path, written: set[Path]) -> None:
    """Remove figures and tables of scenarios that an earlier report had and this one has not."""
    for part in ("figures", "tables"):
        for file in (folder / part).iterdir():
            if file not in written and _OF_A_SCENARIO.fullmatch(file.name):
                file.unlink()


def _require_groups(posterior: xr.DataTree) -> None:
    if "counterfactual" not in posterior.children:
        raise ModelError(
            "The posterior has no counterfactual, so there is nothing to say about a scenario.",
            where="the posterior's group 'counterfactual'",
            remedy="run taskroy.counterfactual, or 'taskroy counterfactual', on it first",
        )
    missing = [group for group in _GROUPS if group not in posterior.children]
    if missing:
        raise StoreError(
            f"The posterior has no group '{missing[0]}'.",
            expected="a posterior made by taskroy.fit",
            remedy="fit the study again",
        )


def _require_gate(gate: Gate) -> None:
    if gate.verdict != "FAIL":
        return
    raise GateError(
        "The fit did not pass the gate, so no report is made of it.",
        remedy="do as said below and fit again; allow_failed=True makes a watermarked report all "
        "the same",
        faults=[
            Fault(
                what=f"{line.value}. {line.meaning}",
                where=line.name,
                expected=line.bar,
                remedy=line.remedy.removesuffix("."),
            )
            for line in gate.lines
            if line.status == "FAIL"
        ],
    )
