"""A fit that is stopped, and the same call again: the posterior of a fit that was not."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.data.simulate import simulate_panel
from taskroy.errors import FitError
from taskroy.inference.settings import InferenceSettings
from taskroy.posteriors.fit import fit
from taskroy.progress import Silent

from .conftest import small_tasks

SETTINGS = InferenceSettings(chains=2, warmup=60, draws=70, max_tree_depth=4, tolerance=1e-3)


class StopInSampling(Silent):
    def __init__(self) -> None:
        self.what = ""

    def start(self, what: str, total: int) -> None:
        self.what = what

    def advance(self, done: int, note: str = "") -> None:
        if self.what.startswith("NUTS") and done > SETTINGS.warmup:
            raise KeyboardInterrupt


class Told(Silent):
    def __init__(self) -> None:
        self.what: list[str] = []

    def start(self, what: str, total: int) -> None:
        self.what.append(what)


def test_a_fit_that_is_stopped_goes_on_bit_by_bit(tmp_path):
    tasks = small_tasks()
    panel, _ = simulate_panel(tasks, workers=15, years=3, seed=4)
    whole = fit(panel, tasks, inference=SETTINGS)
    folder = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        fit(panel, tasks, inference=SETTINGS, progress=StopInSampling(), checkpoint=folder)
    other = SETTINGS.model_copy(update={"seed": 2})
    with pytest.raises(FitError, match=r"of another fit; not the same: \[inference\]"):
        fit(panel, tasks, inference=other, checkpoint=folder)
    told = Told()
    resumed = fit(panel, tasks, inference=SETTINGS, progress=told, checkpoint=folder)
    assert not {"pilot fit", "starting points"} & set(told.what)
    assert not folder.exists()
    for tree in (whole, resumed):
        assert tree.attrs.pop("seconds") > 0
    xr.testing.assert_identical(resumed, whole)
    assert np.isfinite(resumed["posterior"]["skill"]).all()
