"""Scenarios: which share of each task machines take, one by one or together; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from taskroy.errors import ModelError
from taskroy.models.scenario import (
    Augmentation,
    Automation,
    Bargaining,
    Learning,
    Prices,
    Scenario,
    Simplification,
)
from taskroy.models.scenario_tasks import (
    NothingChanges,
    automated_shares,
    check_scenario,
    expand,
)


@pytest.fixture
def exposure() -> pd.DataFrame:
    return pd.DataFrame(
        {"human_beta": [0.1, 0.6, 0.35], "gpt4_beta": [0.0, 0.5, 1.0], "broken": [0.2, 1.5, 0.1]},
        index=["lifting", "writing", "selling"],
    )


@pytest.mark.parametrize(
    ("fields", "share"),
    [
        ({}, [0.1, 0.6, 0.35]),
        ({"exposure": "gpt4_beta"}, [0.0, 0.5, 1.0]),
        ({"above": 0.3}, [0, 1, 1]),
        ({"above": 0.6, "exposure": "gpt4_beta"}, [0, 0, 1]),
        ({"tasks": ["selling"]}, [0, 0, 1]),
        ({"tasks": ["writing", "lifting"]}, [1, 1, 0]),
    ],
)
def test_shares(fields: dict[str, Any], share: list[float], exposure: pd.DataFrame) -> None:
    np.testing.assert_array_equal(Automation(**fields).shares(exposure), share)


def test_a_cut_is_strict(exposure: pd.DataFrame) -> None:
    np.testing.assert_array_equal(Automation(above=0.35).shares(exposure), [0, 1, 0])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tasks": ["writing"], "above": 0.3}, r"names tasks and also gives a cut"),
        ({"tasks": ["riting"]}, r"'riting', which is no task(.|\n)*lifting, writing, selling"),
        ({"tasks": []}, r"automates nothing"),
        ({"exposure": "webb"}, r"no exposure label 'webb'(.|\n)*human_beta, gpt4_beta"),
        ({"exposure": "broken"}, r"exposure of 'writing' is 1.5"),
        ({"above": 0.9}, r"automates nothing(.|\n)*lower the cut"),
    ],
)
def test_what_cannot_be_is_refused(
    fields: dict[str, Any], message: str, exposure: pd.DataFrame
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        Automation(name="robots", **fields).shares(exposure)
    assert "scenario 'robots'" in str(caught.value)


def test_missing_labels_are_refused(exposure: pd.DataFrame) -> None:
    exposure.loc["selling", "human_beta"] = np.nan
    with pytest.raises(ModelError, match="exposure of 'selling' is nan"):
        Automation().shares(exposure)


@pytest.mark.parametrize(
    "fields",
    [
        {"above": 1.5},
        {"above": -0.1},
        {"name": ""},
        {"name": "x" * 81},
        {"automate": ["writing"]},
        {"productivity": "free"},
        {"productivity": float("nan")},
        {"productivity": float("inf")},
    ],
    ids=str,
)
def test_settings_are_checked(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Automation(**fields)


def test_productivity_is_a_number_or_the_threshold() -> None:
    assert Automation(productivity=-0.5).productivity == -0.5
    assert Automation().productivity == "threshold"


@pytest.mark.parametrize(
    ("fields", "tasks"),
    [
        ({}, ["lifting", "writing", "selling"]),
        ({"above": 0.3}, ["writing", "selling"]),
        ({"tasks": ("selling", "lifting")}, ["lifting", "selling"]),
    ],
)
def test_each_task_becomes_a_scenario(
    fields: dict[str, Any], tasks: list[str], exposure: pd.DataFrame
) -> None:
    found = expand([Automation(name="m", each=True, productivity=0.2, **fields)], exposure)
    assert [one.name for one in found] == [f"m: {task}" for task in tasks]
    for one, task in zip(found, tasks, strict=True):
        assert isinstance(one, Automation)
        assert one.productivity == 0.2
        np.testing.assert_array_equal(one.shares(exposure), exposure.index == task)


def test_each_task_is_taken_with_the_other_steps(exposure: pd.DataFrame) -> None:
    steps = (Automation(each=True, above=0.3), Prices())
    first, second, alone = expand([Scenario(name="p", step=steps), Automation()], exposure)
    assert (first.name, second.name, alone) == ("p: writing", "p: selling", Automation())
    assert isinstance(first, Scenario)
    assert first.step == (Automation(tasks=("writing",)), Prices())


def test_what_two_steps_automate_adds_up(exposure: pd.DataFrame) -> None:
    steps = (Automation(), Augmentation(), Automation(above=0.5), Automation())
    share = automated_shares(Scenario(name="s", step=steps), exposure)
    np.testing.assert_allclose(share, [1 - 0.9**2, 1, 1 - 0.65**2])
    assert not automated_shares(Scenario(name="s", step=(Augmentation(),)), exposure).any()


def checked(
    scenario: Automation | Scenario, exposure: pd.DataFrame, *, experience: bool = False
) -> None:
    weights = np.array([[0.5, 0.5, 0.0], [0.2, 0.2, 0.6]])
    titles = ["Writers", "Sellers"]
    check_scenario(scenario, exposure, weights, titles, experience=experience)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Automation(tasks=("writing", "lifting")), "leaves 'Writers' without labour"),
        (Scenario(name="s", step=(Automation(above=0.5), Automation(tasks=("lifting",)))), "Write"),
        (Scenario(name="s", step=(Augmentation(tasks=("riting",)), Prices())), "'s'.*augments 'ri"),
        (Scenario(name="s", step=(Augmentation(exposure="broken"),)), "'s'.* of 'writing' is 1.5"),
        (Scenario(name="s", step=(Augmentation(tasks=()),)), "It augments nothing"),
    ],
)
def test_impossible_scenarios_are_refused(
    scenario: Automation | Scenario, message: str, exposure: pd.DataFrame
) -> None:
    with pytest.raises(ModelError, match=message):
        checked(scenario, exposure)


@pytest.mark.parametrize("before", [(), (Learning(),)], ids=["nothing", "learning"])
def test_bargaining_over_nothing_is_refused(before: tuple[Any, ...]) -> None:
    message = r"In 's' workers and employers bargain over gains that no step before has made.*below"
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Scenario(name="s", step=(*before, Bargaining(share=0.5), Automation()))
    for gain in (Automation(), Augmentation(), Simplification(quantile=0.5)):
        Scenario(name="s", step=(*before, gain, Bargaining(share=0.5), Automation()))


def test_a_scenario_that_does_nothing_is_named(exposure: pd.DataFrame) -> None:
    checked(Scenario(name="s", step=(Augmentation(gain=0.1), Prices())), exposure)
    share = (Augmentation(gain=0.0), Bargaining(share=0.5), Prices())
    for steps in (share, (Augmentation(gain=0.0),)):
        with pytest.warns(NothingChanges, match="scenario 'idle': None of its steps"):
            checked(Scenario(name="idle", step=steps), exposure)


def test_where_experience_paid_to_end_that_is_a_change(exposure: pd.DataFrame) -> None:
    for steps in ((Learning(returns=0),), (Learning(returns=0, discount=0.9),)):
        scenario = Scenario(name="s", step=steps)
        with pytest.warns(
            NothingChanges, match="'s': None.*step 1, learning: experience pays noth"
        ):
            checked(scenario, exposure)
    checked(Scenario(name="s", step=(Learning(returns=0),)), exposure, experience=True)
    checked(Scenario(name="s", step=(Learning(), Learning(returns=0))), exposure)


SELLING = Automation(tasks=("selling",), productivity=0.1)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((SELLING, Augmentation(tasks=("selling",))), "step 2, augmentation: machines already do"),
        (
            (SELLING, Simplification(tasks=("selling",), quantile=0.5)),
            "step 2, simplification: mac",
        ),
        ((SELLING, SELLING), "step 2, automation: machines already do"),
        ((SELLING, Augmentation(gain=0.0), Prices()), "step 2, augmentation: its gain is zero"),
        ((SELLING, Simplification(quantile=0.5, strength=0)), "step 2, .*: its strength is zero"),
        ((Learning(returns=0), SELLING), "step 1, learning: experience pays nothing"),
        ((Augmentation(tasks=("lifting",)), SELLING), None),
        ((Augmentation(tasks=("selling",)), SELLING), None),
        ((SELLING, Bargaining(), Prices(elasticity="infinite")), None),
    ],
)
def test_a_step_that_does_nothing_is_named(
    steps: tuple[Any, ...], message: str | None, exposure: pd.DataFrame
) -> None:
    scenario = Scenario(name="s", step=steps)
    if message is None:
        checked(scenario, exposure)
        return
    with pytest.warns(NothingChanges, match=f"scenario 's': {message}"):
        checked(scenario, exposure)


@pytest.mark.parametrize("kind", [Automation, Augmentation])
def test_tasks_that_nobody_does_are_named(kind: Any, exposure: pd.DataFrame) -> None:
    nobody = kind(tasks=("dreaming",))
    exposure.loc["dreaming"] = 0.5
    weights = np.array([[0.5, 0.5, 0.0, 0.0], [0.2, 0.2, 0.6, 0.0]])
    for steps, found in (((nobody,), "None of its.*step 1"), ((SELLING, nobody), "step 2")):
        scenario = Scenario(name="s", step=steps)
        with pytest.warns(NothingChanges, match=f"{found}, {nobody.kind}: no occupation has"):
            check_scenario(scenario, exposure, weights, ["Writers", "Sellers"])
