"""Files of an earlier report of the same folder, of every kind, go once they are not written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

import report_tree as trees
from taskroy.models.scenario import Augmentation, Automation, Scenario
from taskroy.posteriors.bands import Band
from taskroy.posteriors.grid import Grid, Outcome, Summary, write_grid
from taskroy.posteriors.report import write_report

STUDY = {"panel": {}, "tasks": {}, "model": {}, "inference": {}, "scenario": []}
OCCUPATIONS = [f"Occupation {i}" for i in range(24)]  # enough for bins
NAMES = [f"one by one: {task}" for task in trees.TASKS[:3]] + ["with steps"]


def everything() -> xr.DataTree:
    """Return a posterior of three tasks one by one and a scenario of steps, with groups."""
    tree = trees.make_tree(titles=OCCUPATIONS, workers=[20] * 24, scenarios=NAMES)
    group = tree["counterfactual"].to_dataset()
    share = group["automated_share"].to_numpy().copy()
    share[:3] = np.eye(3, 4)
    rng = np.random.default_rng(2)
    dims = ("scenario", "chain", "draw", "people")
    people = rng.normal(size=(4, trees.CHAINS, trees.DRAWS, 2))
    zero = 0 * group["winners"]
    group = group.assign(
        automated_share=(("scenario", "task"), share),
        **{name: (dims, people) for name in ("people_change", "people_welfare_change")},
        people_winners=(dims, 0.5 + 0 * people),
        people_share=(("scenario", "people"), np.full((4, 2), 0.5)),
        log_price=group["productivity"],
        price_residual=zero,
        surplus_share=1 + 0 * group["winners_by_occupation"],
    ).assign_coords(people=["skill: low", "skill: high"])
    tree["counterfactual"] = xr.DataTree(group)
    steps = Scenario(name=NAMES[3], step=(Automation(), Augmentation(gain=0.1)))
    each = [Automation(name=name) for name in NAMES[:3]]
    tree.attrs["scenarios"] = json.dumps([s.model_dump(mode="json") for s in (*each, steps)])
    tree.attrs["study"] = json.dumps(STUDY)
    return with_densities(tree)


def with_densities(tree: xr.DataTree) -> xr.DataTree:
    taste = tree["posterior"]["taste_scale"]
    taste = taste.assign_coords(
        chain=np.arange(taste.sizes["chain"]), draw=np.arange(taste.sizes["draw"])
    )
    career = xr.DataArray(
        np.random.default_rng(0).normal(size=(*taste.shape, 3)), dims=(*taste.dims, "worker")
    )
    tree["log_prior"] = xr.DataTree(xr.Dataset({"taste_scale": 30 * (taste - taste.mean())}))
    tree["log_likelihood"] = xr.DataTree(xr.Dataset({"career": career}, taste.coords))
    return tree


def grid() -> Grid:
    def outcome(choice: str, mean: float) -> Outcome:
        numbers = Summary(mean, mean - 0.01, mean + 0.01, 0.005)
        headlines = {"winners": numbers, "mean_change": numbers}
        return Outcome(choice, "v", True, "x", "PASS", scenarios={NAMES[0]: headlines})

    variant = {"elpd": -100.0, "elpd_diff": 0.0, "dse": 0.0, "p": 5.0, "influential": 0}
    variants = ({"model": "the study itself", **variant}, {"model": "Tasks: gwa", **variant})
    return Grid(STUDY, Band("eti", 0.9), outcome("", 0.02), (outcome("Tasks", -0.05),), variants)


def files_of(folder: Path) -> set[str]:
    return {p.name for part in ("figures", "tables") for p in (folder / part).iterdir()}


def test_a_report_of_less_leaves_no_file_of_more(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    write_grid(grid(), tmp_path)
    write_report(everything(), tmp_path)
    before = files_of(tmp_path)
    kinds = {re.sub(r"^scenario-\d+-", "", name) for name in before}
    assert kinds >= {
        *("exposure-bins.csv", "people.csv", "people.png", "held.tex", "steps.csv", "within.pdf"),
        *("across-tasks.csv", "uncertainty.csv", "choices.csv", "variants.tex", "tornado.pdf"),
        *("sensitivity.csv", "power-scaling.csv", "scenario-differences-occupations.csv"),
        "scenario-comparison.png",
    }
    (tmp_path / "sensitivity.json").unlink()
    (tmp_path / "figures" / "scenario notes.png").write_text("mine")
    (tmp_path / "tables" / "choices.txt").write_text("mine")
    plain, fresh = trees.make_tree(), tmp_path / "fresh"
    write_report(plain, tmp_path)
    write_report(plain, fresh)
    assert files_of(tmp_path) == files_of(fresh) | {"scenario notes.png", "choices.txt"}
    assert len(before - files_of(fresh)) > 100
