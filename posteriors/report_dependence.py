"""What the answer depends on: what is not known, priors, and the study's alternatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from taskroy.posteriors.figure_sensitivity import curve_drawing, tornado_drawing
from taskroy.posteriors.figure_style import Drawing
from taskroy.posteriors.grid import Grid
from taskroy.posteriors.power_scaling import has_densities
from taskroy.posteriors.table_choices import choices_table
from taskroy.posteriors.table_power_scaling import power_scaling_table, power_scaling_words
from taskroy.posteriors.table_scenario import scenarios
from taskroy.posteriors.table_sensitivity import sensitivity_table, variants_table
from taskroy.posteriors.table_uncertainty import scenarios_uncertainty_table, uncertainty_words
from taskroy.posteriors.tables import Table
from taskroy.posteriors.titles import plain_title
from taskroy.posteriors.weighable import why_not_weighable
from taskroy.posteriors.words_first_page import first_page_words
from taskroy.posteriors.words_sensitivity import sensitivity_in_brief, sensitivity_words


@dataclass(frozen=True)
class DependencePart:
    """Sentences, tables and figures: about the bands, priors, and alternatives; may be empty.

    The sentences of the first page, ``brief``, are never none.
    """

    brief: list[str]
    uncertainty: list[str]
    priors: list[str]
    alternatives: list[str]
    tables: Mapping[str, Table]
    drawings: Mapping[str, Drawing]


def dependence(posterior: xr.DataTree, grid: Grid | None) -> DependencePart:
    """Compute what a posterior's densities, and a grid of alternatives, say.

    Parameters
    ----------
    posterior
        Those of earlier versions, and points, have no densities.
    grid
        If one was run for the study.
    """
    priors: list[str] = []
    alternatives: list[str] = []
    in_brief: list[str] | None = None
    tables: dict[str, Table] = {}
    drawings: dict[str, Drawing] = {}
    if has_densities(posterior) and why_not_weighable(posterior) is None:
        table = power_scaling_table(posterior)
        tables[table.name], priors = table, power_scaling_words(table)
    uncertainty = [
        uncertainty_words(one, one.redrawn)
        for one in scenarios(posterior)
        if one.redrawn is not None
    ]
    between = scenarios_uncertainty_table(posterior)
    if between is not None:
        tables[between.name] = between
    if grid is not None:
        table = sensitivity_table(grid)
        tables[table.name], alternatives = table, sensitivity_words(grid, table)
        in_brief = sensitivity_in_brief(grid, table)
        if (choices := choices_table(grid)) is not None:
            tables[choices.name] = choices
        if grid.variants:
            tables["variants"] = variants_table(grid)
        for number, scenario in enumerate(map(plain_title, grid.base.scenarios), 1):
            prefix = f"scenario-{number}"
            for drawing in (
                tornado_drawing(table, scenario, grid.band, prefix),
                curve_drawing(table, scenario, grid.band, prefix),
            ):
                drawings[drawing.name] = drawing
    brief = first_page_words(in_brief, priors, uncertainty)
    return DependencePart(brief, uncertainty, priors, alternatives, tables, drawings)
