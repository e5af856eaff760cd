"""Figure of all scenarios side by side: their headlines with bands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from taskroy.posteriors.bands import SAMPLE, Band, estimate
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
from taskroy.posteriors.tables import show_number
from taskroy.posteriors.titles import in_sentence, plain_title

# Of each panel: title, unit, and what stands for "nothing" (half of the workers; no change).
_PANELS = {
    "winners": ("Who gain", "per cent of workers", 50.0),
    "mean_change": ("Wages", "mean change, log points", 0.0),
    "welfare_change": ("Welfare", "mean change, log points", 0.0),
}


def scenarios_drawing(tree: xr.DataTree, band: Band) -> Drawing | None:
    """Return the headlines of all scenarios, in their order; None of a single one."""
    draws = tree["counterfactual"].to_dataset()
    if draws.sizes["scenario"] < 2:
        return None
    names = [plain_title(name) for name in draws["scenario"].to_numpy()]
    shown = [name for name in _PANELS if name in draws]
    columns: dict[str, np.ndarray] = {}
    for name in shown:
        columns |= estimate(name, draws[name].transpose(*SAMPLE, "scenario"), band)
    frame = 100 * pd.DataFrame(columns)
    mean = frame["mean_change"]
    most, least = int(mean.argmax()), int(mean.argmin())
    return Drawing(
        "scenario-comparison",
        f"Headlines of all scenarios, at the same posterior draws; lines are {band.name}s.",
        "The mean change of wages is largest in "
        f"“{in_sentence(names[most])}”, {show_number(mean[most] / 100, 'log_points')} log points, "
        f"and smallest in “{in_sentence(names[least])}”, "
        f"{show_number(mean[least] / 100, 'log_points')}.",
        lambda: _draw(frame, names, shown),
    )


def _draw(frame: pd.DataFrame, names: list[str], shown: list[str]) -> Figure:
    figure = new_figure(1.1 + ROW * len(names))
    all_axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    place = np.arange(len(names))
    for axes, name in zip(all_axes, shown, strict=True):
        title, unit, nothing = _PANELS[name]
        value, low, high = (frame[f"{name}{end}"] for end in ("", "_low", "_high"))
        axes.axvline(nothing, color=NEUTRAL, lw=0.8)
        axes.hlines(place, low, high, color=INK, lw=1.3)
        axes.scatter(value, place, color=np.where(value >= nothing, GAIN, LOSS), s=30, zorder=3)
        axes.set_title(title)
        axes.set_xlabel(unit)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.tick_params(axis="y", length=0)
    label_rows(all_axes[0], names, width=28)
    for axes in all_axes:
        axes.grid(True, axis="x")
    return figure
