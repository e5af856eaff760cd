"""What is on a report's page, before it is laid out: sentences, tables and figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xarray as xr

from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_fit import fit_drawing, parameters_drawing
from taskroy.posteriors.figure_scenarios import scenarios_drawing
from taskroy.posteriors.figure_style import Drawing
from taskroy.posteriors.model_card import model_card
from taskroy.posteriors.report_dependence import DependencePart, dependence
from taskroy.posteriors.report_provenance import (
    SOURCES,
    model_tables,
    productivity_rules,
    provenance_table,
    study_text,
)
from taskroy.posteriors.report_scenario import ScenarioPart, scenario_part
from taskroy.posteriors.step_words import steps_in_words
from taskroy.posteriors.table_across_tasks import across_tasks_table
from taskroy.posteriors.table_data import fit_tables, who_table
from taskroy.posteriors.table_differences import differences_tables
from taskroy.posteriors.table_parameters import parameter_tables
from taskroy.posteriors.table_sample import sample_table
from taskroy.posteriors.table_scenario import scenarios
from taskroy.posteriors.tables import Table, finite_or_none

if TYPE_CHECKING:
    from taskroy.posteriors.gate import Gate
    from taskroy.posteriors.grid import Grid

TITLE = "Who gains and who loses when machines take over tasks"
WATERMARK = "NOT CONVERGED — DO NOT CITE"
UNIT = (
    "Changes of wages are in log points: 100 times the change of the log wage. One log point is "
    "about one per cent; where per cent are given, they are 100 × (exp(change) − 1)."
)


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
    dependence: DependencePart

    @property
    def watermark(self) -> str | None:
        """What is printed across the pages and figures of a failed fit."""
        return WATERMARK if self.gate.verdict == "FAIL" else None

    def all_tables(self) -> list[Table]:
        """Return the tables of the page, in order."""
        parts = [self.tables, *(part.tables for part in self.parts), self.dependence.tables]
        return [table for part in parts for table in part.values()]

    def all_drawings(self) -> list[Drawing]:
        """Return the figures of the page, in order."""
        return [
            *self.drawings.values(),
            *(drawing for part in self.parts for drawing in part.drawings.values()),
            *self.dependence.drawings.values(),
        ]


def compose(posterior: xr.DataTree, gate: Gate, band: Band, grid: Grid | None = None) -> Report:
    """Compute all that is on the page; `grid` is of the study's alternatives, if any were run."""
    main, further = parameter_tables(posterior, band)
    by_occupation, overall = fit_tables(posterior, band)
    model, priors = model_tables(posterior)
    tables = (
        who_table(posterior), main, further, by_occupation, overall, model_card(posterior), model,
        priors, provenance_table(posterior),
    )  # fmt: skip
    optional = (sample_table(posterior), across_tasks_table(posterior, band))
    compared = scenarios_drawing(posterior, band)
    rules, steps = productivity_rules(posterior), steps_in_words(posterior)
    intercept = dict(posterior.attrs.get("model") or {}).get("intercept", "")
    return Report(
        gate=gate,
        band=band,
        facts=_facts(posterior),
        study=study_text(posterior),
        tables={table.name: table for table in (*tables, *filter(None, optional))}
        | differences_tables(posterior, band),
        drawings={
            "parameters": parameters_drawing(main, band),
            "fit": fit_drawing(by_occupation, band),
            **({} if compared is None else {"scenarios": compared}),
        },
        parts=[
            scenario_part(
                scenario,
                band,
                rules.get(scenario.name),
                steps.get(scenario.name, []),
                posterior["constant_data"].to_dataset(),
                intercept,
            )
            for scenario in scenarios(posterior)
        ],
        dependence=dependence(posterior, grid),
    )


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
                **part.numbers,
            }
            for part in report.parts
        ],
        "dependence": {
            "brief": report.dependence.brief,
            "uncertainty": report.dependence.uncertainty,
            "priors": report.dependence.priors,
            "alternatives": report.dependence.alternatives,
        },
        "tables": {table.name: table.to_json() for table in report.all_tables()},
        "figures": {
            drawing.name: {"caption": drawing.caption, "alt": drawing.alt}
            for drawing in report.all_drawings()
        },
        "gate": [line.to_json() for line in report.gate.lines],
        "study": json.loads(report.study) if report.study else None,
        "sources": list(SOURCES),
    }


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
