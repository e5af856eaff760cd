"""Variants of the model that a route does not know are refused before any work."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from taskroy.errors import FitError
from taskroy.inference.known_variants import require_known
from taskroy.models.settings import ModelSettings

AHEAD = ModelSettings(state_dependence="experience", discount=0.9)


@pytest.mark.parametrize("method", ["nuts-marginal", "svi"])
def test_who_looks_ahead_is_known_to_nuts_only(method: str) -> None:
    require_known(AHEAD, "nuts")
    with pytest.raises(FitError, match="known to one route only"):
        require_known(AHEAD, method)
    require_known(ModelSettings(state_dependence="experience"), method)


def test_the_baseline_knows_no_experience() -> None:
    with pytest.raises(FitError, match="no returns to experience"):
        require_known(ModelSettings(state_dependence="experience"), "simulated-mle")


def test_without_experience_there_is_nothing_to_look_ahead_to() -> None:
    with pytest.raises(ValidationError, match="Nothing this year decides"):
        ModelSettings(discount=0.9)
