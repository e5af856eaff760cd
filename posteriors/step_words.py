"""The steps of a scenario besides automation, in sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from taskroy.posteriors.titles import plain_title


def steps_in_words(tree: xr.DataTree) -> dict[str, list[str]]:
    """Return what happens besides automation, step by step, by name of the scenario."""
    recorded = tree.attrs.get("scenarios", "[]")
    return {
        plain_title(scenario["name"]): [
            _step_in_words(step)
            for step in scenario.get("step", ())
            if step.get("kind") != "automation"
        ]
        for scenario in json.loads(recorded)
    }


def _step_in_words(step: Mapping[str, Any]) -> str:
    if step["kind"] in ("augmentation", "simplification"):
        named = step.get("tasks")
        at = (
            "at " + ", ".join(f"“{plain_title(task)}”" for task in named)
            if named
            else f"at tasks exposed above {step['above']:g}"
            if step.get("above") is not None
            else "at every task, in proportion to its exposure"
        )
        if step["kind"] == "augmentation":
            return f"Everyone’s log skill changes by {step['gain']:g} {at}."
        required = (
            f"the {step['quantile']:g}-quantile of workers"
            if step.get("quantile") is not None
            else f"{step['requirement']:g}"
        )
        return (
            f"Workers whose skill is below {required} make up {step['strength']:.0%} of what they "
            f"lack {at}."
        )
    if step["kind"] == "bargaining":
        return (
            f"Workers receive {step['share']:.0%} of what is added to their jobs, less the easier "
            f"they are to replace (elasticity {step['elasticity']:g})."
        )
    if step["kind"] == "learning":
        ahead = step.get("discount")
        return (
            "The occupation that a worker held the year before pays him "
            f"{100 * step['returns']:g} log points more than it pays a newcomer."
            + ("" if ahead is None else f" Workers look ahead to that, at a discount of {ahead:g}.")
        )
    if step["elasticity"] == "infinite":
        return "Prices of what occupations produce stay as they are."
    return (
        "Prices of what occupations produce clear markets, with an elasticity of substitution of "
        f"{step['elasticity']:g}."
    )
