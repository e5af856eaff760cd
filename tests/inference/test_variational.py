"""A guide is fitted even if a few of its draws have no finite density, and not if most have."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
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


def test_a_density_that_is_hardly_ever_finite_is_an_error() -> None:
    with pytest.raises(FitError, match=r"not finite in \d+ of 100 steps"):
        approximate(
            normal_up_to(-1.0),
            *(jax.random.key(0), {"x": jnp.asarray(0.0)}),
            steps=STEPS,
            progress=Silent(),
        )
