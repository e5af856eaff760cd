"""Densities of unconstrained sites, Jacobians included, against SciPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from scipy.special import betaln
from scipy.stats import halfnorm, lognorm, norm

from taskroy.inference.density import density_of

CONCENTRATION = 2.0


def model() -> None:
    scale = numpyro.sample("scale", dist.LogNormal(np.log(0.3), 0.5))
    numpyro.sample("spread", dist.HalfNormal(0.7))
    numpyro.sample("level", dist.Normal(0.2, scale))
    numpyro.sample("factor", dist.LKJCholesky(2, CONCENTRATION))
    numpyro.deterministic("twice", 2 * scale)


def log_density(z: dict[str, np.ndarray]) -> float:
    """Return the log density of the unconstrained sites: that of the sites times |dx/dz|."""
    found = lognorm.logpdf(np.exp(z["scale"]), 0.5, scale=0.3) + z["scale"]
    found += halfnorm.logpdf(np.exp(z["spread"]), scale=0.7) + z["spread"]
    found += norm.logpdf(z["level"], 0.2, np.exp(z["scale"]))
    # Of a 2 × 2 factor the correlation tanh(z) is all; (r + 1)/2 is Beta(η, η), dr/dz = 1 − r².
    inside = 1 - np.tanh(z["factor"][0]) ** 2
    norming = betaln(CONCENTRATION, CONCENTRATION) + (2 * CONCENTRATION - 1) * np.log(2)
    return float(found + CONCENTRATION * np.log(inside) - norming)


def test_the_potential_is_that_of_the_density_after_the_change_of_variables() -> None:
    density = density_of(model)
    potential = jax.jit(density.potential)
    rng = np.random.default_rng(0)
    for _ in range(5):
        z = {k: rng.normal(size=()) for k in ("scale", "spread", "level")}
        z["factor"] = rng.normal(size=1)
        found = -float(potential({k: jnp.asarray(v) for k, v in z.items()}))
        np.testing.assert_allclose(found, log_density(z), rtol=1e-10)


def test_unconstrained_and_back_is_the_same() -> None:
    density = density_of(model)
    values = {
        "scale": jnp.asarray(0.4),
        "spread": jnp.asarray(1.1),
        "level": jnp.asarray(-0.3),
        "factor": jnp.array([[1.0, 0.0], [-0.6, 0.8]]),
    }
    back = density.from_real(density.to_real(values))
    assert set(back) == set(values)
    for name, value in values.items():
        np.testing.assert_allclose(back[name], value, rtol=1e-10, atol=1e-12)
