"""The starting mass matrix is the inverse Hessian, in the order of the sites given."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from taskroy.inference.metric import covariance_near

SITES = ("slope", "level")  # not in the order of their names
ROOT = np.random.default_rng(0).normal(size=(3, 3)) + 2 * np.eye(3)
PRECISION = ROOT @ ROOT.T


def potential(sites: dict[str, Any]) -> Any:
    x = jnp.concatenate([sites["slope"], sites["level"][None]])
    # Held sites count: at `scale` = 2 the precision is doubled.
    return 0.5 * sites["scale"] * x @ jnp.asarray(PRECISION) @ x


def point() -> dict[str, Any]:
    return {"level": jnp.asarray(0.3), "scale": jnp.asarray(2.0), "slope": jnp.array([1.0, -1.0])}


def test_covariance_of_a_quadratic() -> None:
    found = covariance_near(potential, point(), SITES)
    np.testing.assert_allclose(found, np.linalg.inv(2 * PRECISION), rtol=1e-6)


def test_flat_directions_get_the_widest_scale_believed() -> None:
    found = covariance_near(lambda x: 0.5 * (x["slope"][0] ** 2), point(), SITES)
    np.testing.assert_allclose(found, np.diag([1.0, 100.0, 100.0]), atol=1e-6)


def test_flat_directions_may_have_scales_of_their_own() -> None:
    widest = jnp.asarray([10.0, 10.0, 2.0])
    found = covariance_near(lambda x: 0.5 * (x["slope"][0] ** 2), point(), SITES, widest)
    np.testing.assert_allclose(found, np.diag([1.0, 100.0, 4.0]), atol=1e-6)


def test_a_direction_that_bends_down_is_as_narrow_as_one_that_bends_up() -> None:
    def saddle(x: dict[str, Any]) -> Any:
        return 2.0 * (x["slope"][0] ** 2) - 8.0 * x["slope"][1] ** 2 + 0.5 * x["level"] ** 2

    found = covariance_near(saddle, point(), SITES)
    np.testing.assert_allclose(found, np.diag([1 / 4, 1 / 16, 1.0]), atol=1e-6)
