"""What is said of effects that are not numbers."""

from __future__ import annotations

import numpy as np
import pytest

from taskroy.errors import ModelError
from taskroy.posteriors.check_effects import Names, check_effects

NAMES = Names("s", ("Writers", "Sellers"), 0.95)


def effects(**changed: object) -> dict[str, np.ndarray]:
    """Return effects of three draws, all of them numbers but those that are changed."""
    shares = np.full((3, 2), 0.5)
    numbers = {name: np.zeros(3) for name in ("price_residual", "unsettled", "stuck", "winners")}
    numbers |= {"employment_before": shares, "employment_after": shares}
    numbers |= {"log_wage_change": 0 * shares, "group_change": np.zeros((3, 4, 2))}
    # Not numbers by right.
    missing = {
        name: np.full((3, 2), np.nan) for name in ("people_change", "productivity_threshold")
    }
    return numbers | missing | {name: np.asarray(value, float) for name, value in changed.items()}


def test_numbers_pass() -> None:
    check_effects(effects(), NAMES)


EMPTY = [[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]]
WITHOUT = [[0.0, 0.0], [0.0, np.nan], [0.0, 0.0]]
ALL = np.full((3, 2), np.nan)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"employment_before": EMPTY}, "Nobody works in 'Sellers' before the scenario in 2 of 3"),
        (
            {"employment_after": EMPTY, "log_wage_change": WITHOUT},
            "'Sellers' after.*\nExpected: some employment.*\nTo do: automate a smaller share",
        ),
        ({"log_wage_change": WITHOUT}, "'log_wage_change' of 'Sellers' is not finite"),
        ({"group_change": [4 * [x] for x in WITHOUT]}, "'group_change' of 'Sellers' is not"),
        ({"winners": [0, np.nan, 0]}, "'winners' is not finite in some draws"),
        ({"price_residual": [0, 1e-3, np.nan]}, "prices do not converge in 2 of 3 draws"),
        (
            {"unsettled": [0, 4, 1], "employment_after": ALL, "winners": [0, np.nan, np.nan]},
            "fixed point .* at the discount β = 0.95, was not found for up to 4 workers in 2 of 3 "
            "draws.\nExpected: .*\nTo do: lower 'discount' or 'returns'",
        ),
        ({"stuck": [0, 0, 7]}, "Up to 7 workers leave .* in 1 of 3 draws"),
        # A wage that was no number to begin with is no fault of the fixed point.
        ({"employment_before": ALL}, "'employment_before' of 'Writers' is not finite"),
    ],
)
def test_each_fault_has_its_own_words(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=f"(?s)scenario 's': .*{message}"):
        check_effects(effects(**changed), NAMES)
