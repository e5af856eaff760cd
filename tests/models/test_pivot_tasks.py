"""The most distinct tasks come first, as in a QR decomposition with pivots."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import qr

from taskroy.models.pivot_tasks import pivot_tasks


@pytest.mark.parametrize("number", [1, 3, 6])
def test_the_first_are_the_pivots_of_qr(number: int) -> None:
    weights = np.random.default_rng(number).dirichlet(np.ones(6), size=9)
    found = np.asarray(jax.jit(pivot_tasks, static_argnums=1)(jnp.asarray(weights), number))
    assert sorted(found) == list(range(6))
    np.testing.assert_array_equal(found[:number], qr(weights, pivoting=True, mode="r")[1][:number])
    assert (np.diff(found[number:]) > 0).all()


def test_tasks_that_are_alike_are_all_there() -> None:
    same = jnp.full((4, 3), 1 / 3)
    assert sorted(np.asarray(pivot_tasks(same, 3))) == [0, 1, 2]
