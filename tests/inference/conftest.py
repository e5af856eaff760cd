"""Shared by the tests of the routes to a posterior: double precision."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(scope="package", autouse=True)
def double_precision() -> Iterator[None]:
    """Compute in float64 here, and leave the other rooms' tests as they were."""
    with jax.enable_x64(True):
        yield
