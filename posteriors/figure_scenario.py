"""Figures of one scenario: exposure, winners and losers, workers, the decomposition."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
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
    printable,
)
from taskroy.posteriors.report_words import certainty, spread, trend
from taskroy.posteriors.table_decomposition import parts_of
from taskroy.posteriors.table_scenario import Scenario
from taskroy.posteriors.tables import Column, Table, record, show
from taskroy.posteriors.titles import figure_label, in_sentence

type FloatArray = NDArray[np.float64]

_KEY_ROWS = 24  # occupations named beside the scatter


def exposure_drawing(
    scenario: Scenario, table: Table, bins: Table | None, headline: Table, band: Band
) -> Drawing:
    """Return exposure against the change of wages; by bins, too, where occupations are many."""
    frame = table.frame
    most, least = record(frame, 0), record(frame, -1)
    return Drawing(
        f"{scenario.prefix}-exposure",
        "Share of an occupation’s work that is automated against the change of its mean wage, and "
        f"of the wage of those who stay in it. Lines are {band.name}s; the area of a dot is "
        "employment before"
        + ("; numbers are those of the table." if len(frame) <= _KEY_ROWS else ".")
        + (
            ""
            if bins is None
            else " The orange line is the mean of occupations in bins of exposure, with a uniform "
            f"{band.percent} band."
        ),
        f"Exposure runs from {least['exposure']:.0%} ({in_sentence(least['occupation'])}) to "
        f"{most['exposure']:.0%} ({in_sentence(most['occupation'])}). "
        + spread(frame, "log_wage_change", "The change of the mean wage")
        + f" {trend(headline, band)}",
        lambda: _draw_exposure(frame, None if bins is None else bins.frame),
    )


def winners_drawing(scenario: Scenario, table: Table, band: Band) -> Drawing:
    """Return stacked bars of winners and losers."""
    frame = table.frame
    everyone, top, bottom = record(frame, 0), record(frame, 1), record(frame, -1)
    column = Column("winners", "", "percent", band=True)
    losers = "do not gain" if scenario.has_ties else "lose"
    return Drawing(
        f"{scenario.prefix}-winners",
        f"Shares of workers who gain (blue) and who {losers} (orange), by the occupation held "
        f"before; the black line is the {band.name} of where they meet.",
        f"{show(column, everyone)} of all workers gain: most often those from "
        f"{in_sentence(top['occupation'])}, {show(column, top)}, and least often those "
        f"from {in_sentence(bottom['occupation'])}, {show(column, bottom)}.",
        lambda: _draw_winners(frame, losers),
    )


def workers_drawing(scenario: Scenario, table: Table) -> Drawing:
    """Return the histogram of the workers' probabilities of a gain."""
    return Drawing(
        f"{scenario.prefix}-workers",
        "Workers of the panel by the probability, given the data, that they gain.",
        certainty(table),
        lambda: _draw_workers(table.frame),
    )


def decomposition_drawing(scenario: Scenario, table: Table, band: Band) -> Drawing:
    """Return bars of the parts and their sum."""
    frame, parts = table.frame, parts_of(scenario)
    text = " ".join(
        spread(frame, name, title if name == "log_wage_change" else f"The part “{title}”")
        for name, title in parts.items()
    )
    return Drawing(
        f"{scenario.prefix}-decomposition",
        "The parts of the change of each occupation’s mean wage, and their sum, in log "
        f"points; black lines are {band.name}s.",
        text,
        lambda: _draw_decomposition(frame, parts),
    )


def _draw_exposure(frame: DataFrame, bins: DataFrame | None) -> Figure:
    keyed = len(frame) <= _KEY_ROWS
    figure = new_figure(max(3.6, 0.25 * len(frame)) if keyed else 4.0)
    left, right, *key = figure.subplots(
        1, 3 if keyed else 2, width_ratios=[4, 4, 3] if keyed else [1, 1], squeeze=False
    )[0]
    right.sharey(left)
    right.tick_params(axis="y", labelleft=False)
    x = 100 * frame["exposure"]
    for axes, name, title in (
        (left, "log_wage_change", "Its mean wage"),
        (right, "incumbent_change", "Wage of those who stay"),
    ):
        y, low, high = (100 * frame[f"{name}{end}"] for end in ("", "_low", "_high"))
        axes.axhline(0, color=NEUTRAL, lw=0.8)
        axes.vlines(x, low, high, color=GAIN, lw=1.4, alpha=0.55)
        axes.scatter(
            x, y, s=20 + 900 * frame["employment_before"], color=GAIN, alpha=0.85, lw=0.8, ec="w"
        )
        if bins is not None and name == "log_wage_change":
            place, *ends = (100 * bins[key] for key in ("exposure", "change_low", "change_high"))
            axes.fill_between(place, *ends, color=LOSS, alpha=0.25, lw=0, zorder=1)
            axes.plot(place, 100 * bins["change"], color=LOSS, lw=1.8, zorder=4)
        if keyed:
            _number_lines(axes, x.to_numpy(), low.to_numpy(), high.to_numpy())
        axes.set_title(title)
        axes.grid(axis="y")
        axes.margins(x=0.12, y=0.12)
    left.set_ylabel("Change, log points")
    figure.supxlabel("Share of the occupation’s work that is automated (%)", fontsize=9)
    if keyed:
        _write_key(key[0], frame)
    return figure


def _number_lines(axes: Axes, x: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """Write numbers at the ends of the lines, at different heights where they stand close."""
    close = 0.05 * max(np.ptp(x), 1e-9)
    place, before = 0, -np.inf
    for i in np.argsort(x, kind="stable"):
        place = (place + 1) % 4 if x[i] - before < close else 0
        before = x[i]
        above = place % 2 == 0
        offset = 2 + 9 * (place // 2)
        axes.annotate(
            f"{i + 1}", (x[i], high[i] if above else low[i]),
            xytext=(0, offset if above else -offset), textcoords="offset points",
            ha="center", va="bottom" if above else "top", fontsize=7.5,
        )  # fmt: skip


def _write_key(axes: Axes, frame: DataFrame) -> None:
    axes.axis("off")
    for i, (number, title) in enumerate(zip(frame["number"], frame["occupation"], strict=True)):
        label = printable(figure_label(title, width=24, lines=2 if len(frame) < 15 else 1))
        height = 1 - (i + 0.5) / len(frame)
        for x, text, side in ((0.07, f"{number}", "right"), (0.13, label, "left")):
            axes.text(
                x, height, text, transform=axes.transAxes, fontsize=7.5, ha=side, va="center",
                parse_math=False,
            )  # fmt: skip


def _draw_winners(frame: DataFrame, losers: str) -> Figure:
    figure = new_figure(0.9 + ROW * len(frame))
    axes = figure.subplots()
    place = np.arange(len(frame))
    gain, low, high = (100 * frame[f"winners{end}"] for end in ("", "_low", "_high"))
    lose = 100 * frame["losers"]
    axes.barh(place, gain, color=GAIN, height=0.68, label="gain")
    axes.barh(place, lose, left=100 - lose, color=LOSS, height=0.68, label=losers)
    axes.hlines(place, low, high, color=INK, lw=1.6)
    axes.plot(gain, place, "|", color=INK, ms=8, mew=1.6)
    label_rows(axes, list(frame["occupation"]))
    axes.set_xlim(0, 100)
    axes.axhline(0.5, color=NEUTRAL, lw=0.8)  # above it, the sum of the others
    axes.xaxis.set_major_formatter(PercentFormatter(decimals=0))
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, handlelength=1.2)
    return figure


def _draw_workers(frame: DataFrame) -> Figure:
    figure = new_figure(2.6)
    axes = figure.subplots()
    share = 100 * frame["share"]
    middle = 100 * (np.arange(len(frame)) + 0.5) / len(frame)
    colors = [GAIN if m > 50 else LOSS for m in middle]
    axes.bar(middle, share.fillna(0), width=94 / len(frame), color=colors)
    for at, hidden in zip(middle, share.isna(), strict=True):
        if hidden:
            axes.annotate(
                "few", (at, 0), xytext=(0, 2), textcoords="offset points", ha="center",
                fontsize=7.5, color=NEUTRAL,
            )  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 10))
    axes.set_xlabel("Probability that the worker gains, given the data (%)")
    axes.set_ylabel("Workers (%)")
    axes.grid(axis="y")
    return figure


def _draw_decomposition(frame: DataFrame, parts: Mapping[str, str]) -> Figure:
    figure = new_figure(0.8 + ROW * len(frame))
    all_axes = figure.subplots(1, len(parts), sharey=True, sharex=True)
    place = np.arange(len(frame))
    for axes, (name, title) in zip(all_axes, parts.items(), strict=True):
        value, low, high = (100 * frame[f"{name}{end}"] for end in ("", "_low", "_high"))
        total = name == "log_wage_change"
        colors = np.where(value >= 0, GAIN, LOSS) if total else np.full(len(frame), NEUTRAL)
        axes.barh(place, value, color=colors, height=0.68, alpha=1 if total else 0.75)
        axes.hlines(place, low, high, color=INK, lw=1.3)
        axes.axvline(0, color=INK, lw=0.8)
        axes.set_title(title, fontsize=9.5 if len(parts) < 6 else 7.5)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=7.5)
    label_rows(all_axes[0], list(frame["occupation"]), width=22)
    for axes in all_axes:
        axes.grid(True, axis="x")
    figure.supxlabel("log points", fontsize=9)
    return figure
