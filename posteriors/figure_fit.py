"""Figures about the fit: prior against posterior, observed against predicted."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame

from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_style import (
    GAIN,
    INK,
    LIGHT,
    NEUTRAL,
    ROW,
    Drawing,
    label_rows,
    new_figure,
)
from taskroy.posteriors.table_parameters import SILENT
from taskroy.posteriors.tables import Table, record
from taskroy.posteriors.titles import in_sentence


def parameters_drawing(table: Table, band: Band) -> Drawing:
    """Return intervals of prior and posterior of the main parameters."""
    frame = table.frame
    return Drawing(
        "parameters",
        f"Prior (grey) and posterior (blue) of the main parameters: means and {band.name}s.",
        f"Intervals of {len(frame)} parameters before and after seeing the data: "
        f"{_narrowed(frame)}. {_narrowest(frame)}",
        lambda: _draw_parameters(frame),
    )


def fit_drawing(by_occupation: Table, band: Band) -> Drawing:
    """Return employment shares and mean wages by occupation, observed and predicted."""
    frame = by_occupation.frame
    found = []
    for name, label in (("employment_share", "employment shares"), ("mean_log_wage", "mean wages")):
        known = frame[frame[name].notna()]
        inside = known[name].between(
            known[f"{name}_predicted_low"], known[f"{name}_predicted_high"]
        )
        found.append(f"{inside.sum()} of {len(known)} observed {label}")
    return Drawing(
        "fit",
        "Observed (crosses) and predicted (dots) employment shares and mean log wages by "
        f"occupation; lines are {band.name}s of panels simulated from the posterior.",
        f"{found[0]} and {found[1]} lie inside the {band.percent} band of what the model predicts.",
        lambda: _draw_fit(frame),
    )


def _narrowed(frame: DataFrame) -> str:
    """Say which posteriors are hardly narrower than their priors, and which are wider."""
    ratio, little = frame["variance_ratio"], frame["reading"] == SILENT
    said = [
        f"{words} {', '.join(frame.loc[which, 'parameter'].map(in_sentence))}"
        for which, words in (
            (little, "the data say little about"),
            ((ratio >= 1) & ~little, "posteriors are wider than priors of"),
        )
        if which.any()
    ]
    known = "" if ratio.notna().all() else " that can be compared"
    return "; ".join(said) or f"each posterior{known} is narrower than its prior"


def _narrowest(frame: DataFrame) -> str:
    ratio = frame["variance_ratio"]
    if not ratio.notna().any():
        return "None of them has a prior to compare with."
    row = record(frame, int(ratio.fillna(np.inf).to_numpy().argmin()))
    return (
        f"That of “{in_sentence(row['parameter'])}” narrowed most, to {row['variance_ratio']:.2f} "
        f"of the prior variance; its posterior mean is {row['posterior']:.2f}."
    )


def _draw_parameters(frame: DataFrame) -> Figure:
    panels = [(panel, rows) for panel, rows in frame.groupby("panel", sort=False)]
    figure = new_figure(0.9 + ROW * len(frame) + 0.35 * len(panels))
    all_axes = figure.subplots(
        len(panels), 1, squeeze=False, height_ratios=[len(rows) + 0.6 for _, rows in panels]
    )[:, 0]
    for axes, (panel, rows) in zip(all_axes, panels, strict=True):
        place = np.arange(len(rows))
        _interval(axes, rows, "prior", place, LIGHT, 8, NEUTRAL)
        _interval(axes, rows, "posterior", place, GAIN, 3, GAIN)
        label_rows(axes, list(rows["label"]), width=30)
        axes.set_title(panel)
    all_axes[-1].set_xlabel("log-wage units")
    return figure


def _draw_fit(frame: DataFrame) -> Figure:
    figure = new_figure(0.9 + ROW * len(frame))
    left, right = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(frame))
    for axes, name, times, title in (
        (left, "employment_share", 100, "Employment share (%)"),
        (right, "mean_log_wage", 1, "Mean log wage"),
    ):
        scaled = frame.filter(like=name) * times
        _interval(axes, scaled, f"{name}_predicted", place, GAIN, 3, GAIN)
        axes.plot(scaled[name], place, "x", color=INK, ms=6, mew=1.6, zorder=4)
        axes.set_title(title)
    label_rows(left, list(frame["occupation"]))
    right.grid(axis="x")
    right.tick_params(axis="y", length=0)
    left.set_xlim(left=0)
    return figure


def _interval(
    axes: Axes,
    frame: DataFrame,
    name: str,
    place: np.ndarray[tuple[int], np.dtype[np.int64]],
    color: str,
    width: float,
    dot: str,
) -> None:
    axes.hlines(place, frame[f"{name}_low"], frame[f"{name}_high"], color=color, lw=width, zorder=2)
    axes.plot(frame[name], place, "o", color=dot, ms=4, zorder=3)
