"""Simulated panels of any size, with task weights cut from the shipped table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from taskroy.data.panel import Panel
from taskroy.data.simulate import simulate_panel
from taskroy.data.task_table import TaskTable
from taskroy.data.task_weights import task_weights


def cut_table(occupations: int, tasks: int) -> TaskTable:
    """Return the first SOC minor groups and work activities, at most 95 × 37; rows sum to one."""
    whole = task_weights("minor", "gwa")
    weights = whole.weights.iloc[:occupations, :tasks]
    weights = weights.div(weights.sum(axis=1), axis=0)
    codes = list(weights.index)
    return replace(
        whole,
        weights=weights,
        labor_share=whole.labor_share.loc[codes],
        exposure=whole.exposure.iloc[:tasks],
        titles=whole.titles.loc[codes],
    )


def simulated_panel(
    workers: int, years: int, occupations: int, tasks: int, *, seed: int, **settings: Any
) -> tuple[Panel, dict[str, Any], TaskTable]:
    """Simulate a panel; settings are those of `simulate_panel`.

    Returns
    -------
    tuple
        The panel, its truth, and the task table.
    """
    table = cut_table(occupations, tasks)
    panel, truth = simulate_panel(table, workers=workers, years=years, seed=seed, **settings)
    return panel, truth, table
