"""What the pilot expands the choice factor to: curvatures that hold for the most unlike workers."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.inference.pilot import FIRST_GRID, expand_choice
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid

N, T, O, K = 40, 5, 12, 3  # noqa: E741
RHO, NU = 0.28, 0.125
FINE = Grid(nodes=160, terms=60, knots=512)


def wide_panel(shock: str) -> tuple[Careers, np.ndarray, np.ndarray, np.ndarray]:
    """Return careers of workers one of whom is far from all others, and sure of his choice."""
    rng = np.random.default_rng(5)
    weights = rng.dirichlet(np.ones(K), O)
    deviation = rng.normal(size=(N, K))
    deviation[0] = [10.0, -5.0, 2.0]
    potential = 2.0 + rng.normal(0, 0.2, O) + deviation @ weights.T
    offers = potential[:, None, :] + RHO * rng.normal(size=(N, T, O))
    held = np.argmax(offers + NU * rng.gumbel(size=offers.shape), axis=-1)
    wage = np.take_along_axis(offers, held[..., None], -1)[..., 0]
    there = Careers(
        *(jnp.asarray(potential), jnp.zeros((N, T)), jnp.asarray(rng.normal(0, 0.1, O))),
        *(jnp.asarray(RHO), jnp.asarray(NU)),
        observed=jnp.ones((N, T), bool),
        shock=shock,  # type: ignore[arg-type]
        grid=FIRST_GRID,
    )
    return there, np.stack([wage, held], -1), weights, deviation


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_the_expansion_is_that_of_a_finer_grid_for_every_worker(shock: str) -> None:
    there, career, weights, deviation = wide_panel(shock)
    found = expand_choice(there, jnp.asarray(career), jnp.asarray(weights), jnp.asarray(deviation))
    exact = there.replace(grid=FINE).expand_choice(jnp.asarray(career), jnp.asarray(weights))
    size = float(jnp.abs(exact[1]).max())
    np.testing.assert_allclose(found.curvature, exact[1], atol=1e-3 * size)
    assert np.linalg.eigvalsh(np.asarray(found.curvature)).min() > -1e-12 * size
    np.testing.assert_allclose(found.cross @ weights, exact[1], atol=2e-3 * size)
    # At these very skills its slope is the gradient.
    worth = np.asarray(there.potential + there.amenity) - deviation @ weights.T
    slope = found.slope - jnp.einsum("nko,no->nk", found.cross, worth)
    slope -= jnp.einsum("nkl,nl->nk", found.curvature, deviation)
    np.testing.assert_allclose(slope, exact[0], atol=1e-3 * float(jnp.abs(exact[0]).max()))
