"""What is on a report's page about one scenario, before it is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from taskroy.posteriors.bands import Band
from taskroy.posteriors.exposure_bins import exposure_bins_table
from taskroy.posteriors.figure_flows import movers_drawing, transitions_drawing
from taskroy.posteriors.figure_inequality import inequality_drawing
from taskroy.posteriors.figure_people import people_drawing
from taskroy.posteriors.figure_scenario import (
    decomposition_drawing,
    exposure_drawing,
    winners_drawing,
    workers_drawing,
)
from taskroy.posteriors.figure_style import Drawing
from taskroy.posteriors.report_words import answer, certainty, question, trend
from taskroy.posteriors.table_decomposition import decomposition_table, parts_of
from taskroy.posteriors.table_exposure import exposure_table
from taskroy.posteriors.table_flows import flows_table, held_table, movers_table, transitions_table
from taskroy.posteriors.table_headline import (
    headline_table,
    mean_exposure,
    more_gain_probability,
)
from taskroy.posteriors.table_held_flows import held_flows_table
from taskroy.posteriors.table_inequality import inequality_table, welfare_table
from taskroy.posteriors.table_people import known_groups, people_table
from taskroy.posteriors.table_scenario import (
    Scenario,
    employment_table,
    task_table,
    winners_table,
    workers_table,
)
from taskroy.posteriors.table_selection import selection_table
from taskroy.posteriors.table_steps import steps_table
from taskroy.posteriors.table_uncertainty import uncertainty_table
from taskroy.posteriors.table_worker_parts import worker_parts_table
from taskroy.posteriors.tables import Table
from taskroy.posteriors.within_occupations import within_drawing, within_table


@dataclass(frozen=True)
class ScenarioPart:
    """What the page says about one scenario; `numbers` are those that no table holds."""

    scenario: Scenario
    question: list[str]
    answer: list[str]
    certainty: str
    trend: str
    numbers: Mapping[str, float]
    tables: Mapping[str, Table]
    drawings: Mapping[str, Drawing]

    @property
    def parts(self) -> Mapping[str, str]:
        """Parts of the decomposition that are not zero throughout, by name."""
        return parts_of(self.scenario)


def scenario_part(
    scenario: Scenario,
    band: Band,
    rule: object,
    steps: Sequence[str],
    constants: xr.Dataset,
    intercept: str,
) -> ScenarioPart:
    """Compute what the page says about one scenario.

    Parameters
    ----------
    scenario
        The scenario.
    band
        Kind and level of the intervals.
    rule, steps
        How productive machines are taken to be, and what else happens, as for
        :func:`taskroy.posteriors.report_words.question`.
    constants
        Group ``constant_data``.
    intercept
        Treatment of intercepts in the model.
    """
    tasks, headline = task_table(scenario, band), headline_table(scenario, band)
    exposure, winners = exposure_table(scenario, band), winners_table(scenario, band)
    workers, decomposition = workers_table(scenario), decomposition_table(scenario, band)
    people = {"people": people_table(scenario, constants, band)} if _has_groups(scenario) else {}
    bins = exposure_bins_table(scenario, band)
    further = _further_tables(scenario, band, intercept)
    return ScenarioPart(
        scenario=scenario,
        question=question(scenario, tasks, rule, steps),
        answer=answer(scenario, headline, band),
        certainty=certainty(workers),
        trend=trend(headline, band),
        numbers={
            "mean_exposure": mean_exposure(scenario),
            "more_gain_probability": more_gain_probability(scenario),
        },
        tables={
            "headline": headline,
            "tasks": tasks,
            "winners": winners,
            **people,
            "workers": workers,
            "exposure": exposure,
            **({} if bins is None else {"bins": bins}),
            "employment": employment_table(scenario, band),
            "decomposition": decomposition,
            **further,
        },
        drawings={
            "winners": winners_drawing(scenario, winners, band),
            "workers": workers_drawing(scenario, workers),
            "exposure": exposure_drawing(scenario, exposure, bins, headline, band),
            "decomposition": decomposition_drawing(scenario, decomposition, band),
            **_further_drawings(scenario, people | further, band),
        },
    )


def _has_groups(scenario: Scenario) -> bool:
    return "people_change" in scenario.draws and bool(known_groups(scenario.draws).any())


def _further_tables(scenario: Scenario, band: Band, intercept: str) -> dict[str, Table]:
    """Return what counterfactuals stored by earlier versions, or of one step, may not have."""
    if "group_share" not in scenario.draws:
        return {}
    steps = steps_table(scenario, band, intercept)
    percentiles = "worker_change_percentile" in scenario.draws
    selection = selection_table(scenario, band)
    worker_parts = worker_parts_table(scenario, band)
    held_flows = held_flows_table(scenario)
    return {
        **({"within": within_table(scenario, band)} if percentiles else {}),
        **({"steps": steps} if steps else {}),
        **_uncertainty(scenario),
        **({} if worker_parts is None else {"worker_parts": worker_parts}),
        "movers": movers_table(scenario, band),
        **({} if held_flows is None else {"held_flows": held_flows}),
        **({} if selection is None else {"selection": selection}),
        **({"held": held_table(scenario, band)} if "held_share" in scenario.draws else {}),
        "flows": flows_table(scenario),
        "transitions": transitions_table(scenario),
        "inequality": inequality_table(scenario, band),
        "welfare": welfare_table(scenario, band),
    }


def _uncertainty(scenario: Scenario) -> dict[str, Table]:
    redrawn = scenario.redrawn
    return {} if redrawn is None else {"uncertainty": uncertainty_table(scenario, redrawn)}


def _further_drawings(
    scenario: Scenario, tables: Mapping[str, Table], band: Band
) -> dict[str, Drawing]:
    drawings: dict[str, Drawing] = {}
    if "people" in tables:
        people = people_drawing(scenario, tables["people"], band)
        drawings |= {} if people is None else {"people": people}
    if "inequality" in tables:
        drawings["inequality"] = inequality_drawing(scenario, tables["inequality"], band)
    if "movers" in tables:
        drawings["movers"] = movers_drawing(scenario, tables["movers"], band)
        drawings["transitions"] = transitions_drawing(scenario, tables["transitions"])
    if "within" in tables:
        drawings["within"] = within_drawing(scenario, tables["within"])
    return drawings
