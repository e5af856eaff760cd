"""What a posterior keeps of the panel's weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

from taskroy.data.simulate import simulate_panel
from taskroy.models.technology import Technology
from taskroy.posteriors.posterior_groups import constants_dataset


@pytest.fixture(autouse=True)
def double_precision() -> Any:
    with jax.enable_x64(True):
        yield


def test_weights_of_workers_are_kept_with_groups_or_without(few_tasks: Any) -> None:
    plain, _ = simulate_panel(few_tasks, workers=12, years=3, seed=4)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(plain.frame))
    panel = replace(plain, frame=plain.frame.assign(weight=weight))
    frame = panel.frame.assign(**{"by half": np.where(panel.frame["worker"] < 6, "a", "b")})
    told_apart = replace(panel, frame=frame, groups=("half",))
    technology = Technology.from_task_weights(
        few_tasks.weights.to_numpy(), few_tasks.labor_share.to_numpy()
    )
    coordinates = {
        "occupation": list(few_tasks.occupations),
        "task": list(few_tasks.tasks),
        "exposure_label": list(few_tasks.exposure.columns),
    }
    expected = panel.frame.groupby("worker")["weight"].mean().to_numpy()
    for one, groups in ((panel, False), (told_apart, True), (plain, None)):
        arrays = one.arrays(few_tasks.occupations)
        found = constants_dataset(one, arrays, few_tasks, technology, coordinates)
        assert ("worker_weight" in found) == (groups is not None)
        assert ("member" in found) == bool(groups)
        if groups is not None:
            np.testing.assert_allclose(found["worker_weight"], expected, rtol=1e-14)
            assert found["worker"].to_numpy().tolist() == list(range(12))
