"""Tasks compared: what automating each one does, against how much skills at it differ.

Where skills at a task differ much, workers have sorted on them, and automating the task sets them
free to go elsewhere: its re-sorting effect is larger (Freund and Mann 2025).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import rankdata

from taskroy.posteriors.bands import Band, above_zero, estimate
from taskroy.posteriors.tables import Column, Table
from taskroy.posteriors.titles import plain_title

_FEWEST = 3


def across_tasks_table(tree: xr.DataTree, band: Band) -> Table | None:
    """Return what each single task's automation does, largest re-sorting first.

    Parameters
    ----------
    tree
        With groups ``posterior`` and ``counterfactual``.
    band
        Kind and level of the intervals.

    Returns
    -------
    Table or None
        None where fewer than three scenarios automate one task each, as a whole.
    """
    draws = tree["counterfactual"].to_dataset()
    share = draws["automated_share"].transpose("scenario", "task").to_numpy()
    alone = np.flatnonzero(((share == 1).sum(1) == 1) & ((share > 0).sum(1) == 1))
    if len(alone) < _FEWEST:
        return None
    some, task = draws.isel(scenario=alone), share[alone].argmax(1)
    # Of the mean wage over all who work, hence weighted by employment before.
    resorting = (some["resorting"] * some["employment_before"]).sum("occupation")
    every_sd = tree["posterior"].to_dataset()["skill_sd"]
    skill_sd = every_sd.isel(task=xr.DataArray(task, dims="scenario"))
    together = xr.corr(_ranks(skill_sd), _ranks(resorting), dim="scenario")
    found = estimate("rank_correlation", together, band)
    frame = pd.DataFrame(
        {
            "task": [plain_title(title) for title in draws["task"].to_numpy()[task]],
            "scenario": [plain_title(name) for name in some["scenario"].to_numpy()],
            **estimate("skill_sd", skill_sd, band),
            **estimate("resorting", resorting, band),
            "rise_probability": above_zero(resorting),
            **estimate("mean_change", some["mean_change"], band),
        }
    )
    value, low, high = (found[f"rank_correlation{end}"][0] for end in ("", "_low", "_high"))
    return Table(
        "across-tasks",
        "Tasks automated one at a time: how much skills at the task differ, and what re-sorting "
        f"does to mean wages, with {band.name}s",
        "occupations by their employment before",
        frame.sort_values("resorting", ascending=False, kind="stable", ignore_index=True),
        (
            Column("task", "Task"),
            Column("scenario", "Scenario", shown=False),
            Column("skill_sd", "Skill sd [band]", "number", band=True),
            Column("resorting", "Re-sorting, log points [band]", "log_points", band=True),
            Column("rise_probability", "Probability that it is a gain", "probability"),
            Column(
                "mean_change", "Mean change of wages, log points [band]", "log_points", band=True
            ),
        ),
        (
            "Across tasks, the rank correlation of skill sd and re-sorting effect is "
            f"{value:.2f} [{low:.2f}, {high:.2f}].",
        ),
    )


def _ranks(values: xr.DataArray) -> xr.DataArray:
    """Rank scenarios within each draw."""
    where = [["scenario"]]
    ranked: xr.DataArray = xr.apply_ufunc(
        rankdata, values, input_core_dims=where, output_core_dims=where, kwargs={"axis": -1}
    )
    return ranked
