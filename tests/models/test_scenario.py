"""Scenarios: which share of each task machines take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from taskroy.errors import ModelError
from taskroy.models.scenario import Automation


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
