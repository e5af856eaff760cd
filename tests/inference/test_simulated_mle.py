"""Simulated maximum likelihood finds what it should, and holds what it says it holds."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.data.panel import PanelArrays
from taskroy.inference.pilot import FIRST_GRID
from taskroy.inference.seen import seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.simulated_mle import (
    SimulatedEstimate,
    maximize_simulated_likelihood,
)
from taskroy.models.priors import LogNormal, Priors
from taskroy.models.roy import economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology
from taskroy.progress import Silent

N, T, O, K = 150, 5, 4, 2  # noqa: E741
NU, RHO = 0.25, 0.35
WEIGHTS = np.array([[0.9, 0.1], [0.65, 0.35], [0.35, 0.65], [0.1, 0.9]])
START = {
    "wage_shock_scale": 0.6,
    "taste_scale": 0.4,
    "intercept_scale": 0.3,
    "amenity_scale": 0.2,
    "mean_potential": np.full(O, 2.5),
    "amenity": np.zeros(O),
    "skill_sd": np.full(K, 1.0),
    "skill_corr_cholesky": np.eye(K),
    "coefficient": np.zeros(1),
}


class Record:
    """Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def start(self, name: str, total: int, done: int = 0) -> None:
        self.total = total

    def advance(self, done: int, message: str) -> None:
        self.done.append(done)

    def finish(self) -> None: ...


def panel() -> PanelArrays:
    rng = np.random.default_rng(11)
    potential = 2.4 + rng.normal(size=(N, K)) @ np.diag([0.7, 0.5]) @ WEIGHTS.T
    offers = potential[:, None] + RHO * rng.normal(size=(N, T, O))
    held = np.argmax(offers + NU * rng.gumbel(size=offers.shape), axis=-1)
    return PanelArrays(
        log_wage=np.take_along_axis(offers, held[..., None], -1)[..., 0],
        occupation=held.astype(np.int32),
        observed=np.ones((N, T), dtype=bool),
        design=rng.normal(size=(N, T, 1)),
        covariate_names=("exper",),
        worker=np.arange(N),
        year=np.tile(np.arange(T), (N, 1)),
        weight=np.ones((N, T)),
    )


def estimate(settings: ModelSettings, progress: Any = None, **inference: Any) -> SimulatedEstimate:
    arrays = panel()
    conditions = economy(Technology.from_task_weights(WEIGHTS, np.full(O, 0.6)), arrays)
    career = {
        "log_wage": jnp.asarray(arrays.log_wage),
        "occupation": jnp.asarray(arrays.occupation),
    }
    return maximize_simulated_likelihood(
        partial(roy_model, conditions, settings, FIRST_GRID, **career),
        seen(conditions, **career),
        {k: jnp.asarray(v) for k, v in START.items()},
        settings,
        InferenceSettings(method="simulated-mle", **inference),
        jax.random.key(4),
        progress or Silent(),
    )


@pytest.fixture(scope="module")
def found() -> SimulatedEstimate:
    return estimate(ModelSettings(), simulation_draws=100, simulation_steps=300, batch_size=50)


def test_scales_are_recovered(found: SimulatedEstimate) -> None:
    # Sampling sd of ϱ is ϱ/√(2·N·(T − K)), 0.012, that of ν some 0.025; simulation bias adds to
    # each, so bounds are near five sds, and a false alarm rarer than one panel in 10,000.
    assert float(found.values["wage_shock_scale"]) == pytest.approx(RHO, abs=0.06)
    assert float(found.values["taste_scale"]) == pytest.approx(NU, abs=0.12)
    # The start was far outside both.
    assert abs(START["wage_shock_scale"] - RHO) > 0.06  # type: ignore[operator]
    assert abs(START["taste_scale"] - NU) > 0.12  # type: ignore[operator]


def test_the_likelihood_rises_to_what_is_reported(found: SimulatedEstimate) -> None:
    assert found.objective[-50:].mean() > found.objective[:5].mean() + 0.5
    # Batches of 50 workers, each with an sd near 2: their mean over 50 steps within 0.5.
    assert found.log_likelihood / N == pytest.approx(found.objective[-50:].mean(), abs=0.5)


def test_scales_of_levels_are_held(found: SimulatedEstimate) -> None:
    for name in ("intercept_scale", "amenity_scale"):
        assert float(found.values[name]) == START[name]
    assert set(found.values) == set(START)
    assert float(found.values["amenity"].sum()) == pytest.approx(0.0, abs=1e-9)


def test_a_penalty_is_the_prior(found: SimulatedEstimate) -> None:
    # A prior sure of ν = 0.8 has its way.
    sure = ModelSettings(
        shock="worker", priors=Priors(taste_scale=LogNormal(median=0.8, log_sd=0.002))
    )
    effort = {"simulation_draws": 20, "simulation_steps": 150, "batch_size": 50}
    progress = Record()
    with_prior = estimate(sure, progress, penalized=True, **effort)
    assert float(with_prior.values["taste_scale"]) == pytest.approx(0.8, abs=0.03)
    # Without a penalty no prior counts: `found` is what it would be.
    assert float(found.values["taste_scale"]) < 0.5
    assert progress.done[-1] == progress.total == 150


def test_some_workers_are_those_workers() -> None:
    arrays = panel()
    conditions = economy(Technology.from_task_weights(WEIGHTS, np.full(O, 0.6)), arrays)
    known = seen(conditions, jnp.asarray(arrays.log_wage), jnp.asarray(arrays.occupation))
    part = known.of(jnp.array([7, 2]))
    np.testing.assert_array_equal(part.career[:, :, 0], arrays.log_wage[[7, 2]])
    np.testing.assert_array_equal(part.economy.design, arrays.design[[7, 2]])
    np.testing.assert_allclose(part.gram, part.weights.mT @ part.weights, rtol=1e-12)
