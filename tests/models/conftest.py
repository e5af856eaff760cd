"""Shared by the tests of the models: double precision, and a small economy."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import numpy as np
import pytest

from taskroy.models.technology import Technology


@pytest.fixture(scope="package", autouse=True)
def double_precision() -> Iterator[None]:
    """Compute in float64 here, and leave the other rooms' tests as they were."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="package")
def small_technology() -> Technology:
    """Four occupations, three tasks."""
    weights = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.4, 0.2, 0.4]])
    return Technology.from_task_weights(weights, np.array([0.7, 0.6, 0.8, 0.65]))
