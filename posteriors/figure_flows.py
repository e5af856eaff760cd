"""Figure of what becomes of the wages of stayers, leavers and in-switchers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
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
from taskroy.posteriors.tables import Column, Table, record, show

_GROUPS = {"stayers": "Stayers", "leavers": "Leavers", "in_switchers": "In-switchers"}


def movers_drawing(scenario: Scenario, table: Table, band: Band) -> Drawing:
    """Return changes of wages of who stays in, leaves and enters each occupation."""
    frame = table.frame
    everyone = record(frame, 0)
    said = ", ".join(
        f"{title.lower()} {show(Column(name, '', 'log_points', band=True), everyone)}"
        for name, title in _GROUPS.items()
    )
    return Drawing(
        f"{scenario.prefix}-movers",
        "Change of the log wage, in log points, of those who stay in an occupation, leave it and "
        f"come to it, beyond that in a world that stays as it is; lines are {band.name}s.",
        f"Over all occupations, in log points: {said}.",
        lambda: _draw(frame),
    )


def _draw(frame: DataFrame) -> Figure:
    figure = new_figure(0.8 + ROW * len(frame))
    all_axes = figure.subplots(1, len(_GROUPS), sharey=True, sharex=True)
    place = np.arange(len(frame))
    for axes, (name, title) in zip(all_axes, _GROUPS.items(), strict=True):
        value, low, high = (100 * frame[f"{name}{end}"] for end in ("", "_low", "_high"))
        axes.axvline(0, color=NEUTRAL, lw=0.8)
        axes.axhline(0.5, color=NEUTRAL, lw=0.8)  # above it, all occupations
        axes.hlines(place, low, high, color=INK, lw=1.3)
        axes.scatter(value, place, color=np.where(value >= 0, GAIN, LOSS), s=26, zorder=3)
        axes.set_title(title)
        axes.tick_params(axis="y", length=0)
    label_rows(all_axes[0], list(frame["occupation"]), width=22)
    for axes in all_axes:
        axes.grid(True, axis="x")
    figure.supxlabel("log points", fontsize=9)
    return figure
