"""The exact choice factor: who chooses what, given skills, with no simulation in it.

A worker sees log wages w_o = m_o + ε_o, ε_o ~ N(0, ϱ²), and taste shocks ν·Gumbel, and chooses
argmax_o (w_o + κ_o + u_o). Because 1/(a + b) = ∫₀^∞ e^{−(a+b)x} dx, averaging over the unseen ε
factorises over occupations and leaves one smooth integral (model.md, section 3):

    P(ω | w, s) = ∫ exp(c − e^c + Σ_{o≠ω} ψ(c + d_o)) dc,   d_o = (m_o + κ_o − w − κ_ω)/ν
    P(o | s)    = −∫ ψ'(x + y_o) e^{G(x)} dx,                y_o = (m_o + κ_o)/ν, G = Σ_o ψ(x + y_o)
    E[ε_o 1(ô = o) | s] = −(ϱ²/ν) ∫ (ψ'' + ψ'²)(x + y_o) e^{G(x)} dx     (Stein's lemma)

Each is computed by the trapezoid rule, which converges exponentially for such integrands. The
functions here are the reference: ten digits, whatever the scales, row by row. What a fit evaluates
thousands of times is :mod:`taskroy.models.choice_grid`, tested against these.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import ArrayLike, Float, Int

from taskroy.errors import ModelError
from taskroy.models.bisection import bisect
from taskroy.models.psi_table import PsiTable, look_up, psi_table

_NODES = 224
# At 4096 knots the table of ψ is right to about 1e-13.
_KNOTS = 4096
_BISECTIONS = 12
# Log of what is dropped at either end of an integral, relative to its largest value.
_NEGLIGIBLE = 32.0
# exp(-exp(4.1)) is e^-60: to the right of it the choice integrand is nil.
_RIGHT_END = 4.1
# Elements (rows × occupations × nodes) held at once.
_BLOCK_ELEMENTS = 2_000_000
_FAR_BELOW = -700.0


def _in_double_precision[F: Callable[..., Array]](function: F) -> F:
    """Run in float64 when called with concrete values, without touching JAX's configuration.

    Where JAX itself runs in single precision the result is a NumPy array, since a float64 JAX
    array would be rounded at its next use.
    """

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Array:
        traced = any(isinstance(v, jax.core.Tracer) for v in (*args, *kwargs.values()))
        if traced:
            return function(*args, **kwargs)
        if jax.config.jax_enable_x64:
            return function(*args, **kwargs)
        with jax.enable_x64(True):
            return np.asarray(function(*args, **kwargs))  # type: ignore[return-value]

    return wrapper  # type: ignore[return-value]


@_in_double_precision
def log_choice_probability(
    potential: Float[ArrayLike, "*rows O"],
    wage: Float[ArrayLike, "*rows"],
    occupation: Int[ArrayLike, "*rows"],
    *,
    wage_shock_scale: Float[ArrayLike, ""],
    taste_scale: Float[ArrayLike, ""],
    amenity: Float[ArrayLike, " O"] | None = None,
) -> Float[Array, "*rows"]:
    """Return log P(occupation | wage, skills): the choice factor of a worker-year.

    Parameters
    ----------
    potential
        Mean potential log wages m_o = μ_o + A_o·s of each occupation, (…, O).
    wage
        Observed log wage in the occupation held, (…); the same leading shape as `potential`.
    occupation
        Index of the occupation held, (…), integers in [0, O).
    wage_shock_scale
        ϱ, sd of the occupation-specific wage shock; log-wage units, positive.
    taste_scale
        ν, scale of the Gumbel taste shock; log-wage units, positive.
    amenity
        κ_o, non-wage value in log-wage units, (O,); zero where absent.

    Returns
    -------
    Array
        Log probabilities, (…). In float64 right to ten digits down to log P of about −60.

    Raises
    ------
    ModelError
        If shapes disagree, an index is out of range, or a scale is not positive.
    """
    m, kappa, rho, nu = _checked(potential, wage_shock_scale, taste_scale, amenity)
    w, held = jnp.asarray(wage, m.dtype), jnp.asarray(occupation)
    _check_rows(m, w, held)
    value = m + kappa
    d = (value - (w + kappa[held])[..., None]) / nu
    d = jnp.where(jnp.arange(m.shape[-1]) == held[..., None], _FAR_BELOW, d)
    return _log_choice(d.reshape(-1, m.shape[-1]), rho / nu).reshape(w.shape)


@_in_double_precision
def choice_probabilities(
    potential: Float[ArrayLike, "*rows O"],
    *,
    wage_shock_scale: Float[ArrayLike, ""],
    taste_scale: Float[ArrayLike, ""],
    amenity: Float[ArrayLike, " O"] | None = None,
) -> Float[Array, "*rows O"]:
    """Return P(o | skills) before wages are seen, (…, O); rows sum to one.

    Parameters are those of :func:`log_choice_probability`. The sum over occupations is not
    imposed: it is the integral of an exact derivative, and so a check of the quadrature.
    """
    m, kappa, rho, nu = _checked(potential, wage_shock_scale, taste_scale, amenity)
    probability, _ = _moments(((m + kappa) / nu).reshape(-1, m.shape[-1]), rho / nu)
    return probability.reshape(m.shape)


@_in_double_precision
def expected_wages(
    potential: Float[ArrayLike, "*rows O"],
    *,
    wage_shock_scale: Float[ArrayLike, ""],
    taste_scale: Float[ArrayLike, ""],
    amenity: Float[ArrayLike, " O"] | None = None,
) -> Float[Array, "*rows O"]:
    """Return E[w | ô = o, skills], the mean log wage of those who choose each occupation, (…, O).

    Parameters are those of :func:`log_choice_probability`. The mean over all occupations is
    Σ_o P(o)·E[w | ô = o].
    """
    m, kappa, rho, nu = _checked(potential, wage_shock_scale, taste_scale, amenity)
    probability, curvature = _moments(((m + kappa) / nu).reshape(-1, m.shape[-1]), rho / nu)
    # Where P underflows, ψ is −exp there and E[ε | ô = o] has come to its limit, ϱ²/ν.
    chosen = probability > 0
    tilt = jnp.where(chosen, -curvature / jnp.where(chosen, probability, 1.0), 1.0)
    return m + (rho**2 / nu) * tilt.reshape(m.shape)


@jax.jit
def _log_choice(d: Float[Array, "N O"], ratio: Array) -> Float[Array, " N"]:
    """Log of the choice integral; `d` is far below zero for the occupation held."""
    table = psi_table(ratio, _KNOTS, highest=1)
    return _by_rows(lambda row: _log_choice_row(row, ratio, table), d)


def _log_choice_row(d: Float[Array, " O"], ratio: Array, table: PsiTable) -> Array:
    fixed, r, frozen = jax.lax.stop_gradient((d, ratio, table))

    def log_integrand(c: Array, d: Array, table: PsiTable) -> Array:
        return c - jnp.exp(c) + look_up(table, c[..., None] + d).sum(-1)

    def height(c: Array) -> Array:
        return log_integrand(c, fixed, frozen)

    def slope(c: Array) -> Array:
        return 1 - jnp.exp(c) + look_up(frozen, c + fixed, order=1).sum()

    # The integrand is log-concave. Left of `low` it rises with slope of at least a half.
    low = jnp.minimum(-0.7, -jnp.max(fixed) - r**2 / 2 - jnp.log(2.0 * d.shape[0]))
    mode = _root(lambda c: slope(c) > 0, low, jnp.zeros_like(low))
    floor = height(mode) - _NEGLIGIBLE
    left = _root(lambda c: height(c) < floor, low - 2 * _NEGLIGIBLE, mode)
    right = _root(lambda c: height(c) > floor, mode, jnp.full_like(low, _RIGHT_END))
    step = (right - left) / (_NODES - 1)
    c = left + step * jnp.arange(_NODES)
    return jax.nn.logsumexp(log_integrand(c, d, table)) + jnp.log(step)


@jax.jit
def _moments(y: Float[Array, "N O"], ratio: Array) -> tuple[Array, Array]:
    """Return P(o) and ∫(ψ'' + ψ'²)(x + y_o)e^G dx, each (N, O)."""
    table = psi_table(ratio, _KNOTS, highest=2)

    def row(y: Array) -> tuple[Array, Array]:
        fixed, r, frozen = jax.lax.stop_gradient((y, ratio, table))

        def log_survival(x: Array) -> Array:
            return look_up(frozen, x + fixed).sum()

        top = jnp.max(fixed)
        low = -top - r**2 / 2 - jnp.log(1.0 * y.shape[0]) - _NEGLIGIBLE
        high = -top + 4.0 + 9.0 * r
        left = _root(lambda x: log_survival(x) > -1e-13, low, high)
        right = _root(lambda x: log_survival(x) > -_NEGLIGIBLE, low, high)
        step = (right - left) / (_NODES - 1)
        x = left + step * jnp.arange(_NODES)
        value, slope, curvature = (look_up(table, x[:, None] + y, order=k) for k in range(3))
        weight = step * jnp.exp(value.sum(-1))
        return -(weight @ slope), weight @ (curvature + slope**2)

    return _by_rows(row, y)


def _root(left_of_root: Callable[[Array], Array], low: Array, high: Array) -> Array:
    low, high = bisect(left_of_root, low, high, _BISECTIONS)
    return 0.5 * (low + high)


def _by_rows(function: Callable[[Array], Any], rows: Float[Array, "N O"]) -> Any:
    """Map over rows in blocks, so that memory does not grow with their number."""
    block = max(1, _BLOCK_ELEMENTS // (rows.shape[1] * _NODES))
    return jax.lax.map(jax.checkpoint(function), rows, batch_size=block)


def _checked(
    potential: ArrayLike,
    wage_shock_scale: ArrayLike,
    taste_scale: ArrayLike,
    amenity: ArrayLike | None,
) -> tuple[Array, Array, Array, Array]:
    m = jnp.asarray(potential, dtype=jnp.result_type(float))
    if m.ndim == 0 or m.shape[-1] < 2:
        raise ModelError(
            f"Potential wages have shape {m.shape}.",
            expected="shape (…, O) with at least two occupations: with one there is no choice",
        )
    rho, nu = jnp.asarray(wage_shock_scale, m.dtype), jnp.asarray(taste_scale, m.dtype)
    for name, scale in (("wage_shock_scale", rho), ("taste_scale", nu)):
        if scale.shape != ():
            raise ModelError(f"{name} has shape {scale.shape}.", expected="a scalar")
        if not isinstance(scale, jax.core.Tracer) and not (np.isfinite(scale) and scale > 0):
            raise ModelError(f"{name} is {scale}.", expected="a positive, finite number")
    kappa = jnp.zeros(m.shape[-1], m.dtype) if amenity is None else jnp.asarray(amenity, m.dtype)
    if kappa.shape != m.shape[-1:]:
        raise ModelError(
            f"Amenities have shape {kappa.shape}.", expected=f"one per occupation, {m.shape[-1:]}"
        )
    return m, kappa, rho, nu


def _check_rows(m: Array, w: Array, held: Array) -> None:
    if not w.shape == held.shape == m.shape[:-1]:
        raise ModelError(
            f"Potential wages {m.shape}, wages {w.shape} and occupations {held.shape} disagree.",
            expected="shapes (…, O), (…) and (…) with the same leading part",
            remedy="squeeze or broadcast them before the call; (N, 1) and (N,) do not mix",
        )
    if not jnp.issubdtype(held.dtype, jnp.integer):
        raise ModelError(f"Occupations have type {held.dtype}.", expected="integer indices")
    if not isinstance(held, jax.core.Tracer):
        wrong = np.asarray((held < 0) | (held >= m.shape[-1]))
        if wrong.any():
            raise ModelError(
                f"{wrong.sum()} occupation indices are out of range.",
                where=f"row {int(np.flatnonzero(wrong)[0])}",
                expected=f"integers from 0 to {m.shape[-1] - 1}",
            )
