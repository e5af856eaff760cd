"""Figures of a study and its alternatives: a tornado of choices, a specification curve."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame, Series

from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_style import (
    GAIN,
    INK,
    LIGHT,
    LOSS,
    NEUTRAL,
    ROW,
    Drawing,
    label_rows,
    new_figure,
)
from taskroy.posteriors.table_sensitivity import FAILED, UNTRUSTED
from taskroy.posteriors.tables import Table, show_number
from taskroy.posteriors.titles import in_sentence


def tornado_drawing(table: Table, scenario: str, band: Band, prefix: str) -> Drawing:
    """Return how far each choice moves the mean change: from its lowest to its highest."""
    frame = table.frame[table.frame["scenario"] == scenario]
    base, reach = frame.iloc[0], _reach(frame)
    widest = reach.iloc[0] if len(reach) else None
    seen = (
        f"The choice that moves it most is “{in_sentence(str(widest.name))}”, from "
        f"{100 * widest['low']:.1f} to {100 * widest['high']:.1f} log points."
        if widest is not None
        else "No alternative has a result that can be trusted."
    )
    return Drawing(
        f"{prefix}-tornado",
        "How far each choice moves the mean change: from its lowest to its highest posterior mean "
        f"over the alternatives tried, around that of the study, {100 * base['mean_change']:.1f} "
        f"log points. Orange lies below it, blue above. Thin lines are the {band.name}s of the two "
        "ends; the grey strip is the study’s.",
        seen,
        lambda: _draw_tornado(reach, base),
    )


def curve_drawing(table: Table, scenario: str, band: Band, prefix: str) -> Drawing:
    """Return every alternative with its bands, in order of the mean change."""
    frame = table.frame[table.frame["scenario"] == scenario]
    frame = frame[frame["sign"] != FAILED]
    ordered = frame.sort_values("mean_change", kind="stable")
    first, last = ordered.iloc[0], ordered.iloc[-1]
    return Drawing(
        f"{prefix}-alternatives",
        f"The study (dark) and its alternatives, in order of the mean change: posterior means and "
        f"{band.name}s. Grey crosses are of fits that failed their checks. The grey strip is the "
        "study’s band.",
        f"{len(ordered)} specifications, from {100 * first['mean_change']:.1f} log points "
        f"({in_sentence(first['alternative'])}) to {100 * last['mean_change']:.1f} "
        f"({in_sentence(last['alternative'])}).",
        lambda: _draw_curve(ordered, str(frame.iloc[0]["alternative"])),
    )


def _reach(frame: DataFrame) -> DataFrame:
    """Return lowest and highest mean change of each choice and the study's own, widest first.

    Each end with its band; without one where the study itself is the end.
    """
    base = float(frame.iloc[0]["mean_change"])
    rows = {}
    for choice, some in frame.iloc[1:][frame["trusted"].iloc[1:]].groupby("choice", sort=False):
        values = some[["mean_change", "mean_change_low", "mean_change_high"]].to_numpy()
        low, high = values[values[:, 0].argmin()], values[values[:, 0].argmax()]
        itself = np.array([base, np.nan, np.nan])
        ends = (low if low[0] < base else itself, high if high[0] > base else itself)
        rows[choice] = np.concatenate(ends)
    columns = [f"{end}{of}" for end in ("low", "high") for of in ("", "_from", "_to")]
    found = DataFrame.from_dict(rows, orient="index", columns=columns)
    width = found["high"] - found["low"]
    return found.loc[width.sort_values(ascending=False, kind="stable").index]


def _draw_tornado(reach: DataFrame, base: Series) -> Figure:
    figure = new_figure(0.9 + ROW * max(1, len(reach)))
    axes = figure.subplots()
    middle, *strip = (100 * float(base[f"mean_change{end}"]) for end in ("", "_low", "_high"))
    axes.axvspan(*strip, color=LIGHT, alpha=0.5, lw=0)
    axes.axvline(middle, color=INK, lw=1, zorder=3)
    axes.axvline(0, color=NEUTRAL, lw=1, ls=":")
    axes.set_xlabel("mean change (log points)")
    axes.margins(x=0.12)
    if reach.empty:
        axes.set_yticks([])
        return figure
    place = np.arange(len(reach))
    # Numbers stand beside both bands, for either may reach farther.
    outer = {-1: 100 * reach.min(axis=1).to_numpy(), 1: 100 * reach.max(axis=1).to_numpy()}
    for end, color, side in (("low", LOSS, -1), ("high", GAIN, 1)):
        value, start, stop = (100 * reach[f"{end}{of}"].to_numpy() for of in ("", "_from", "_to"))
        axes.barh(place, value - middle, left=middle, color=color, height=0.6)
        # Apart from each other, because the bands of the two ends may overlap.
        told = np.isfinite(start)
        line = place[told] + 0.12 * side
        axes.hlines(line, start[told], stop[told], color=INK, lw=1, zorder=4)
        for row in range(len(reach)):
            _write(axes, float(value[row]), row, side, at=float(outer[side][row]))
    label_rows(axes, [str(name) for name in reach.index])
    return figure


def _write(axes: Axes, value: float, row: float, side: int, at: float) -> None:
    """Write a number beside a place: what is small next to others can still be read."""
    axes.annotate(
        show_number(value / 100, "log_points"), (at, row), (5 * side, 0),
        textcoords="offset points", ha="left" if side > 0 else "right", va="center",
        fontsize=8, color=NEUTRAL,
    )  # fmt: skip


def _draw_curve(frame: DataFrame, base: str) -> Figure:
    figure = new_figure(1.0 + ROW * len(frame))
    left, right = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(frame))
    own = (frame["alternative"] == base).to_numpy()
    bad = (frame["sign"] == UNTRUSTED).to_numpy()
    for axes, key, centre, title in (
        (left, "mean_change", 0.0, "Mean change (log points)"),
        (right, "winners", 50.0, "Share who gain (%)"),
    ):
        values = 100 * frame[[key, f"{key}_low", f"{key}_high"]]
        strip = values[own].iloc[0]
        axes.axvspan(strip.iloc[1], strip.iloc[2], color=LIGHT, alpha=0.5, lw=0)
        axes.axvline(centre, color=NEUTRAL, lw=1, ls=":")
        for rows, color, mark in (
            (own, INK, "o"),
            (~own & ~bad, GAIN, "o"),
            (bad & ~own, NEUTRAL, "x"),
        ):
            some = values[rows]
            axes.hlines(place[rows], some.iloc[:, 1], some.iloc[:, 2], color=color, lw=2)
            axes.plot(some.iloc[:, 0], place[rows], mark, color=color, ms=5)
        axes.set_title(title)
        axes.grid(axis="x")
        if key == "mean_change":
            axes.margins(x=0.28)
            for row, (value, end) in enumerate(zip(values[key], values.iloc[:, 2], strict=True)):
                _write(axes, float(value), row, 1, at=float(end))
    label_rows(left, list(frame["alternative"]), width=34)
    right.tick_params(axis="y", length=0)
    return figure
