"""A guide is fitted even if a few of its draws have no finite density, and not if most have."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest

from taskroy.errors import FitError
from taskroy.inference.variational import approximate
from taskroy.progress import Silent

MEAN, SD = 0.3, 0.5
STEPS = 600


def normal_up_to(end: float) -> Any:
    """Return a normal density that is not a number beyond a point."""

    def model() -> None:
        x = numpyro.sample("x", dist.Normal(MEAN, SD))
        numpyro.factor("hole", jnp.where(x > end, jnp.nan, 0.0))

    return model


@pytest.mark.parametrize("end", [MEAN + 2 * SD, jnp.inf])
def test_a_draw_where_nothing_is_finite_costs_its_step_alone(end: float) -> None:
    found = approximate(
        normal_up_to(end),
        jax.random.key(0),
        {"x": jnp.asarray(0.0)},
        steps=STEPS,
        progress=Silent(),
    )
    assert bool(jnp.isnan(found.losses).any()) == (end < jnp.inf)
    gaussian = found.parameter_gaussian()
    # One draw in forty says nothing: it leaves the guide about as it would be.
    assert float(gaussian.loc[0]) == pytest.approx(MEAN, abs=0.2 * SD)
    assert float(gaussian.scale_tril[0, 0]) == pytest.approx(SD, rel=0.2)


def test_of_many_parameters_batches_teach_scales_in_the_units_given() -> None:
    """A Gaussian posterior with strong correlations, seen through noisy batches."""
    size, batch = 120, 8
    root = jnp.eye(size) + 0.9 * jnp.eye(size, k=-1)
    centre = jnp.linspace(-1.0, 1.0, size)

    def model(signs: jax.Array) -> None:
        x = numpyro.sample("x", dist.Normal(0.0, 1.0).expand([size]).to_event(1))
        away = jnp.linalg.solve(root, x - centre)
        # The batch's part has mean zero over batches.
        numpyro.factor("rest", 0.5 * (x @ x) - 0.5 * (away @ away) + (signs.mean(0) @ away))

    found = approximate(
        model,
        jax.random.key(0),
        {"x": jnp.zeros(size)},
        steps=3 * STEPS,
        learning_rate=0.01,
        progress=Silent(),
        draw_batch=lambda key: jax.random.rademacher(key, (batch, size), float),
        # Too wide by a half, and off by a third of an sd.
        around=(centre + root @ jnp.full(size, 0.3), 1.5 * root),
    )
    gaussian = found.parameter_gaussian()
    scales = jnp.linalg.solve(root, gaussian.scale_tril)
    np.testing.assert_allclose(scales - jnp.diag(jnp.diagonal(scales)), 0.0, atol=1e-12)
    np.testing.assert_allclose(jnp.diagonal(scales), 1.0, atol=0.2)
    away = jnp.linalg.solve(root, gaussian.loc - centre)
    assert float(jnp.sqrt(jnp.mean(away**2))) < 0.15


def test_a_density_that_is_hardly_ever_finite_is_an_error() -> None:
    with pytest.raises(FitError, match=r"not finite in \d+ of 100 steps"):
        approximate(
            normal_up_to(-1.0),
            *(jax.random.key(0), {"x": jnp.asarray(0.0)}),
            steps=STEPS,
            progress=Silent(),
        )
