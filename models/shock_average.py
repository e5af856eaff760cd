"""ψ: what an unseen wage shock does to an occupation's chance of being the best.

    ψ(x) = log E_z[exp(−exp(x + (ϱ/ν)·z))],  z ~ N(0, 1)          (model.md, section 3)

The exact choice factor is an integral over one number whose integrand is a sum of ψ. Two ways to
compute ψ, each where it converges exponentially for *relative* accuracy in exp(ψ):

* ratio ϱ/ν ≤ 3: the trapezoid rule in z, centred at the mode of the tilted integrand, which is a
  Lambert W function;
* above: exp(−exp(u)) is the survival function of a Gumbel variable t, so
  exp(ψ(x)) = ∫ Φ((t − x)/ratio)·exp(t − e^t) dt, smooth however wide the shock is.

Node positions sit behind ``stop_gradient``: the integrals do not depend on them, and derivatives
of the rule at fixed nodes are the rule for the derivatives.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import log_ndtr
from jaxtyping import Float

# Terms below exp(-_NEGLIGIBLE) relative to the largest are dropped.
_NEGLIGIBLE = 36.0
# Up to here the rule in z is right to rounding on 144 nodes; above, the other is to about 1e-11.
_WIDE = 3.0
_LOG_SQRT_2PI = 0.9189385332046727

# A rule gives the log terms of its sum, and dᵏ/dxᵏ of each term relative to it.
type _Rule = Callable[[Array, Array, int], tuple[Array, Callable[[int], Array]]]


def psi_jet(
    x: Float[Array, " X"], ratio: Float[Array, ""], order: int = 4, nodes: int = 144
) -> Float[Array, "{order}+1 X"]:
    """Return ψ and its derivatives in x up to `order` (at most 4), for one ratio ϱ/ν.

    Parameters
    ----------
    x
        Arguments, (X,); log units.
    ratio
        ϱ/ν, positive scalar.
    order
        Highest derivative wanted.
    nodes
        Nodes of the rule; half as many leave about half the digits.

    Returns
    -------
    Array
        (order + 1, X). ψ is never positive; exp(ψ) has a relative accuracy of about 1e-13 in
        float64 for ψ above −60 and 1e-10 for ψ above −100 (a hundred times less where ϱ/ν is
        above 3). Memory is nodes·(order + 1) times
        that of `x`.
    """

    def jet(rule: _Rule) -> Callable[[Array, Array], Array]:
        def evaluate(x: Array, ratio: Array) -> Array:
            exponent, moment = rule(x, ratio, nodes)
            value = jax.nn.logsumexp(exponent, axis=-1)
            weight = jnp.exp(exponent - value[:, None])
            return jnp.stack(
                _cumulants(value, [(weight * moment(k)).sum(-1) for k in range(1, order + 1)])
            )

        return evaluate

    return jax.lax.cond(ratio > _WIDE, jet(_by_gumbel), jet(_by_normal), x, ratio)


def _cumulants(value: Array, f: list[Array]) -> list[Array]:
    """Return derivatives of log F from the ratios f_k = F⁽ᵏ⁾/F."""
    rows = [value]
    if len(f) > 0:
        rows.append(f[0])
    if len(f) > 1:
        rows.append(f[1] - f[0] ** 2)
    if len(f) > 2:
        rows.append(f[2] - 3 * f[0] * f[1] + 2 * f[0] ** 3)
    if len(f) > 3:
        rows.append(f[3] - 4 * f[2] * f[0] - 3 * f[1] ** 2 + 12 * f[1] * f[0] ** 2 - 6 * f[0] ** 4)
    return rows


def _by_normal(x: Array, ratio: Array, nodes: int) -> tuple[Array, Callable[[int], Array]]:
    # With u = z − z*, z* = −W/ratio, the exponent −z²/2 − exp(x + ratio·z) is its maximum plus
    # −u²/2 − (W/ratio²)(exp(ratio·u) − 1 − ratio·u); the limits bound where that passes
    # −_NEGLIGIBLE on either side.
    r = jax.lax.stop_gradient(ratio)
    w = _lambert_w(jax.lax.stop_gradient(x) + 2 * jnp.log(r))
    steepness = _NEGLIGIBLE * r**2 / jnp.maximum(w, float(np.finfo(x.dtype).tiny))
    widest = jnp.sqrt(2 * _NEGLIGIBLE)
    left = -jnp.minimum(widest, (steepness + 1) / r)
    right = jnp.minimum(widest, jnp.log(2 * (steepness + 1)) / r)
    step = (right - left) / (nodes - 1)
    u = left[..., None] + step[..., None] * jnp.arange(nodes, dtype=x.dtype)
    z = u - (w / r)[..., None]
    v = jnp.exp(x[..., None] + ratio * z)
    exponent = -0.5 * z**2 - v + (jnp.log(step) - _LOG_SQRT_2PI)[..., None]

    def moment(k: int) -> Array:  # exp(v)·dᵏ/dxᵏ exp(−v)
        return [-v, v * (v - 1), -v * (1 + v * (v - 3)), v * (-1 + v * (7 + v * (v - 6)))][k - 1]

    return exponent, moment


def _by_gumbel(x: Array, ratio: Array, nodes: int) -> tuple[Array, Callable[[int], Array]]:
    # The log integrand is concave with its mode at e^t = 1 + (Mills ratio)/ratio ≥ 1; to the left
    # it falls at least as fast as t does, to the right doubly exponentially.
    r = jax.lax.stop_gradient(ratio)
    mode = jnp.log1p(jnp.maximum(jax.lax.stop_gradient(x), 0.0) / r**2)
    left, right = mode - _NEGLIGIBLE, mode + jnp.log(_NEGLIGIBLE + 4.0) / (1 + 0.3 * mode)
    step = (right - left) / (nodes - 1)
    t = left[..., None] + step[..., None] * jnp.arange(nodes, dtype=x.dtype)
    z = (t - x[..., None]) / ratio
    log_cdf = log_ndtr(z)
    exponent = log_cdf + t - jnp.exp(t) + jnp.log(step)[..., None]
    hazard = jnp.exp(-0.5 * z**2 - _LOG_SQRT_2PI - log_cdf)

    def moment(k: int) -> Array:  # dᵏ/dxᵏ Φ((t − x)/ratio) over Φ, by Hermite polynomials
        hermite = [jnp.ones_like(z), -z, z**2 - 1, z * (3 - z**2)][k - 1]
        return hazard * hermite / (-ratio) ** k

    return exponent, moment


def _lambert_w(log_argument: Array) -> Array:
    """Solve W·exp(W) = exp(log_argument) by Newton steps on log W; places nodes, no more."""
    v = jnp.where(log_argument < 1.0, log_argument - 0.3, jnp.log(jnp.maximum(log_argument, 1.0)))
    for _ in range(5):
        v = v - (jnp.exp(v) + v - log_argument) / (jnp.exp(v) + 1)
    return jnp.exp(v)
