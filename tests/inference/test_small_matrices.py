"""Written-out Cholesky factors and solves against LAPACK's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.inference.small_matrices import cholesky, inverse_of, solve_lower

# Either side of the size above which LAPACK is called.
SIZES = (1, 2, 5, 12, 13)


def positive_definite(rows: int, count: int = 7) -> np.ndarray:
    root = np.random.default_rng(rows).normal(size=(count, rows, rows + 2))
    return root @ root.transpose(0, 2, 1)


@pytest.mark.parametrize("rows", SIZES)
def test_cholesky(rows: int) -> None:
    matrix = positive_definite(rows)
    factor = np.asarray(cholesky(jnp.asarray(matrix)))
    np.testing.assert_allclose(factor, np.linalg.cholesky(matrix), rtol=1e-10, atol=1e-10)
    assert (np.triu(factor, 1) == 0).all()


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("rows", SIZES)
def test_solve_lower(rows: int, transpose: bool) -> None:
    factor = np.linalg.cholesky(positive_definite(rows))
    right = np.random.default_rng(1).normal(size=(7, rows))
    ours = solve_lower(jnp.asarray(factor), jnp.asarray(right), transpose=transpose)
    matrix = factor.transpose(0, 2, 1) if transpose else factor
    expected = np.linalg.solve(matrix, right[..., None])[..., 0]
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def test_what_lies_above_the_diagonal_is_not_read() -> None:
    factor = np.linalg.cholesky(positive_definite(4))
    right = np.ones((7, 4))
    dirty = factor + np.triu(np.full((4, 4), np.nan), 1)
    for transpose in (False, True):
        clean, found = (
            solve_lower(jnp.asarray(f), jnp.asarray(right), transpose=transpose)
            for f in (factor, dirty)
        )
        np.testing.assert_array_equal(found, clean)


@pytest.mark.parametrize("rows", [3, 13])
def test_gradient_of_a_quadratic_form_and_a_determinant(rows: int) -> None:
    # f(S) = bᵀS⁻¹b + log det S has the gradient S⁻¹ − S⁻¹bbᵀS⁻¹ in symmetric S.
    matrix, right = positive_definite(rows), np.random.default_rng(2).normal(size=(7, rows))

    @jax.jit
    @jax.grad
    def gradient(matrix: jax.Array) -> jax.Array:
        factor = cholesky(matrix)
        half = solve_lower(factor, jnp.asarray(right))
        diagonal = jnp.diagonal(factor, axis1=-2, axis2=-1)
        return (half**2).sum() + 2 * jnp.log(diagonal).sum()

    found = np.asarray(gradient(jnp.asarray(matrix)))
    inverse = np.linalg.inv(matrix)
    solved = np.einsum("nij,nj->ni", inverse, right)
    expected = inverse - solved[:, :, None] * solved[:, None, :]
    np.testing.assert_allclose(found + found.transpose(0, 2, 1), 2 * expected, rtol=1e-9, atol=1e-9)


def test_what_has_no_factor_is_not_a_number() -> None:
    factor = cholesky(jnp.asarray(np.diag([1.0, -1.0])[None]))
    assert np.isnan(factor).any()


@pytest.mark.parametrize("rows", SIZES)
def test_inverse(rows: int) -> None:
    matrix = positive_definite(rows)
    found = inverse_of(jnp.asarray(np.linalg.cholesky(matrix)))
    np.testing.assert_allclose(found, np.linalg.inv(matrix), rtol=1e-8, atol=1e-8)


def test_derivatives_of_a_large_factor_both_ways() -> None:
    # Forward by differences; backward is its transpose.
    matrix = positive_definite(13)
    rng = np.random.default_rng(3)
    change = rng.normal(size=matrix.shape)
    change = change + change.transpose(0, 2, 1)
    _, forward = jax.jvp(cholesky, (jnp.asarray(matrix),), (jnp.asarray(change),))
    step = 1e-6
    up, down = (np.linalg.cholesky(matrix + s * step * change) for s in (1, -1))
    np.testing.assert_allclose(forward, (up - down) / (2 * step), rtol=1e-5, atol=1e-5)
    weight = rng.normal(size=matrix.shape)
    _, back = jax.vjp(cholesky, jnp.asarray(matrix))
    (pulled,) = back(jnp.asarray(weight))
    assert float((pulled * change).sum()) == pytest.approx(float((forward * weight).sum()))
