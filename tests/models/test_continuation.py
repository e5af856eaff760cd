"""What occupations are worth from next year on: against value iteration, and its laws."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models.choice_grid import Grid
from taskroy.models.continuation import continuation
from taskroy.models.technology import Technology
from taskroy.models.world import World, solve

GRID = Grid(nodes=96, terms=40, knots=320)
VALUE = np.array([[0.3, -0.5, 1.2], [1.0, 1.1, -3.0]])


def ahead(value: np.ndarray, ratio: float, bonus: float, discount: float) -> np.ndarray:
    r = jnp.asarray(ratio) if ratio else None
    return np.asarray(continuation(jnp.asarray(value), r, jnp.asarray(bonus), discount, GRID))


def by_value_iteration(value: np.ndarray, ratio: float, bonus: float, discount: float) -> Any:
    """Iterate one worker's Bellman equation, wage shocks on Gauss–Hermite nodes; plain NumPy.

    Returns β·(v(o) − v(nowhere)), long-run shares, and what a year of the long run is worth.
    """
    size = len(value)
    node, weight = np.polynomial.hermite_e.hermegauss(40 if ratio else 1)
    shock = ratio * np.stack(np.meshgrid(*[node] * size, indexing="ij"), -1).reshape(-1, size)
    weight = np.prod(np.stack(np.meshgrid(*[weight] * size, indexing="ij")), 0).reshape(-1)
    weight = weight / weight.sum()
    origin = np.vstack([bonus * np.eye(size), np.zeros(size)])  # the last is nowhere
    v = np.zeros(size + 1)
    while True:
        worth = value + origin + discount * v[:size]
        each = worth[:, None] + shock
        top = each.max(2)
        new = (top + np.log(np.exp(each - top[..., None]).sum(2))) @ weight + np.euler_gamma
        old, v = v, new
        if np.ptp(v - old) < 1e-13:
            break
    chance = np.exp(each - top[..., None])
    choice = np.einsum("jno,n->jo", chance / chance.sum(2, keepdims=True), weight)[:size]
    share = np.linalg.matrix_power(choice, 4000)[0]
    # v(j) = what a year from j is worth + β·E v(o), and o is as j in the long run.
    year = share @ (v - discount * old)[:size]
    return discount * (v[:size] - v[size]), share, year


@pytest.mark.parametrize(
    ("ratio", "bonus", "discount"),
    [
        *((0.0, 1.5, 0.9), (0.4, 1.5, 0.9), (1.2, 0.3, 0.5), (1.7, 2.5, 0.95)),
        # Bonuses that hardly anybody leaves for anything: a Newton step from nothing goes astray.
        *((0.0, 12.0, 0.95), (1.4, 6.0, 0.95), (2.3, 10.0, 0.95)),
    ],
)
def test_it_is_what_value_iteration_finds(ratio: float, bonus: float, discount: float) -> None:
    found = ahead(VALUE, ratio, bonus, discount)
    wanted = [by_value_iteration(value, ratio, bonus, discount)[0] for value in VALUE]
    np.testing.assert_allclose(found, wanted, atol=2e-8)


@pytest.mark.parametrize("ratio", [0.0, 1.7])
def test_laws(ratio: float) -> None:
    found = ahead(VALUE, ratio, 1.5, 0.9)
    assert ((found > 0) & (found < 0.9 * 1.5)).all()
    np.testing.assert_allclose(ahead(VALUE + 7.0, ratio, 1.5, 0.9), found, rtol=1e-6)
    np.testing.assert_array_equal(ahead(VALUE, ratio, 1.5, 0.0), 0.0)
    np.testing.assert_array_equal(ahead(VALUE, ratio, 0.0, 0.9), 0.0)
    order = [2, 0, 1]
    np.testing.assert_allclose(ahead(VALUE[:, order], ratio, 1.5, 0.9), found[:, order], rtol=1e-6)
    # Whoever has nowhere else to go is worth the whole bonus next year.
    stuck = ahead(np.array([[0.0, -200.0]]), ratio, 1.5, 0.9)
    np.testing.assert_allclose(stuck, [[0.9 * 1.5, 0.0]], atol=1e-7)


@pytest.mark.parametrize("ratio", [None, 1.7])
def test_derivatives_of_both_modes(ratio: float | None) -> None:
    weight = jnp.asarray(np.random.default_rng(3).normal(size=VALUE.shape))

    def total(value: jax.Array, r: jax.Array | None, bonus: jax.Array) -> jax.Array:
        return (weight * continuation(value, r, bonus, 0.95, GRID)).sum()

    at = jnp.asarray(VALUE), None if ratio is None else jnp.asarray(ratio), jnp.asarray(1.5)
    along = jax.tree.map(lambda x: jnp.asarray(np.random.default_rng(4).normal(size=x.shape)), at)

    def moved(h: float) -> jax.Array:
        return total(*jax.tree.map(lambda x, way: x + h * way, at, along))

    numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5
    _, forward = jax.jvp(lambda *x: total(*x), at, along)
    names = (0, 2) if ratio is None else (0, 1, 2)
    gradient = jax.grad(total, names)(*at)
    backward = sum((g * along[i]).sum() for i, g in zip(names, gradient, strict=True))
    np.testing.assert_allclose(forward, numeric, rtol=1e-6)
    np.testing.assert_allclose(backward, numeric, rtol=1e-6)


def test_many_chains_at_once_are_as_each_alone() -> None:
    bonus = jnp.asarray([0.5, 3.0])
    together = jax.vmap(lambda b: continuation(jnp.asarray(VALUE), None, b, 0.9, GRID))(bonus)
    for one, b in zip(together, bonus, strict=True):
        np.testing.assert_allclose(one, ahead(VALUE, 0.0, float(b), 0.9), rtol=1e-10)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_the_long_run_of_who_looks_ahead(shock: Any) -> None:
    nu, rho = 0.25, 0.3
    world = World(
        technology=Technology.from_task_weights(jnp.eye(3), jnp.full(3, 0.6)),
        intercept=jnp.zeros(3),
        skill=jnp.asarray(VALUE * nu),
        premium=jnp.zeros((2, 3)),
        amenity=jnp.zeros(3),
        wage_shock_scale=jnp.asarray(rho),
        taste_scale=jnp.asarray(nu),
        experience_return=jnp.asarray(1.5 * nu),
        discount=0.9,
    )
    ours = solve(world, shock)
    ratio = rho / nu if shock == "occupation" else 0.0
    for i, value in enumerate(VALUE):
        _, share, year = by_value_iteration(value, ratio, 1.5, 0.9)
        np.testing.assert_allclose(ours.probability[i], share, atol=1e-6)
        np.testing.assert_allclose(ours.welfare[i], nu * year, atol=1e-6)
