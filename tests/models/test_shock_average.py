"""ψ against 30-digit quadrature and numerical differentiation."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp, mpf

from taskroy.models.shock_average import psi_jet

# On either side of where the rule is switched, and at the ends.
RATIOS = (0.05, 0.4, 1.0, 1.49, 1.51, 2.9, 3.1, 30.0)
# Where ψ is about this, for each ratio; −60 is the least that the choice factor needs.
LEVELS = (-1e-6, -0.7, -12.0, -60.0)
# Bounds at these levels of the error of ψ, which is the relative error of exp(ψ), and of its
# derivatives relative to the largest of them.
VALUE_ERROR = (1e-13, 1e-13, 5e-12, 2e-9)
DERIVATIVE_ERROR = (5e-12, 1e-12, 2e-11, 1e-7)
_psi_jet = jax.jit(psi_jet, static_argnames="order")


def exact(ratio: float) -> Callable[[Any], Any]:
    """Return ψ for one ratio: the trapezoid rule in z, right to e^-50."""
    r = mpf(ratio)
    step = min(mpf("0.3"), mp.pi**2 / (50 * r))
    count = int(15 / step)
    nodes = [(step * mp.npdf(step * k), mp.exp(r * step * k)) for k in range(-count, count + 1)]

    def psi(x: Any) -> Any:
        scale, total = mp.exp(x), mpf(0)
        for weight, shock in nodes:
            if scale * shock > 160:
                break
            total += weight * mp.exp(-scale * shock)
        return mp.log(total)

    return psi


def place(ratio: float, level: float) -> float:
    """Return about where ψ is `level`."""
    z, dz = np.linspace(-14, 14, 20001, retstep=True)
    weight = np.exp(-0.5 * z**2) * dz / np.sqrt(2 * np.pi)
    low, high = -600.0, 600.0
    for _ in range(60):
        x = 0.5 * (low + high)
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            v = np.exp(x + ratio * z)
            nearly_one = np.log1p((weight * np.expm1(-v)).sum().clip(-0.9))
            psi = nearly_one if nearly_one > -0.1 else np.log((weight * np.exp(-v)).sum())
        low, high = (x, high) if psi > level else (low, x)
    return low


@pytest.fixture(scope="module", params=RATIOS, ids=lambda ratio: f"ratio {ratio}")
def jets(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """ψ and four derivatives, ours and exact, at the levels; (5, levels) each."""
    ratio = request.param
    x = np.array([place(ratio, level) for level in LEVELS])
    ours = np.asarray(_psi_jet(jnp.asarray(x), jnp.asarray(ratio)))
    with mp.workdps(30):
        psi = exact(ratio)
        true = [[float(d * factorial(k)) for k, d in enumerate(mp.taylor(psi, v, 4))] for v in x]
    return ours, np.array(true).T


def test_value(jets: tuple[np.ndarray, np.ndarray]) -> None:
    ours, true = jets
    assert (np.abs(ours[0] - true[0]) < VALUE_ERROR).all()


def test_derivatives(jets: tuple[np.ndarray, np.ndarray]) -> None:
    ours, true = jets
    largest = np.abs(true[1:]).max(axis=0)
    assert (np.abs(ours[1:] - true[1:]) / largest < DERIVATIVE_ERROR).all()


@pytest.mark.parametrize("ratio", [0.3, 1.5, 1.5 + 1e-9, 3.0])
def test_automatic_derivatives_are_those_of_the_jet(ratio: float) -> None:
    # Nodes move with x and ratio; the derivative at fixed nodes must still be the right one.
    x = jnp.linspace(-6.0, 5.0, 12)
    jet = _psi_jet(x, jnp.asarray(ratio))
    slope = jax.grad(lambda x: _psi_jet(x, jnp.asarray(ratio), order=0).sum())(x)
    np.testing.assert_allclose(slope, jet[1], rtol=1e-9, atol=1e-14)
    # ∂exp(ψ)/∂ratio = ratio·∂²exp(ψ)/∂x², by Stein's lemma.
    by_ratio = jax.jacfwd(lambda r: _psi_jet(x, r, order=0)[0])(jnp.asarray(ratio))
    np.testing.assert_allclose(by_ratio, ratio * (jet[2] + jet[1] ** 2), rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("ratio", [0.05, 0.9, 1.5, 1.5 + 1e-9, 12.0])
def test_never_positive_and_falling(ratio: float) -> None:
    x = np.linspace(-40.0, 8.0, 97)
    value, slope = np.asarray(_psi_jet(jnp.asarray(x), jnp.asarray(ratio), order=1))
    assert (value <= 0).all()
    assert (slope < 0).all()
    # To the far left 1 − exp(ψ) drowns in rounding.
    assert (np.diff(value) < 2e-14).all()
    assert (np.diff(value[x > -20]) < 0).all()


@pytest.mark.parametrize("switch", [1.5, 3.0])
def test_both_rules_meet_where_they_are_switched(switch: float) -> None:
    x = jnp.array([-20.0, -1.0, 2.0])
    below, above = (_psi_jet(x, jnp.asarray(r)) for r in (switch, np.nextafter(switch, 5)))
    np.testing.assert_allclose(below[:4], above[:4], rtol=1e-10, atol=1e-13)
