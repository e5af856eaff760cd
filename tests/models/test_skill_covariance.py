"""Which coordinates a covariance of factors is drawn in."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import handlers
from scipy.stats import ks_2samp

from taskroy.models.roy import bases
from taskroy.models.settings import ModelSettings
from taskroy.models.skill_covariance import sample_skill_covariance

TASKS, FACTORS = 5, 2
SETTINGS = ModelSettings(covariance="factor", factors=FACTORS)


def common(directions: Any, key: Any) -> Any:
    """ΛΛᵀ of one draw from the prior."""
    model = partial(sample_skill_covariance, directions, SETTINGS)
    fixed = handlers.substitute(model, {"loading_scale": jnp.asarray(1.5)})
    trace = handlers.trace(handlers.seed(fixed, key)).get_trace()
    sd, corr, unique = (trace[k]["value"] for k in ("skill_sd", "skill_corr", "unique_sd"))
    return sd[:, None] * corr * sd - jnp.diag(unique**2)


def test_directions_are_those_of_which_occupations_weights_say_most() -> None:
    weights = np.random.default_rng(0).dirichlet(np.ones(TASKS), size=9)
    orthogonal, directions = map(np.asarray, bases(weights))
    np.testing.assert_allclose(directions.T @ directions, np.eye(TASKS), atol=1e-12)
    length = np.linalg.norm(weights @ directions, axis=0)
    assert (np.diff(length) < 0).all()
    largest = np.take_along_axis(directions, np.abs(directions).argmax(0)[None], axis=0)
    assert (largest > 0).all()
    np.testing.assert_allclose(length**2, np.linalg.eigvalsh(weights.T @ weights)[::-1])
    assert orthogonal.shape == (9, 9 - TASKS)


@pytest.mark.parametrize("occupations", [2, 3])
def test_with_fewer_occupations_than_tasks_directions_are_still_a_basis(occupations: int) -> None:
    weights = np.random.default_rng(1).dirichlet(np.ones(TASKS), size=occupations)
    directions = np.asarray(bases(weights)[1])
    np.testing.assert_allclose(directions.T @ directions, np.eye(TASKS), atol=1e-12)
    np.testing.assert_allclose(weights @ directions[:, occupations:], 0.0, atol=1e-12)


def test_the_prior_of_the_covariance_is_the_same_in_any_directions() -> None:
    """Five tests of Kolmogorov and Smirnov, a false alarm in 10,000."""
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(TASKS, TASKS)))[0]
    found = []
    for directions, seed in ((np.eye(TASKS), 0), (turn, 1)):
        draw = jax.vmap(partial(common, jnp.asarray(directions)))
        found.append(np.asarray(jax.jit(draw)(jax.random.split(jax.random.key(seed), 2000))))
    for tell in (
        lambda x: x[:, 0, 0],
        lambda x: x[:, 4, 4],
        lambda x: x[:, 0, 4],
        lambda x: x[:, 1, 3],
        lambda x: np.linalg.eigvalsh(x)[:, -1],
    ):
        assert ks_2samp(tell(found[0]), tell(found[1])).pvalue > 1e-4 / 5


def test_workers_differ_alike_everywhere_by_the_length_of_one_row() -> None:
    """Where all occupations have the same weights, only the first row of the triangle matters."""
    weights = np.full((4, TASKS), 1 / TASKS)
    directions = bases(weights)[1]
    model = partial(sample_skill_covariance, directions, SETTINGS)
    trace = handlers.trace(handlers.seed(model, 0)).get_trace()
    first = trace["loading_triangle"]["value"][0, 0] * trace["loading_scale"]["value"]
    sd, corr, unique = (trace[k]["value"] for k in ("skill_sd", "skill_corr", "unique_sd"))
    shared = sd[:, None] * corr * sd - jnp.diag(unique**2)
    between = weights[0] @ np.asarray(shared) @ weights[0]
    assert between == pytest.approx(float(first**2) / FACTORS / TASKS, rel=1e-9)
