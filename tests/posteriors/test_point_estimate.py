"""Simulated maximum likelihood, from a panel to a tree that the gate refuses in words."""

from __future__ import annotations

import numpy as np
import pytest

from taskroy.data.simulate import simulate_panel
from taskroy.errors import GateError
from taskroy.inference.settings import InferenceSettings
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.checks import check
from taskroy.posteriors.fit import fit
from taskroy.posteriors.gate import require_gate


def test_a_point_estimate_fills_the_tree_and_is_refused(few_tasks):
    panel, _ = simulate_panel(few_tasks, workers=40, years=3, seed=2, shock="worker")
    # The variants that compile fastest.
    model = ModelSettings(shock="worker", amenities="none", intercept="known")
    effort = {"simulation_draws": 20, "simulation_steps": 20, "batch_size": 20}
    tree = fit(
        panel,
        few_tasks,
        model=model,
        inference=InferenceSettings(method="simulated-mle", **effort),
    )
    for values in tree["posterior"].to_dataset().values():
        assert values.shape[:2] == (1, 1)
        assert np.isfinite(values).all()
    assert tree["posterior"]["skill"].shape == (1, 1, 40, 2)
    assert tree["sample_stats"]["simulated_log_likelihood"].shape == (1, 1)
    with pytest.raises(GateError, match="point estimate, from 20 simulation draws"):
        require_gate(check(tree), remedy="none")
