"""A batch's log density is that of the panel, on average over batches."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import log_density

from few_careers import few_careers
from taskroy.inference.batches import draw_batch
from taskroy.inference.problem import Problem
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

FINE = Grid(nodes=96, terms=32, knots=320)


def problem(shock: Any) -> Problem:
    return few_careers(ModelSettings(shock=shock, intercept="known"), FINE, (3, 1, 2, 3, 2, 3))


THETA = {
    "wage_shock_scale": jnp.asarray(0.4),
    "taste_scale": jnp.asarray(0.3),
    "skill_mean": jnp.array([2.0, 2.5]),
    "amenity_scale": jnp.asarray(0.3),
    "amenity": jnp.array([0.2, 0.1, -0.3]),
    "skill_sd": jnp.array([1.5, 0.8]),
    "skill_corr_cholesky": jnp.array([[1.0, 0.0], [0.6, 0.8]]),
    "coefficient": jnp.array([0.2]),
}


# With shocks by occupation the nodes hang on who is in the batch, so on the quadrature's error.
@pytest.mark.parametrize(("shock", "accuracy"), [("worker", 1e-9), ("occupation", 1e-5)])
def test_batches_average_to_the_panel(shock: Any, accuracy: float) -> None:
    whole = problem(shock)

    @jax.jit
    def of_batch(workers: jax.Array) -> jax.Array:
        return log_density(whole.marginal, (workers,), {}, THETA)[0]

    parts = [float(of_batch(jnp.array(pair))) for pair in ([0, 3], [5, 1], [2, 4])]
    panel = float(jax.jit(lambda: log_density(whole.marginal, (), {}, THETA)[0])())
    assert np.ptp(parts) > 1
    assert np.mean(parts) == pytest.approx(panel, abs=accuracy)


def test_nobody_is_drawn_twice() -> None:
    drawn = np.asarray(draw_batch(jax.random.key(0), 50, 20))
    assert len(set(drawn.tolist())) == 20
    assert set(drawn.tolist()) <= set(range(50))


def test_a_batch_is_never_more_than_everybody() -> None:
    drawn = np.asarray(draw_batch(jax.random.key(0), 5, 20))
    assert sorted(drawn.tolist()) == [0, 1, 2, 3, 4]
