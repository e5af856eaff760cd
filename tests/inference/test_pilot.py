"""What the pilot expands the choice factor to: curvatures that hold for the most unlike workers."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.inference.pilot import expand_choice
from taskroy.models.choice_grid import Grid
from wide_panel import wide_panel

FINE = Grid(nodes=160, terms=60, knots=512)


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
