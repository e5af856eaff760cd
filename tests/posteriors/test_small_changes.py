"""A little automation: what re-sorting and prices add is its derivative, by hand in plain NumPy."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from taskroy.models.scenario import AnyStep, Automation, Prices, play
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.decomposition import decompose

A = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
LS = np.array([0.6, 0.7, 0.5])
SHARE, Z, NU, SMALL = np.array([0.5, 0.1, 0.0]), 0.3, 0.25, 1e-5
RNG = np.random.default_rng(8)
DRAW = Parameters(
    skill=RNG.normal(2.0, 0.6, (40, 3)),
    skill_mean=np.array([2.0, 2.1, 1.9]),
    intercept=np.array([0.1, 0.0, -0.1]),
    amenity=np.array([0.05, 0.0, -0.05]),
    wage_shock_scale=np.array(0.4),
    taste_scale=np.array(NU),
)
# Where the wage shock is the worker's, choices are a logit of these.
WAGE = DRAW.intercept + DRAW.skill @ A.T
CHOICE = np.exp((WAGE + DRAW.amenity) / NU)
CHOICE = CHOICE / CHOICE.sum(1, keepdims=True)
# ∂m_io/∂φ = Σ_τ A_oτ·φ_τ·(z + m_io − s_iτ)
GAIN = np.einsum("k,ok,iok->io", SHARE, A, Z + WAGE[..., None] - DRAW.skill[:, None, :])


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def changes(*more: AnyStep) -> dict[str, np.ndarray]:
    """Return the decomposition of a little automation, and prices, over how little it is."""
    technology = Technology.from_task_weights(A, LS)
    steps = (Automation(productivity=Z), *more)
    shares = np.stack([SMALL * SHARE, *(np.zeros(3) for _ in more)])
    before, after, told = play(steps, DRAW, technology, shares, "worker")
    found = {**decompose(before, after, DRAW.skill_mean), **told}
    return {name: np.asarray(value) / SMALL for name, value in found.items()}


def moves(wages: np.ndarray) -> np.ndarray:
    """Return the change of choice probabilities as wages change."""
    return CHOICE * (wages - (CHOICE * wages).sum(1, keepdims=True)) / NU


def resorting(wages: np.ndarray) -> np.ndarray:
    """Return the change of an occupation's mean wage because its people are others."""
    size, moved = CHOICE.sum(0), moves(wages)
    mean = (CHOICE * WAGE).sum(0) / size
    return ((moved * WAGE).sum(0) - mean * moved.sum(0)) / size


def price_response(sigma: float) -> np.ndarray:
    """Return what prices add to log wages: where supply and demand, both linear, are equal."""
    made = CHOICE * np.exp(WAGE)
    total, value = made.sum(0), made.sum(0) / LS
    theta = value / value.sum()

    def supplied(wages: np.ndarray, product: np.ndarray) -> np.ndarray:
        return (np.exp(WAGE) * (CHOICE * product + moves(wages))).sum(0) / total

    def excess(x: np.ndarray, gain: np.ndarray, displaced: np.ndarray) -> np.ndarray:
        q = supplied(gain + x, gain) + (1 - LS) * x - displaced
        return LS * x + (q - theta @ q) / sigma

    nothing = np.zeros_like(GAIN)
    slope = np.stack([excess(e, nothing, np.zeros(3)) for e in np.eye(3)], axis=1)
    return np.linalg.solve(slope, -excess(np.zeros(3), GAIN, -A @ SHARE))


def test_resorting() -> None:
    expected = resorting(GAIN)
    assert np.abs(expected).min() > 1e-3
    np.testing.assert_allclose(changes()["resorting"], expected, rtol=2e-3)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_prices(sigma: float) -> None:
    found, x = changes(Prices(elasticity=sigma)), price_response(sigma)
    assert np.abs(x).min() > 1e-3
    np.testing.assert_allclose(found["log_price"], LS * x, rtol=1e-3)
    np.testing.assert_allclose(found["resorting"], resorting(GAIN + x), rtol=2e-3)
    np.testing.assert_allclose(
        found["incumbent_change"], x + (CHOICE * GAIN).sum(0) / CHOICE.sum(0), rtol=1e-3
    )
