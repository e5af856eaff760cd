"""Table and figure of how unequal changes are among those of one occupation."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pandas import DataFrame

from taskroy.posteriors.bands import Band, estimate
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
from taskroy.posteriors.table_scenario import MEMBERS, Scenario
from taskroy.posteriors.tables import Column, Table, record, show
from taskroy.posteriors.titles import in_sentence

_PERCENTILES = {10: "p10", 50: "p50", 90: "p90"}


def within_table(scenario: Scenario, band: Band) -> Table:
    """Return percentiles of workers' changes by the occupation held before, widest spread first."""
    changes = scenario.draws["worker_change_percentile"]
    each = {q: changes.sel(percentile=q, drop=True) for q in _PERCENTILES}
    columns: dict[str, np.ndarray] = {}
    for q, name in _PERCENTILES.items():
        columns |= estimate(name, each[q], band)
    columns |= estimate("spread", each[90] - each[10], band)
    frame = pd.DataFrame({"occupation": scenario.occupations, **columns})
    return Table(
        f"{scenario.prefix}-within",
        "Percentiles of workers’ expected changes, by the occupation held before, with "
        f"{band.name}s",
        MEMBERS,
        frame.sort_values("spread", ascending=False, kind="stable", ignore_index=True),
        (
            Column("occupation", "Occupation before"),
            *(
                Column(name, f"{q}th percentile, log points [band]", "log_points", band=True)
                for q, name in _PERCENTILES.items()
            ),
            Column("spread", "90th less 10th [band]", "log_points", band=True),
        ),
        ("A band is that of the percentile: workers’ own uncertainty is not in the spread.",),
    )


def within_drawing(scenario: Scenario, table: Table) -> Drawing:
    """Return a line from the 10th to the 90th percentile for each occupation."""
    frame = table.frame
    widest, narrowest = record(frame, 0), record(frame, -1)
    column = Column("spread", "", "log_points", band=True)
    return Drawing(
        f"{scenario.prefix}-within",
        "From the 10th to the 90th percentile of the expected changes of an occupation’s workers, "
        "and their median (dot), in log points; posterior means.",
        f"Workers’ changes differ most in {in_sentence(widest['occupation'])}, where the 90th "
        f"percentile is {show(column, widest)} log points above the 10th, and least in "
        f"{in_sentence(narrowest['occupation'])}, {show(column, narrowest)}.",
        lambda: _draw(frame),
    )


def _draw(frame: DataFrame) -> Figure:
    figure = new_figure(0.8 + ROW * len(frame))
    axes = figure.subplots()
    place = np.arange(len(frame))
    low, middle, high = (100 * frame[name] for name in _PERCENTILES.values())
    axes.axvline(0, color=NEUTRAL, lw=0.8)
    axes.hlines(place, low, high, color=INK, lw=2.2, alpha=0.6)
    axes.scatter(middle, place, color=np.where(middle >= 0, GAIN, LOSS), s=30, zorder=3)
    label_rows(axes, list(frame["occupation"]))
    axes.grid(True, axis="x")
    axes.set_xlabel("log points")
    return figure
