"""Cholesky factors of many small matrices at once.

On CPU, XLA's batched triangular solves and their gradients call LAPACK once a matrix: hundreds of
small calls cost a hundred times the rest of a gradient (model.md, section 4). Up to eight rows
the same algebra written out over the batch is a few vector operations. Above, the factor is
LAPACK's, and its derivative products of whole batches.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular
from jaxtyping import Float

# Above this LAPACK is faster, and the written-out algebra takes seconds to compile.
_UNROLLED_ROWS = 8


def cholesky(matrix: Float[Array, "N K K"]) -> Float[Array, "N K K"]:
    """Return the lower Cholesky factors of positive definite matrices."""
    rows = matrix.shape[-1]
    if rows > _UNROLLED_ROWS:
        return _lapack_cholesky(matrix)
    factor = [[jnp.zeros_like(matrix[..., 0, 0])] * rows for _ in range(rows)]
    for j in range(rows):
        rest = matrix[..., j, j] - sum((factor[j][k] ** 2 for k in range(j)), start=0.0)
        factor[j][j] = jnp.sqrt(rest)
        for i in range(j + 1, rows):
            inner = sum((factor[i][k] * factor[j][k] for k in range(j)), start=0.0)
            factor[i][j] = (matrix[..., i, j] - inner) / factor[j][j]
    return jnp.stack([jnp.stack(row, axis=-1) for row in factor], axis=-2)


def solve_lower(
    factor: Float[Array, "N K K"], right: Float[Array, "N K"], *, transpose: bool = False
) -> Float[Array, "N K"]:
    """Solve C·x = right, or Cᵀ·x = right, for lower triangular C."""
    rows = factor.shape[-1]
    if rows > _UNROLLED_ROWS:
        solved = solve_triangular(factor, right[..., None], lower=True, trans=int(transpose))
        return solved[..., 0]
    x: list[Array] = [right[..., 0]] * rows
    for i in reversed(range(rows)) if transpose else range(rows):
        done = range(i + 1, rows) if transpose else range(i)
        inner = sum(
            ((factor[..., k, i] if transpose else factor[..., i, k]) * x[k] for k in done),
            start=0.0,
        )
        x[i] = (right[..., i] - inner) / factor[..., i, i]
    return jnp.stack(x, axis=-1)


def inverse_of(factor: Float[Array, "N K K"]) -> Float[Array, "N K K"]:
    """Return (CCᵀ)⁻¹ for lower triangular C."""
    rows = factor.shape[-1]
    if rows > _UNROLLED_ROWS:
        root = _inverse_of_lower(factor)
    else:
        unit = jnp.eye(rows, dtype=factor.dtype)
        columns = jnp.broadcast_to(unit[:, None], (rows, *factor.shape[:-2], rows))
        root = jnp.moveaxis(jax.vmap(lambda c: solve_lower(factor, c))(columns), 0, -1)
    return root.mT @ root


@jax.custom_jvp
def _lapack_cholesky(matrix: Array) -> Array:
    return jnp.linalg.cholesky(matrix)


@_lapack_cholesky.defjvp
def _cholesky_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """Return C, and C·Φ(C⁻¹·dS·C⁻ᵀ) with Φ the lower triangle and half the diagonal."""
    (matrix,), (change,) = primals, tangents
    factor = _lapack_cholesky(matrix)
    root = _inverse_of_lower(factor)
    inner = root @ (0.5 * (change + change.mT)) @ root.mT
    half = jnp.tril(jnp.ones(matrix.shape[-2:])) - 0.5 * jnp.eye(matrix.shape[-1])
    return factor, factor @ (inner * half.astype(inner.dtype))


def _inverse_of_lower(factor: Float[Array, "N K K"]) -> Float[Array, "N K K"]:
    """Invert lower triangular matrices, by halves: the inverse of [A 0; B D] in terms of theirs."""
    rows = factor.shape[-1]
    if rows == 1:
        return 1 / factor
    cut = rows // 2
    above = _inverse_of_lower(factor[..., :cut, :cut])
    below = _inverse_of_lower(factor[..., cut:, cut:])
    corner = -below @ factor[..., cut:, :cut] @ above
    nothing = jnp.zeros_like(factor[..., :cut, cut:])
    return jnp.concatenate(
        [jnp.concatenate([above, nothing], -1), jnp.concatenate([corner, below], -1)], -2
    )
