"""Priors say what they are in, and nothing unknown is taken for one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpyro.distributions import Distribution
from pydantic import ValidationError

from taskroy.models.priors import HalfNormal, LogNormal, Priors
from taskroy.models.settings import ModelSettings


@pytest.mark.parametrize("name", list(Priors.model_fields))
def test_every_prior_has_a_unit_and_a_reason(name: str) -> None:
    description = Priors.model_fields[name].description or ""
    # What is no log wage is a pure number: a correlation or a fraction.
    assert any(word in description for word in ("log-wage units", "Correlations", "fraction"))
    assert len(description.split()) >= 9, "a unit and a reason"


def test_every_setting_of_the_model_is_described() -> None:
    for name, field in ModelSettings.model_fields.items():
        assert name == "priors" or field.description, name


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"taste": {"median": 0.3, "log_sd": 0.5}}, "taste"),
        ({"taste_scale": {"median": 0.3, "log_sd": 0.5, "mean": 1}}, "taste_scale.mean"),
        ({"taste_scale": {"median": 0.3}}, "taste_scale.log_sd"),
        ({"taste_scale": {"median": 0.0, "log_sd": 0.5}}, "taste_scale.median"),
        ({"taste_scale": {"median": float("nan"), "log_sd": 0.5}}, "taste_scale.median"),
        ({"taste_scale": {"median": float("inf"), "log_sd": 0.5}}, "taste_scale.median"),
        ({"skill_mean": {"sd": -1.0}}, "skill_mean.sd"),
        ({"skill_corr": {"concentration": 0.0}}, "skill_corr.concentration"),
        ({"amenity_scale": {"scale": "wide"}}, "amenity_scale.scale"),
    ],
)
def test_wrong_priors_are_refused_by_name(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Priors(**fields)
    assert place in {".".join(map(str, e["loc"])) for e in caught.value.errors()}


def test_settings_reach_the_priors() -> None:
    settings = ModelSettings.model_validate(
        {"priors": {"taste_scale": {"median": 0.3, "log_sd": 0.5}}}
    )
    assert settings.priors.taste_scale.median == 0.3
    assert settings.priors.wage_shock_scale == Priors().wage_shock_scale
    with pytest.raises(ValidationError, match="factors"):
        ModelSettings(factors=0)
    with pytest.raises(ValidationError, match="amenity"):
        ModelSettings.model_validate({"amenity": "none"})


@pytest.mark.parametrize(
    ("prior", "points", "below"),
    [
        (LogNormal(median=0.3, log_sd=0.5), (0.3, 0.3 * np.exp(0.5)), (0.5, 0.8413447)),
        (HalfNormal(scale=2.0), (2 * 0.6744898, 2.0), (0.5, 0.6826895)),
    ],
    ids=["log-normal", "half-normal"],
)
def test_distributions(
    prior: LogNormal | HalfNormal, points: tuple[float, ...], below: tuple[float, ...]
) -> None:
    found = prior.distribution()
    assert isinstance(found, Distribution)
    np.testing.assert_allclose(found.cdf(np.array(points)), below, atol=1e-7)
