"""One small posterior, fitted once for all tests of what is done with posteriors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from taskroy.data.panel import Panel
from taskroy.data.simulate import simulate_panel
from taskroy.data.task_table import TaskTable
from taskroy.data.task_weights import task_weights
from taskroy.inference.settings import InferenceSettings
from taskroy.posteriors.fit import fit


class Study(NamedTuple):
    """A simulated panel, its truth, and the posterior of each route."""

    panel: Panel
    truth: dict[str, Any]
    tasks: TaskTable
    nuts: xr.DataTree
    svi: xr.DataTree


def small_tasks() -> TaskTable:
    """Four occupations that differ in two tasks."""
    titles = ["Thinking", "Lifting"]
    codes = ["a", "b", "c", "d"]
    weights = np.array([[0.9, 0.1], [0.65, 0.35], [0.35, 0.65], [0.1, 0.9]])
    shipped = task_weights("major", "gwa-category")
    return TaskTable(
        weights=pd.DataFrame(weights, pd.Index(codes, name="occupation"), titles),
        labor_share=pd.Series([0.6, 0.7, 0.6, 0.5], codes),
        exposure=pd.DataFrame(
            shipped.exposure.to_numpy()[:2], pd.Index(titles), shipped.exposure.columns
        ),
        titles=pd.Series([f"Occupation {code}" for code in codes], codes),
        source="a test",
    )


@pytest.fixture
def few_tasks() -> TaskTable:
    """The table of the small study, without its fits."""
    return small_tasks()


@pytest.fixture(scope="session")
def study() -> Study:
    """Fit 100 simulated workers, five years, by both routes."""
    tasks = small_tasks()
    panel, truth = simulate_panel(
        tasks,
        workers=100,
        years=5,
        # Of an ordinary panel. On panels 20 and 21 the truth is far from what the data say.
        # Whether bands cover is a question to many panels: `taskroy bench coverage`.
        seed=2013,
        skill_cov=np.array([[0.5, 0.1], [0.1, 0.3]]),
        mean_potential=np.array([2.5, 2.4, 2.3, 2.5]),
        amenity=np.array([0.1, 0.0, 0.0, -0.1]),
        wage_shock_scale=0.35,
        taste_scale=0.25,
    )
    nuts = fit(
        panel,
        tasks,
        inference=InferenceSettings(chains=2, warmup=200, draws=200, target_accept=0.7, seed=3),
    )
    svi = fit(
        panel,
        tasks,
        inference=InferenceSettings(method="svi", svi_steps=500, draws=100, seed=3),
    )
    return Study(panel, truth, tasks, nuts, svi)
