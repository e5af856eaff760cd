"""Series of ψ against the table that they are of, where the integrand counts."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models.psi_series import BentAxis, chebyshev_terms, series_at
from taskroy.models.psi_table import PsiTable, look_up, psi_table, support

# Worths y range from next to nothing to where ψ of the best leaves e^-24 of the integrand.
LOWEST, DROPPED = -60.0, -24.0
BACK = np.linspace(0.0, 30.0, 40)


def table_of(ratio: float) -> PsiTable:
    return psi_table(jnp.asarray(ratio), 1200, highest=2, bottom=-80.0)


def worths(ratio: float) -> np.ndarray:
    highest = max(3.3, float(support(jnp.asarray(ratio), DROPPED)[1]))
    return np.linspace(LOWEST, highest, 800)


@pytest.mark.parametrize("ratio", [0.1, 0.7, 1.5, 2.3, 4.5, 8.0])
@pytest.mark.parametrize(("terms", "error"), [(20, 5e-5), (30, 1e-6)])
def test_a_series_is_psi_where_it_counts(ratio: float, terms: int, error: float) -> None:
    table, y = table_of(ratio), worths(ratio)
    axis = BentAxis.over(jnp.asarray(y), jnp.asarray(ratio))
    matrix = series_at(axis.points(terms), jnp.asarray(BACK), table, 0)
    found = jnp.stack(chebyshev_terms(axis.place(jnp.asarray(y)), terms), axis=1) @ matrix
    exact = np.asarray(look_up(table, jnp.asarray(y[:, None] - BACK)))
    assert np.abs(np.asarray(found) - exact)[exact > DROPPED].max() < error


@pytest.mark.parametrize("ratio", [0.1, 1.0, 6.0])
def test_places_and_points_are_inverse_to_each_other(ratio: float) -> None:
    axis = BentAxis.over(jnp.asarray(worths(ratio)), jnp.asarray(ratio), further=2.0)
    cosine = np.cos(np.pi * (np.arange(24) + 0.5) / 24)
    np.testing.assert_allclose(axis.place(axis.points(24)), cosine, atol=1e-10)


def test_worths_that_are_alike_have_an_axis_too() -> None:
    axis = BentAxis.over(jnp.full(3, 1.0), jnp.asarray(1.0))
    assert np.isfinite(axis.points(24)).all()
    assert float(axis.place(jnp.asarray(1.0))) == pytest.approx(-1.0)
