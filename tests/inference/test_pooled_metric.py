"""The mass matrix that chains share."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer import NUTS

from taskroy.inference.chains import run_chains
from taskroy.inference.pooled_metric import (
    no_moments,
    pooled,
    widened,
    with_draws,
    with_metric,
)
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.target import Target
from taskroy.progress import Silent

ROOT = np.tril(np.random.default_rng(0).normal(size=(3, 3))) + 2 * np.eye(3)
COVARIANCE = ROOT @ ROOT.T
DENSE = ("b", "a")


def potential(sites: dict[str, jax.Array]) -> jax.Array:
    x = jnp.concatenate([sites["b"].ravel(), sites["a"][None]])
    return 0.5 * x @ jnp.linalg.solve(jnp.asarray(COVARIANCE), x) + 0.5 * (sites["z"] ** 2).sum()


def with_variances(state: Any, variances: np.ndarray) -> Any:
    """Put variances of the sites left out where NumPyro keeps them, and their roots."""
    adapted, rest = state.adapt_state, ("z",)
    roots = {
        "inverse_mass_matrix": variances,
        "mass_matrix_sqrt": 1 / np.sqrt(variances),
        "mass_matrix_sqrt_inv": np.sqrt(variances),
    }
    replaced = {
        name: getattr(adapted, name) | {rest: jnp.stack([value, value])}
        for name, value in roots.items()
    }
    return state._replace(adapt_state=adapted._replace(**replaced))


def test_state_is_what_numpyro_makes_of_the_metric() -> None:
    rng = np.random.default_rng(1)
    draws = {
        "b": jnp.asarray(rng.normal(size=(2, 30, 2))),
        "a": jnp.asarray(rng.normal(size=(2, 30)) + np.arange(30)),
        "z": jnp.asarray(rng.normal(size=(2, 30, 4))),
    }
    start = {"a": jnp.zeros(()), "b": jnp.zeros(2), "z": jnp.zeros(4)}

    def begun(metric: np.ndarray) -> dict[str, object]:
        mass = {DENSE: jnp.asarray(metric)}
        kernel = NUTS(
            potential_fn=potential,
            dense_mass=[DENSE],
            inverse_mass_matrix=mass,
            adapt_mass_matrix=False,
            step_size=0.1,
        )
        state = kernel.init(jax.random.key(0), 50, start, (), {})
        return jax.tree.map(lambda x: jnp.stack([x, x]), state)

    moments = no_moments(begun(np.eye(3)))
    # In two parts, the second of which has another mean.
    for part in (slice(None, 10), slice(10, None)):
        moments = with_draws(moments, {k: v[:, part] for k, v in draws.items()})
    updated = with_metric(begun(np.eye(3)), moments)
    flat = np.concatenate([np.asarray(draws[k]).reshape(60, -1) for k in DENSE], axis=1)
    wanted = begun(pooled(np.eye(3), 60, 60 * np.cov(flat.T, bias=True)))
    variances = 60 * np.asarray(draws["z"]).reshape(60, -1).var(0)
    wanted = with_variances(wanted, pooled(np.ones(4), 60, variances))
    for name in ("inverse_mass_matrix", "mass_matrix_sqrt", "mass_matrix_sqrt_inv"):
        found, expected = getattr(updated.adapt_state, name), getattr(wanted.adapt_state, name)
        assert found.keys() == expected.keys()
        for sites in expected:
            np.testing.assert_allclose(found[sites], expected[sites], atol=1e-12)
    assert updated.adapt_state.step_size.shape == (2,)


def test_many_draws_outweigh_the_guess_and_few_do_not() -> None:
    draws = np.random.default_rng(2).normal(size=(200_000, 3)) @ ROOT.T
    scatter = draws.T @ draws
    np.testing.assert_allclose(pooled(np.eye(3), 2e5, scatter), COVARIANCE, rtol=0.05, atol=0.05)
    # Four draws of three numbers, against a guess that counts as six; variances, as two.
    few = pooled(np.eye(3), 4, draws[:4].T @ draws[:4])
    assert (np.linalg.eigvalsh(few) >= 0.6 - 1e-12).all()
    assert (pooled(np.ones(3), 4, (draws[:4] ** 2).sum(0)) >= 1 / 3 - 1e-12).all()


@pytest.mark.parametrize("number", [50.0, 200.0, 5000.0])
def test_a_variance_is_what_would_give_an_eigenvalue_as_large(number: float) -> None:
    # A spike of variance v has an eigenvalue of about v + γv/(v − 1): no draws, no chance.
    size = 90
    ratio = size / number
    wide = np.ones(size)
    wide[[3, 40]] = [60.0, 900.0]
    seen = np.where(wide > 1, wide + ratio * wide / np.where(wide > 1, wide - 1, 1), 1.0)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))[0]
    root = np.tril(np.random.default_rng(1).normal(size=(size, size))) + 10 * np.eye(size)
    scatter = number * root @ turn @ np.diag(seen) @ turn.T @ root.T
    found = widened(jnp.asarray(root @ root.T), number, jnp.asarray(scatter))
    expected = root @ turn @ np.diag(wide) @ turn.T @ root.T
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_what_chance_could_give_changes_no_guess() -> None:
    # A hundred numbers, two hundred draws of four chains that remember a half of each step.
    rng = np.random.default_rng(4)
    size, number = 100, 200
    draws = np.zeros((4, number // 4, size))
    draws[:, 0] = rng.normal(size=(4, size))
    for i in range(1, number // 4):
        draws[:, i] = 0.5 * draws[:, i - 1] + np.sqrt(0.75) * rng.normal(size=(4, size))
    flat = draws.reshape(number, size)
    # Wider than independent ones would be: the margin is what leaves the guess alone.
    largest = np.linalg.eigvalsh(flat.T @ flat / number)[-1]
    assert largest > (1 + np.sqrt(size / number)) ** 2
    guess = 9 * np.eye(size)
    found = widened(jnp.asarray(guess), number, jnp.asarray(9 * flat.T @ flat))
    np.testing.assert_allclose(found, guess, rtol=1e-12, atol=1e-12)


def test_chains_learn_a_metric_from_each_other() -> None:
    # A first guess that is a hundred times too narrow; four standard errors of 400 effective draws.
    settings = InferenceSettings(chains=4, warmup=250, draws=300)
    starts = {"a": jnp.zeros(4), "b": jnp.zeros((4, 2)), "z": jnp.zeros((4, 4))}
    chains = run_chains(
        Target(lambda _: potential),
        starts,
        jax.random.key(3),
        settings,
        dense=DENSE,
        inverse_mass={DENSE: 0.01 * jnp.eye(3)},
        progress=Silent(),
    )
    assert chains.statistics["n_steps"].mean() < 10
    flat = [chains.sites[k].reshape(1200, -1) for k in DENSE]
    sd = np.concatenate(flat, axis=1).std(0)
    np.testing.assert_allclose(sd, np.sqrt(np.diag(COVARIANCE)), rtol=4 / np.sqrt(2 * 400))
