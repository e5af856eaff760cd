"""Tasks compared, on numbers made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from taskroy.posteriors.bands import Band
from taskroy.posteriors.table_across_tasks import across_tasks_table

BAND = Band("eti", 0.9)
TASKS = ["writing", "selling", "lifting", "caring"]


def tree(whole: tuple[int, ...]) -> xr.DataTree:
    """Scenarios that automate these tasks one by one, and one that automates half of everything."""
    rng = np.random.default_rng(4)
    share = np.vstack([np.eye(4)[list(whole)], np.full(4, 0.5)])
    scenarios = len(share)
    shape = {"chain": 2, "draw": 30}
    draws = xr.Dataset(
        {
            "automated_share": (("scenario", "task"), share),
            "resorting": (
                ("scenario", *shape, "occupation"),
                rng.normal(size=(scenarios, *shape.values(), 3)),
            ),
            "employment_before": (
                ("scenario", *shape, "occupation"),
                rng.dirichlet(np.ones(3), (scenarios, *shape.values())),
            ),
            "mean_change": (("scenario", *shape), rng.normal(size=(scenarios, *shape.values()))),
        },
        {"scenario": [f"s{i}" for i in range(scenarios)], "task": TASKS},
    )
    sd = xr.Dataset({"skill_sd": ((*shape, "task"), rng.lognormal(size=(*shape.values(), 4)))})
    return xr.DataTree.from_dict({"posterior": sd, "counterfactual": draws})


def test_each_task_stands_with_its_own_skill_and_its_own_effect() -> None:
    whole = (2, 0, 3)
    given = tree(whole)
    table = across_tasks_table(given, BAND)
    assert table is not None
    frame = table.frame.set_index("task")
    draws, sd = given["counterfactual"], given["posterior"]["skill_sd"].to_numpy()
    effect = (draws["resorting"].to_numpy() * draws["employment_before"].to_numpy()).sum(-1)
    assert set(frame.index) == {"lifting", "writing", "caring"}
    for place, task in enumerate(whole):
        row = frame.loc[TASKS[task]]
        assert row["resorting"] == pytest.approx(effect[place].mean())
        assert row["skill_sd"] == pytest.approx(sd[..., task].mean())
        assert row["rise_probability"] == pytest.approx((effect[place] > 0).mean())
    assert list(table.frame["resorting"]) == sorted(table.frame["resorting"], reverse=True)
    correlation = [
        stats.spearmanr(effect[:3, chain, draw], sd[chain, draw, list(whole)]).statistic
        for chain in range(2)
        for draw in range(30)
    ]
    assert f"is {np.mean(correlation):.2f} [" in table.notes[0]


def test_two_tasks_are_no_comparison() -> None:
    assert across_tasks_table(tree((1, 2)), BAND) is None
