"""The mean of a worker's best utility, against that of Gumbel variables, which is known."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models.best_nodes import BestNodes

Y = np.random.default_rng(3).normal(size=(5, 7)) * [[0.1], [1.0], [3.0], [10.0], [30.0]]


def mean(y, ratio, further):
    nodes = BestNodes.cover(jnp.max(y, axis=1), ratio, 160, further)
    below = jnp.exp(
        -jnp.exp(nodes.right[:, None] - nodes.back + jax.nn.logsumexp(y, axis=1)[:, None])
    )
    return nodes.mean(nodes.step * below.sum(1))


@pytest.mark.parametrize("ratio", [0.01, 0.5, 2.0])
@pytest.mark.parametrize("further", [0.0, 1.5])
def test_the_best_of_gumbels_has_a_known_mean(ratio, further):
    known = np.log(np.exp(Y - Y.max(1, keepdims=True)).sum(1)) + Y.max(1) + np.euler_gamma
    np.testing.assert_allclose(mean(Y, jnp.asarray(ratio), further), known, rtol=0, atol=1e-9)


def test_its_derivatives_are_choice_probabilities():
    found = jax.grad(lambda y: mean(y, jnp.asarray(0.5), 0.0).sum())(jnp.asarray(Y))
    np.testing.assert_allclose(found, jax.nn.softmax(Y, axis=1), rtol=0, atol=1e-9)
