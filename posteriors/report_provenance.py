"""What a report says about its own making: model, priors, software, data, licences."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from taskroy.posteriors.tables import Column, Table
from taskroy.posteriors.titles import plain_title

#: As the licences of the sources ask (file NOTICE).
SOURCES = (
    "Task weights shipped with taskroy are derived from the O*NET 29.2 Database by the U.S. "
    "Department of Labor, Employment and Training Administration (USDOL/ETA), used under the CC BY "
    "4.0 license. O*NET® is a trademark of USDOL/ETA. taskroy has modified all or some of this "
    "information; USDOL/ETA has not approved, endorsed, or tested these modifications.",
    "Exposure labels shipped with taskroy are derived from Eloundou, Manning, Mishkin and Rock "
    "(2023), “GPTs are GPTs: An Early Look at the Labor Market Impact Potential of Large Language "
    "Models”, used under the MIT License, Copyright (c) 2024 OpenAI.",
    "The embedded panel is that of Vella and Verbeek (1998), “Whose wages do unions raise? A "
    "dynamic model of unionism and wage rate determination for young men”, Journal of Applied "
    "Econometrics 13, 163–183: men of the National Longitudinal Survey of Youth 1979, U.S. Bureau "
    "of Labor Statistics.",
    "The model follows Freund and Mann (2025).",
)
_UNUSED_PRIORS = {
    ("covariance", "lkj"): ("loading_scale",),
    ("covariance", "factor"): ("skill_corr",),
    ("intercept", "known"): ("intercept_scale", "intercept_constant"),
    ("intercept", "orthogonal"): ("intercept_constant",),
    ("amenities", "none"): ("amenity_scale",),
    ("state_dependence", "none"): ("experience_return",),
}
_LONG = 2000


def model_tables(tree: xr.DataTree) -> tuple[Table, Table]:
    """Return the variant of the model and its priors, as recorded in the posterior.

    Parameters
    ----------
    tree
        A posterior; where it does not record its model, so it is said.

    Returns
    -------
    tuple of Table
        Settings; and priors, each with its unit and reason.
    """
    # Only here, because the models room brings NumPyro, which takes seconds to import.
    from taskroy.models.priors import Priors
    from taskroy.models.settings import ModelSettings

    # Posteriors of earlier versions do not say that there is none.
    recorded = {"state_dependence": "none", **_mapping(tree.attrs.get("model"))}
    priors = _mapping(recorded.get("priors"))
    unused = {
        name
        for (setting, value), names in _UNUSED_PRIORS.items()
        if recorded.get(setting) == value
        for name in names
    }
    settings = [
        {"setting": name, "value": _text(recorded.get(name)), "meaning": field.description or ""}
        for name, field in ModelSettings.model_fields.items()
        if name != "priors" and not (name == "factors" and recorded.get("covariance") != "factor")
    ]
    rows = [
        {
            "prior": name,
            "distribution": _distribution(field.annotation, priors.get(name)),
            "reason": field.description or "",
        }
        for name, field in Priors.model_fields.items()
        if name not in unused
    ]
    return (
        Table(
            "model",
            "The model, as chosen",
            "none",
            pd.DataFrame(settings),
            (Column("setting", "Setting"), Column("value", "Value"), Column("meaning", "Meaning")),
        ),
        Table(
            "priors",
            "Priors, with units and reasons",
            "none",
            pd.DataFrame(rows),
            (
                Column("prior", "Prior of"),
                Column("distribution", "Distribution"),
                Column("reason", "Symbol, unit and reason"),
            ),
        ),
    )


def provenance_table(tree: xr.DataTree) -> Table:
    """Return the attributes of a posterior that no other table or text shows, as text."""
    rows = [
        {"item": plain_title(key), "value": plain_title(_text(value), longest=_LONG)}
        for key, value in sorted(tree.attrs.items())
        if key not in ("model", "study", "scenarios", "sample")
    ]
    return Table(
        "provenance",
        "Where the posterior comes from",
        "none",
        pd.DataFrame(rows, columns=["item", "value"]),
        (Column("item", "Item"), Column("value", "Value")),
    )


def study_text(tree: xr.DataTree) -> str:
    """Return the study as recorded, with all defaults, one setting a line; empty if it is not."""
    study = tree.attrs.get("study")
    return json.dumps(_mapping(study), indent=2, ensure_ascii=False) if study else ""


def productivity_rules(tree: xr.DataTree) -> dict[str, Any]:
    """Return the rule for the productivity of machines by name of the scenario.

    Of a scenario with several steps it is that of its only automation; where there are more or
    none, nothing.
    """
    recorded = tree.attrs.get("scenarios", _mapping(tree.attrs.get("study")).get("scenario"))
    if isinstance(recorded, str):
        recorded = json.loads(recorded)
    if not isinstance(recorded, Sequence):
        return {}
    return {
        plain_title(scenario["name"]): _rule(scenario)
        for scenario in recorded
        if isinstance(scenario, Mapping) and "name" in scenario
    }


def _rule(scenario: Mapping[str, Any]) -> Any:
    automations = [
        step for step in scenario.get("step", [scenario]) if step.get("productivity") is not None
    ]
    if len(automations) != 1:
        return None
    rule = automations[0]["productivity"]
    return (rule, automations[0]["quantile"]) if rule == "quantile" else rule


def _mapping(value: object) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    if value is None:
        return "not recorded"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return " to ".join(map(str, value)) if len(value) == 2 else ", ".join(map(str, value))
    return str(value)


def _distribution(kind: object, value: object) -> str:
    if not isinstance(value, Mapping):
        return _text(value)
    name = getattr(kind, "__name__", "")
    return f"{name}({', '.join(f'{key} {number:g}' for key, number in value.items())})"
