"""Whitening levels changes coordinates, not the density."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro import handlers
from numpyro.infer.util import log_density

from taskroy.inference.whiten_levels import (
    SUFFIX,
    LevelLikelihood,
    WhitenLevel,
    level_likelihood,
    zero_sum_basis,
)

O = 4  # noqa: E741
ROOT = np.random.default_rng(0).normal(size=(O, O))
SHAPE = ROOT[:, :2] @ ROOT[:, :2].T + np.diag(np.arange(1.0, O + 1))


def prior(kind: str, scale: Any) -> Any:
    if kind == "zero-sum":
        return dist.ZeroSumNormal(scale, event_shape=(O,))
    if kind == "independent":
        return dist.Normal(jnp.arange(float(O)), scale).to_event(1)
    return dist.LowRankMultivariateNormal(
        jnp.arange(float(O)), scale * jnp.asarray(ROOT[:, :2]), scale**2 * jnp.arange(1.0, O + 1)
    )


def model(kind: str) -> Any:
    def plain() -> None:
        scale = numpyro.sample("scale", dist.HalfNormal(1.0))
        numpyro.sample("level", prior(kind, scale))

    return plain


def likelihood(size: int, strength: float) -> LevelLikelihood:
    root = np.random.default_rng(1).normal(size=(size, size))
    return LevelLikelihood(
        jnp.asarray(strength * root @ root.T), jnp.asarray(strength * np.arange(float(size)))
    )


@pytest.mark.parametrize("kind", ["zero-sum", "independent", "low-rank"])
@pytest.mark.parametrize("strength", [0.0, 1.0, 1e4])
def test_density_is_the_models_times_the_jacobian(kind: str, strength: float) -> None:
    size = O - 1 if kind == "zero-sum" else O
    white = handlers.reparam(model(kind), config={"level": WhitenLevel(likelihood(size, strength))})
    z = jnp.asarray(np.random.default_rng(2).normal(size=size))

    def level(z: Any, scale: float) -> Any:
        fixed = handlers.substitute(
            handlers.seed(white, 0), data={"scale": scale, "level" + SUFFIX: z}
        )
        return handlers.trace(fixed).get_trace()["level"]["value"]

    for scale in (0.01, 0.5, 3.0):
        x = level(z, scale)
        jacobian = jax.jacobian(level)(z, scale)
        if kind == "zero-sum":
            assert abs(float(x.sum())) < 1e-12
            jacobian = zero_sum_basis(O).T @ jacobian
        ours, _ = log_density(white, (), {}, {"scale": scale, "level" + SUFFIX: z})
        plain, _ = log_density(model(kind), (), {}, {"scale": scale, "level": x})
        expected = float(plain) + np.linalg.slogdet(np.asarray(jacobian))[1]
        assert float(ours) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("kind", ["zero-sum", "independent", "low-rank"])
def test_likelihood_is_the_posterior_over_the_prior(kind: str) -> None:
    size = O - 1 if kind == "zero-sum" else O
    basis = zero_sum_basis(O) if kind == "zero-sum" else np.eye(O)
    there = prior(kind, 0.7)
    if kind == "zero-sum":
        mean, precision = np.zeros(size), np.eye(size) / 0.49
    else:
        shape = SHAPE if kind == "low-rank" else np.eye(O)
        mean, precision = np.arange(float(O)), np.linalg.inv(0.49 * shape)
    truth = likelihood(size, 5.0)
    whole = precision + np.asarray(truth.precision)
    centre = np.linalg.solve(whole, precision @ mean + np.asarray(truth.score))
    z = np.random.default_rng(3).normal(size=(200_000, size))
    draws = (centre + z @ np.linalg.inv(np.linalg.cholesky(whole))) @ basis.T
    found = level_likelihood(jnp.asarray(draws), there)
    scale = np.abs(truth.precision).max()
    np.testing.assert_allclose(found.precision, truth.precision, atol=0.03 * scale)
    solved = np.linalg.solve(precision + found.precision, precision @ mean + found.score)
    np.testing.assert_allclose(solved, centre, atol=0.02)


def test_single_precision_does_where_a_scale_is_small() -> None:
    """Where intercepts hardly vary, the prior of mean potentials is nearly singular."""
    rng = np.random.default_rng(4)
    loading, z = 1.5 * rng.normal(size=(9, 5)), rng.normal(size=9)
    centre, root = loading @ rng.normal(size=5), rng.normal(size=(9, 9))

    def slope(scale: float) -> np.ndarray:
        def plain() -> None:
            each = jnp.full(9, scale**2)
            spread = dist.LowRankMultivariateNormal(jnp.zeros(9), jnp.asarray(loading), each)
            numpyro.sample("level", spread)

        precision = 100 * jnp.asarray(root @ root.T + np.eye(9))
        seen = LevelLikelihood(precision, precision @ jnp.asarray(centre))
        white = handlers.reparam(plain, config={"level": WhitenLevel(seen)})
        density = jax.grad(lambda z: log_density(white, (), {}, {"level" + SUFFIX: z})[0])
        return np.asarray(density(jnp.asarray(z)))

    # At 0.001 the covariance in single precision is not positive definite.
    for scale, error in ((0.3, 1e-4), (0.01, 1e-3), (0.001, 0.1)):
        exact = slope(scale)
        with jax.enable_x64(False):
            np.testing.assert_allclose(slope(scale), exact, atol=error)
