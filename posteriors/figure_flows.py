"""Figures of who moves: wages of stayers, leavers and in-switchers, and where people go."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
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
from taskroy.posteriors.titles import in_sentence

_NAMED = 25  # occupations, beyond which there is no room for names
_WRITTEN = 0.5  # per cent, below which a cell is left empty
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


def transitions_drawing(scenario: Scenario, table: Table) -> Drawing:
    """Return where those of each occupation are after the change, the most exposed first."""
    size = len(scenario.occupations)
    share = table.frame["share"].to_numpy().reshape(size, size)
    order = np.argsort(-scenario.draws["occupation_exposure"].to_numpy(), kind="stable")
    share, titles = share[np.ix_(order, order)], [scenario.occupations[o] for o in order]
    stay = np.diag(share)
    most, least = int(stay.argmax()), int(stay.argmin())
    return Drawing(
        f"{scenario.prefix}-transitions",
        "Where those who hold an occupation before (rows) work after the change (columns), in per "
        "cent of the row; posterior means. Shocks are drawn anew, and occupations are in the order "
        "of exposure, the most exposed first.",
        f"On the diagonal are those who stay: from {stay[least]:.0%} "
        f"({in_sentence(titles[least])}) to {stay[most]:.0%} ({in_sentence(titles[most])}).",
        lambda: _draw_transitions(share, titles),
    )


def _draw_transitions(share: NDArray[np.float64], titles: list[str]) -> Figure:
    named = len(titles) <= _NAMED
    figure = new_figure(1.6 + 0.4 * len(titles) if named else 6.4)
    axes = figure.subplots()
    image = axes.imshow(100 * share, cmap="Blues", vmin=0, aspect="auto")
    if named:
        label_rows(axes, [f"{i}. {title}" for i, title in enumerate(titles, 1)], width=24)
        axes.set_xticks(range(len(titles)), labels=[f"{i}" for i in range(1, len(titles) + 1)])
        axes.tick_params(axis="x", length=0)
        middle = 50 * share.max()
        for (row, column), value in np.ndenumerate(100 * share):
            if value >= _WRITTEN:
                axes.text(
                    column, row, f"{value:.0f}", ha="center", va="center", fontsize=7.5,
                    color="w" if value > middle else INK,
                )  # fmt: skip
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.set_ylabel("Before")
    axes.set_xlabel("After (numbers of the rows)" if named else "After")
    axes.grid(False)
    figure.colorbar(image, ax=axes, label="Per cent of those in the row", shrink=0.6)
    return figure


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
