"""A grid is refined until its measured error is within the tolerance."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.inference.accuracy import accurate_grid
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid

N, T, O = 5, 3, 4  # noqa: E741


def example(shock: str = "occupation") -> tuple[Careers, jnp.ndarray]:
    rng = np.random.default_rng(0)
    potential = rng.normal(2.0, 0.4, (N, O))
    held = rng.integers(0, O, (N, T))
    wage = np.take_along_axis(potential, held, 1) + 0.4 * rng.normal(size=(N, T))
    careers = Careers(
        jnp.asarray(potential),
        jnp.zeros((N, T)),
        jnp.zeros(O),
        jnp.asarray(0.4),
        jnp.asarray(0.2),
        observed=jnp.asarray(rng.random((N, T)) < 0.8),
        shock=shock,  # type: ignore[arg-type]
    )
    return careers, jnp.stack([jnp.asarray(wage), jnp.asarray(held, float)], axis=-1)


def test_a_coarse_grid_is_refined() -> None:
    careers, career = example()
    grid, error = accurate_grid(careers, career, Grid(24, 10, 64), 1e-5)
    assert error.largest <= 1e-5
    assert grid.nodes > 24
    assert grid.terms > 10


def test_a_good_grid_is_kept() -> None:
    careers, career = example()
    fine = Grid(128, 44, 400)
    grid, error = accurate_grid(careers, career, fine, 1e-5)
    assert grid == fine
    assert 0 < error.largest <= 1e-5


def test_what_cannot_be_reached_is_reported() -> None:
    careers, career = example()
    _, error = accurate_grid(careers, career, Grid(16, 4, 16), 1e-14)
    assert error.largest > 1e-14


@pytest.mark.parametrize("tolerance", [1e-9])
def test_without_shocks_by_occupation_there_is_nothing_to_integrate(tolerance: float) -> None:
    careers, career = example("worker")
    grid, error = accurate_grid(careers, career, Grid(), tolerance)
    assert grid == Grid()
    assert error.largest == error.summed == 0.0
