"""The hand-written expansion of the choice factor against automatic differentiation of it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models.choice_expansion import curvature_along, expand_choice_of_careers
from taskroy.models.choice_grid import Grid, log_choice_of_careers
from taskroy.models.experience import Bonus, Experience

N, T, O, K = 5, 4, 6, 3  # noqa: E741
# Fine enough for the derivative of the series to be the series of the derivative.
FINE = Grid(nodes=128, terms=44, knots=400)


def careers(seed: int, ratio: float, surprise: float = 0.0) -> tuple[Any, ...]:
    """Return value, wage, occupation, observed, ratio, loading."""
    rng = np.random.default_rng(seed)
    loading = rng.dirichlet(np.ones(K), O) * 5.0
    value = 10.0 + rng.normal(size=(N, K)) @ loading.T * 0.5 + rng.normal(size=O)
    offers = value[:, None, :] + ratio * rng.normal(size=(N, T, O))
    held = np.argmax(offers + rng.gumbel(size=offers.shape), axis=-1)
    held[0] = held[0, 0]  # one worker who never moves
    wage = np.take_along_axis(offers, held[..., None], -1)[..., 0] - surprise
    observed = rng.random((N, T)) < 0.8
    observed[1] = [True, False, False, False]
    arrays = (value, wage, held, observed, np.float64(ratio), loading)
    return tuple(jnp.asarray(x) for x in arrays)


def experienced(case: tuple[Any, ...]) -> Bonus:
    past = Experience.of(case[2], case[3])
    return Bonus(past.last, 1.3 * (past.known & ~past.stays))


def differentiated(case: tuple[Any, ...], bonus: Bonus | None = None) -> tuple[Any, Any]:
    value, wage, occupation, observed, ratio, loading = case

    @jax.jit
    def both(skills: Any) -> Any:
        def log_choice(skills: Any) -> Any:
            worth = value + skills @ loading.T
            return log_choice_of_careers(
                worth, wage, occupation, observed, ratio, FINE, bonus
            ).sum()

        gradient = jax.grad(log_choice)
        # Workers are apart, so the same direction for all gives each one's own column.
        columns = [
            jax.jvp(gradient, (skills,), (jnp.zeros((N, K)).at[:, k].set(1.0),))[1]
            for k in range(K)
        ]
        return gradient(skills), -jnp.stack(columns, axis=-1)

    return both(jnp.zeros((N, K)))


@pytest.mark.parametrize("experience", [False, True])
@pytest.mark.parametrize(("ratio", "surprise"), [(0.4, 0.0), (2.3, 0.0), (2.3, 12.0), (6.0, 0.0)])
def test_expansion_is_the_derivative(ratio: float, surprise: float, experience: bool) -> None:
    case = careers(1, ratio, surprise)
    bonus = experienced(case) if experience else None
    gradient, curvature = expand_choice_of_careers(*case, FINE, bonus)
    expected, hessian = differentiated(case, bonus)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    np.testing.assert_allclose(curvature, hessian, atol=1e-6 * float(jnp.abs(hessian).max()))


def test_curvature_is_positive_semidefinite() -> None:
    for seed in range(4):
        _, curvature = expand_choice_of_careers(*careers(seed, 2.3), FINE)
        assert np.linalg.eigvalsh(np.asarray(curvature)).min() > -1e-8


def test_trace_is_that_of_the_matrices_and_so_is_its_gradient() -> None:
    case = careers(2, 2.3)
    root = np.random.default_rng(0).normal(size=(N, K, K))
    metric = jnp.asarray(root + root.transpose(0, 2, 1))

    def from_matrices(value: Any, wage: Any, ratio: Any) -> Any:
        moved = (value, wage, *case[2:4], ratio, case[5])
        return (expand_choice_of_careers(*moved, FINE)[1] * metric).sum((1, 2))

    def directly(value: Any, wage: Any, ratio: Any) -> Any:
        return curvature_along(value, wage, *case[2:4], ratio, case[5], metric, FINE)

    arguments = case[0], case[1], case[4]
    np.testing.assert_allclose(directly(*arguments), from_matrices(*arguments), rtol=1e-9)
    ours, theirs = (
        jax.jit(jax.grad(lambda *a, f=f: f(*a).sum(), argnums=(0, 1, 2)))(*arguments)
        for f in (directly, from_matrices)
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


def test_workers_with_one_year_and_no_year_pull_nothing_more() -> None:
    value, wage, occupation, observed, ratio, loading = careers(3, 2.3)
    observed = observed.at[2].set(False)
    gradient, curvature = expand_choice_of_careers(
        value, wage, occupation, observed, ratio, loading, FINE
    )
    assert (np.asarray(gradient[2]) == 0).all()
    np.testing.assert_allclose(curvature[2], 0.0, atol=1e-12)
