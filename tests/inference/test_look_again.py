"""A fit far from where it was looked from is one to look from again, at most four times."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import pytest

from few_careers import few_careers
from taskroy.inference.look_again import look_again
from taskroy.inference.problem import Problem
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

START = {
    "wage_shock_scale": jnp.asarray(0.4),
    "taste_scale": jnp.asarray(0.3),
    "skill_sd": jnp.array([0.5, 0.8]),
    "skill_corr_cholesky": jnp.array([[1.0, 0.0], [0.6, 0.8]]),
    "coefficient": jnp.array([0.2]),
    "mean_potential": jnp.array([2.1, 2.2, 2.3]),
}
SETTINGS = ModelSettings(intercept="known", amenities="none")


class Guide:
    """The fit of a problem, whose taste scale is another's than the problem's."""

    def __init__(self, problem: Problem, factor: float) -> None:
        self.values = dict(problem.pilot.values)
        self.values["taste_scale"] = factor * self.values["taste_scale"]

    def median(self) -> dict[str, Any]:
        return self.values


def looks(factors: list[float]) -> tuple[float, int]:
    """Return the taste scale last looked from and the number of fits, given what each finds."""
    problem, fits = few_careers(SETTINGS, Grid(), (3, 1, 2, 3)), []
    values = START | {"skill_mean": jnp.array([2.0, 2.5])}
    values = {k: v for k, v in values.items() if k in problem.sites(skills=False)}
    first = problem.looked_at_from(values, 1e-4)

    def fit(found: Problem) -> Any:
        fits.append(found)
        return Guide(found, factors[min(len(fits), len(factors)) - 1])

    last, _ = look_again(first, fit, 1e-4)
    assert last is fits[-1]
    return float(last.pilot.values["taste_scale"]), len(fits)


@pytest.mark.parametrize(
    ("factors", "scale", "fits"),
    [
        ([1.1], 0.3, 1),
        ([0.5, 1.1], 0.15, 2),
        ([1.5, 0.5, 0.95], 0.225, 3),
        ([0.75], 0.3 * 0.75**4, 5),
    ],
)
def test_looks_follow_fits_as_long_as_they_go_far(
    factors: list[float], scale: float, fits: int
) -> None:
    found = looks(factors)
    assert found == (pytest.approx(scale), fits)
