"""What a result takes for granted: assumptions, what holds them, and what would change them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from taskroy.posteriors.tables import Column, Table

_EVERYWHERE = "not in the model"
_CHOICES = {
    "shock": {
        "occupation": "A worker's wage shocks differ between occupations, and he sees them before "
        "he chooses.",
        "worker": "A worker's wage shock of a year is the same in every occupation and does not "
        "move his choice.",
    },
    "intercept": {
        "known": "What occupations pay for given skills follows from their task weights alone.",
        "pooled": "What occupations pay for given skills is scattered around what their task "
        "weights say; how far is estimated.",
        "orthogonal": "What occupations pay for given skills is free, as far as task weights do "
        "not explain it.",
    },
    "amenities": {
        "none": "People choose for wages and chance tastes only.",
        "pooled": "Occupations have a value of their own besides wages, the same for everyone.",
    },
    "state_dependence": {
        "none": "People stay in an occupation for their skills alone: moving costs nothing.",
        "experience": "The occupation held when last seen pays more, equally in all; results "
        "compare one long run with another.",
    },
    "covariance": {
        "lkj": "Skills are normally distributed, freely correlated.",
        "factor": "Skills are normally distributed, correlated through a few factors.",
    },
}
_STEPS = {
    "prices": (
        "Prices of what occupations make",
        "stay as they are, however many work there",
        "respond to how much is made, in scenarios with that step",
    ),
    "bargaining": (
        "Wage setting",
        "employers compete: a worker is paid what he adds",
        "gains are shared with employers, in scenarios with that step",
    ),
}
_CHOICE = (
    "Each year anew, among all occupations; ",
    "for that year alone",
    "what the occupation held adds to later years counts, too",
)
_ALWAYS = (
    (
        "Who there is",
        "The workers of the panel, at the mean of their covariates; nobody enters, retires, is out "
        "of work or changes hours.",
        _EVERYWHERE,
    ),
    (
        "Skills",
        "Do not change over the years of the panel, nor by training after the change.",
        "steps 'augmentation' and 'simplification'",
    ),
    (
        "Tasks",
        "An occupation is the same bundle for all who hold it, in all years; no new tasks or "
        "occupations come up.",
        "[tasks]: another table",
    ),
    (
        "What machines take over",
        "Labels of exposure are taken at their word, and machines cost the same everywhere.",
        "[[scenario]]: exposure, above, tasks, productivity",
    ),
    (
        "Covariates",
        "Shift wages in all occupations alike, and not the choice.",
        _EVERYWHERE,
    ),
)


def model_card(tree: xr.DataTree) -> Table:
    """Return what the results of a posterior take for granted.

    Parameters
    ----------
    tree
        With the attributes ``model`` and ``scenarios``; what is not recorded is left out.
    """
    model: Mapping[str, Any] = {"state_dependence": "none", **(tree.attrs.get("model") or {})}
    chosen = [
        (name.replace("_", " ").capitalize(), words[model[name]], f"[model] {name}")
        for name, words in _CHOICES.items()
        if model.get(name) in words
    ]
    taken = [
        step
        for scenario in json.loads(tree.attrs.get("scenarios", "[]"))
        for step in scenario.get("step", ())
    ]
    kinds = {step.get("kind") for step in taken}
    steps = [
        (title, f"{with_it if kind in kinds else without}.".capitalize(), f"a step '{kind}'")
        for kind, (title, without, with_it) in _STEPS.items()
    ]
    rows = [*_ALWAYS[:-1], *steps, _choice(model, taken), _ALWAYS[-1], *chosen]
    return Table(
        "model-card",
        "What is assumed, and what would change it",
        "none",
        pd.DataFrame(rows, columns=["about", "assumed", "changed_by"]),
        (
            Column("about", "About"),
            Column("assumed", "Assumed"),
            Column("changed_by", "Changed by"),
        ),
    )


def _choice(model: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """Say how far ahead people look, in the model and in scenarios with another return."""
    always, static, ahead = _CHOICE
    if model.get("discount"):
        return "Choice", f"{always}{ahead}.", "[model] discount"
    if any(step.get("discount") for step in steps):
        static += f"; in scenarios with a step 'learning', {ahead}"
    return "Choice", f"{always}{static}.", "[model] discount, a step 'learning'"
