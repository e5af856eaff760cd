"""The card of assumptions says those of the study at hand, for every variant of the model."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
import xarray as xr

from taskroy.models.learning import Learning
from taskroy.models.scenario import Automation, Bargaining, Prices, Scenario
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.model_card import model_card


def assumed(model: dict[str, Any], *steps: Any) -> dict[str, str]:
    scenario = Scenario(name="s", step=(Automation(), *steps))
    tree = xr.DataTree()
    tree.attrs = {"model": model, "scenarios": json.dumps([scenario.model_dump(mode="json")])}
    frame = model_card(tree).frame
    return dict(zip(frame["about"], frame["assumed"], strict=True))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name, field in ModelSettings.model_fields.items()
        for value in get_args(field.annotation)
        if isinstance(value, str)
    ],
)
def test_every_variant_has_a_sentence_of_its_own(name: str, value: str) -> None:
    here = assumed(ModelSettings(**{name: value}).model_dump())
    others = {
        other for other in get_args(ModelSettings.model_fields[name].annotation) if other != value
    }
    title = name.replace("_", " ").capitalize()
    assert here[title].endswith(".")
    for other in others:
        there = assumed(ModelSettings(**{name: other}).model_dump())
        assert {k for k in here if here[k] != there[k]} == {title}


def test_steps_change_what_is_assumed() -> None:
    plain = assumed(ModelSettings().model_dump())
    assert plain["Wage setting"].startswith("Employers compete")
    assert "Stay as they are" in plain["Prices of what occupations make"]
    both = assumed(ModelSettings().model_dump(), Bargaining(share=0.5), Prices())
    assert both["Wage setting"].startswith("Gains are shared")
    assert "Respond to how much is made" in both["Prices of what occupations make"]


def test_an_older_posterior_is_static() -> None:
    model = ModelSettings().model_dump()
    del model["state_dependence"]
    assert "moving costs nothing" in assumed(model)["State dependence"]


def test_the_card_knows_how_far_people_look_ahead() -> None:
    model = ModelSettings(state_dependence="experience").model_dump()
    assert assumed(model)["Choice"].endswith("for that year alone.")
    ahead = assumed(model | {"discount": 0.9})["Choice"]
    assert "counts, too" in ahead
    assert "alone" not in ahead
    foreseen = assumed(model, Learning(returns=0.1, discount=0.9))["Choice"]
    assert "alone; in scenarios with a step 'learning'" in foreseen
