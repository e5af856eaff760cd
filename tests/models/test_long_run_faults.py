"""Workers whose long run was not found are counted, not passed on."""

from __future__ import annotations

import jax.numpy as jnp

from taskroy.models.long_run_faults import FAULTS, long_run_faults
from taskroy.models.world import Equilibrium

USUAL = Equilibrium(
    potential=jnp.ones((6, 3)),
    probability=jnp.full((6, 3), 1 / 3),
    shock=jnp.zeros((6, 3)),
    welfare=jnp.ones(6),
)


def test_they_are_counted_once_each() -> None:
    # A search that failed for two workers, and shares of a chain that rounding has cut in pieces.
    unsettled = USUAL._replace(welfare=USUAL.welfare.at[2:4].set(jnp.nan))
    stuck = USUAL._replace(probability=USUAL.probability.at[3:].set(jnp.asarray([1.5, -0.5, 0.0])))
    rounded = USUAL._replace(probability=USUAL.probability.at[0, 1].set(-1e-15))
    for worlds, counts in (
        ((USUAL, rounded), [0, 0]),
        ((USUAL, unsettled), [2, 0]),
        ((unsettled, unsettled), [2, 0]),
        ((stuck, unsettled), [2, 3]),
    ):
        found = long_run_faults(*worlds)
        assert tuple(found) == FAULTS
        assert [float(found[name]) for name in FAULTS] == counts


def test_wages_that_are_no_numbers_are_no_fault_of_the_long_run() -> None:
    broken = USUAL._replace(potential=USUAL.potential * jnp.nan, welfare=USUAL.welfare * jnp.nan)
    assert float(long_run_faults(USUAL, broken)["unsettled"]) == 0
