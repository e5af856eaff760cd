"""Quantiles by bisection, against NumPy's by sorting."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskroy.models.weighted_quantile import weighted_quantile

LAWS = settings(max_examples=100, deadline=None, derandomize=True)
SHAPE = (7, 3)
QUANTILE = jax.jit(weighted_quantile)


@LAWS
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(1e-6, 1e6),
    level=st.floats(0.01, 0.99),
    decimals=st.integers(0, 6),
)
def test_it_is_numpys(seed: int, scale: float, level: float, decimals: int) -> None:
    """With ties, and with values that do not count; every third weight is nil."""
    rng = np.random.default_rng(seed)
    values = scale * rng.standard_normal(SHAPE).round(decimals)
    weight = rng.uniform(size=SHAPE) * (rng.uniform(size=SHAPE) < 2 / 3)
    weight[0, 0] = 1.0
    counted = weight > 0
    expected = np.quantile(values[counted], level, weights=weight[counted], method="inverted_cdf")
    assert float(QUANTILE(values, weight, level)) == expected


def test_far_outliers_leave_many_values_in_the_interval() -> None:
    values = np.arange(1.0, 22.0).reshape(SHAPE)
    values[-1, -1] = 1e15
    assert float(QUANTILE(values, np.ones(SHAPE), 0.5)) == 11.0


@pytest.mark.parametrize("broken", ["values", "weight", "none"])
def test_what_has_no_quantile_gives_no_number(broken: str) -> None:
    values, weight = np.arange(21.0).reshape(SHAPE), np.ones(SHAPE)
    if broken == "values":
        values[3, 1] = np.nan
    elif broken == "weight":
        weight[3, 1] = np.nan
    else:
        weight[:] = 0.0
    assert np.isnan(QUANTILE(values, weight, 0.5))
