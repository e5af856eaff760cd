"""A grid is refined until its measured error is within the tolerance."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.inference.accuracy import accurate_for_derivatives, accurate_grid
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid
from wide_panel import wide_panel

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
    grid, error = accurate_grid(careers, career, Grid(24, 5, 64), 1e-5)
    assert error.largest <= 1e-5
    assert grid.nodes > 24
    assert grid.terms > 5


def test_a_series_that_is_good_is_kept_where_nodes_are_wanting() -> None:
    careers, career = example()
    grid, error = accurate_grid(careers, career, Grid(24, 24, 112), 1e-5)
    assert error.largest <= 1e-5
    assert (grid.terms, grid.knots) == (24, 112)
    assert grid.nodes > 24


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


def test_a_grid_for_derivatives_is_refined_until_they_are_those_of_the_determinant() -> None:
    there, career, weights, _ = wide_panel("occupation")
    known, loading = jnp.asarray(career), jnp.asarray(weights)
    root = jnp.asarray(np.random.default_rng(1).normal(size=(len(career), 3, 3)))
    metric = root @ root.mT / 30
    fine = Grid(nodes=240, terms=80, knots=800)

    def along(log_scale: float) -> jnp.ndarray:
        at = there.replace(grid=fine, taste_scale=jnp.exp(log_scale))
        return at.choice_curvature_along(known, loading, metric)

    middle, step = np.log(float(there.taste_scale)), 1e-4
    exact = (along(middle + step) - along(middle - step)) / (2 * step)

    def error(grid: Grid) -> float:
        def at(scale: jnp.ndarray) -> jnp.ndarray:
            changed = there.replace(grid=grid, taste_scale=scale)
            return changed.choice_curvature_along(known, loading, metric)

        found = jax.jvp(at, (there.taste_scale,), (there.taste_scale,))[1]
        return float(jnp.sqrt(jnp.mean((found - exact) ** 2)))

    first = Grid(32, 6, 80)
    grid = accurate_for_derivatives(there, known, loading, metric, first)
    assert error(first) > 0.1
    assert error(grid) < 0.06
    assert accurate_for_derivatives(there, known, loading, metric, grid) == grid


def test_without_shocks_by_occupation_derivatives_need_no_grid() -> None:
    there, career, weights, _ = wide_panel("worker")
    metric = jnp.zeros((len(career), 3, 3))
    args = (there, jnp.asarray(career), jnp.asarray(weights), metric)
    assert accurate_for_derivatives(*args, Grid(8, 4, 16)) == Grid(8, 4, 16)
