"""A target tells its grids by numbers, and is found again by them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from taskroy.inference.target import Target
from taskroy.models.choice_grid import Grid

GRIDS = (Grid(40, 24, 112), Grid(32, 16, 80))


def test_numbers_of_grids_lead_back_to_them() -> None:
    target = Target(lambda grids: lambda _: jnp.asarray(float(grids[0].nodes)), GRIDS)
    sizes = target.sizes
    assert sizes.shape == (2, 3)
    other = target.sized(2 * sizes)
    assert other.grids == (Grid(80, 48, 224), Grid(64, 32, 160))
    assert other.sized(sizes) == target
    assert float(other.potential({})) == 80.0


def test_a_density_without_grids_stays_as_it_is() -> None:
    target = Target(lambda _: lambda sites: sites["a"])
    assert target.refined({"a": jnp.ones((2, 3))}) == target
    assert target.sized(target.sizes) == target
    assert target.sizes.dtype == np.int64
