"""Figure of winners and losers by group of workers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
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
from taskroy.posteriors.tables import SUPPRESSED, Column, Table, record, show
from taskroy.posteriors.titles import in_sentence


def people_drawing(scenario: Scenario, table: Table, band: Band) -> Drawing | None:
    """Return shares of winners and mean changes by group; None where every group is hidden."""
    frame = table.frame[~table.frame[SUPPRESSED].astype(bool)].reset_index(drop=True)
    if frame.empty:
        return None
    change = frame["change"]
    most, least = record(frame, int(change.argmax())), record(frame, int(change.argmin()))
    column = Column("change", "", "log_points", band=True)
    losers = "do not gain" if scenario.has_ties else "lose"
    return Drawing(
        f"{scenario.prefix}-people",
        f"Shares of workers who gain (blue) and who {losers} (orange), and the mean change of the "
        f"log wage, by group; black lines are {band.name}s. Groups that are too small to be shown "
        "are left out.",
        f"The mean change is largest for {in_sentence(most['people'])}, {show(column, most)} log "
        f"points, and smallest for {in_sentence(least['people'])}, {show(column, least)}.",
        lambda: _draw(frame, losers),
    )


def _draw(frame: DataFrame, losers: str) -> Figure:
    figure = new_figure(1.1 + ROW * len(frame))
    bars, dots = figure.subplots(
        1, 2, sharey=True, width_ratios=[5, 4], gridspec_kw={"wspace": 0.08}
    )
    place = np.arange(len(frame))
    gain, low, high = (100 * frame[f"winners{end}"] for end in ("", "_low", "_high"))
    bars.barh(place, gain, color=GAIN, height=0.68, label="gain")
    bars.barh(place, 100 - gain, left=gain, color=LOSS, height=0.68, label=losers)
    bars.hlines(place, low, high, color=INK, lw=1.6)
    bars.plot(gain, place, "|", color=INK, ms=8, mew=1.6)
    bars.set_xlim(0, 100)
    bars.xaxis.set_major_formatter(PercentFormatter(decimals=0))
    bars.spines["left"].set_visible(False)
    bars.set_xlabel("of the group’s workers")
    change, low, high = (100 * frame[f"change{end}"] for end in ("", "_low", "_high"))
    dots.axvline(0, color=NEUTRAL, lw=0.8)
    dots.hlines(place, low, high, color=INK, lw=1.3)
    dots.scatter(change, place, color=np.where(change >= 0, GAIN, LOSS), s=30, zorder=3)
    dots.set_xlabel("mean change, log points")
    dots.xaxis.set_major_locator(MaxNLocator(5))
    dots.tick_params(axis="y", length=0)
    label_rows(bars, list(frame["people"]), width=30)
    dots.grid(True, axis="x")
    kind = [name.rsplit(": ", 1)[0] for name in frame["people"]]
    for row in range(1, len(kind)):
        if kind[row] != kind[row - 1]:  # another covariate, or another skill
            for axes in (bars, dots):
                axes.axhline(row - 0.5, color=NEUTRAL, lw=0.8)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, handlelength=1.2)
    return figure
