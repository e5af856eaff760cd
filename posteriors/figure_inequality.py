"""Figure of inequality before and after, with intervals."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pandas import DataFrame

from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_style import (
    GAIN,
    INK,
    LOSS,
    NEUTRAL,
    ROW,
    Drawing,
    label_rows,
    new_figure,
)
from taskroy.posteriors.table_scenario import Scenario
from taskroy.posteriors.tables import Column, Table, record, show, show_number

_APART = 0.16  # of a row, before above after


def inequality_drawing(scenario: Scenario, table: Table, band: Band) -> Drawing:
    """Return each measure of inequality before and after, and by how much it changes."""
    frame = table.frame
    frame = frame[frame["key"] != "mean"].reset_index(drop=True)  # a level, not a distance
    variance = record(frame[frame["key"] == "variance"], 0)
    change = Column("change", "", "number", band=True)
    return Drawing(
        f"{scenario.prefix}-inequality",
        "Measures of inequality between workers’ expected log wages before (grey) and after "
        f"(black), and their change: orange where it rises, blue where it falls. Lines are "
        f"{band.name}s.",
        f"The variance of log wages is {show_number(variance['before'], 'number')} before and "
        f"{show_number(variance['after'], 'number')} after; it changes by "
        f"{show(change, variance)}, and rises with probability "
        f"{show_number(variance['rise_probability'], 'probability')}.",
        lambda: _draw(frame),
    )


def _draw(frame: DataFrame) -> Figure:
    figure = new_figure(1.1 + ROW * len(frame))
    levels, changes = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(frame))
    for name, color, shift in (("before", NEUTRAL, -_APART), ("after", INK, _APART)):
        value, low, high = (frame[f"{name}{end}"] for end in ("", "_low", "_high"))
        levels.hlines(place + shift, low, high, color=color, lw=1.3)
        levels.scatter(value, place + shift, color=color, s=26, zorder=3, label=name)
    levels.set_xlim(left=-0.03 * levels.get_xlim()[1])  # dots at zero are whole
    levels.set_title("Level")
    value, low, high = (frame[f"change{end}"] for end in ("", "_low", "_high"))
    changes.axvline(0, color=NEUTRAL, lw=0.8)
    changes.hlines(place, low, high, color=INK, lw=1.3)
    changes.scatter(value, place, color=np.where(value > 0, LOSS, GAIN), s=30, zorder=3)
    changes.set_title("Change")
    label_rows(levels, list(frame["measure"]), width=30)
    for axes in (levels, changes):
        axes.grid(True, axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, handlelength=1.2)
    return figure
