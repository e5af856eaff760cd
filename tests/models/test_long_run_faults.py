"""Workers whose long run was not found are counted, not passed on."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from taskroy.models.long_run_faults import FAULTS, long_run_faults
from taskroy.models.world import Equilibrium


def equilibrium(**changed: np.ndarray) -> Equilibrium:
    """Return that of six workers in three occupations."""
    numbers = {name: np.ones((6, 3)) for name in ("potential", "probability", "shock")}
    numbers |= {"welfare": np.ones(6)} | changed
    return Equilibrium(**{name: jnp.asarray(values) for name, values in numbers.items()})


def test_they_are_counted_once_each() -> None:
    # A search that failed for two workers, and shares of a chain that rounding has cut in pieces.
    welfare, cut, rounded = np.ones(6), np.full((6, 3), 1 / 3), np.full((6, 3), 1 / 3)
    welfare[2:4], cut[3:], rounded[0, 1] = np.nan, [1.5, -0.5, 0.0], -1e-15
    usual, unsettled = equilibrium(probability=rounded), equilibrium(welfare=welfare)
    stuck = equilibrium(probability=cut)
    for worlds, counts in (
        ((usual, usual), [0, 0]),
        ((usual, unsettled), [2, 0]),
        ((unsettled, unsettled), [2, 0]),
        ((stuck, unsettled), [2, 3]),
    ):
        found = long_run_faults(*worlds)
        assert tuple(found) == FAULTS
        assert [float(found[name]) for name in FAULTS] == counts


def test_wages_that_are_no_numbers_are_no_fault_of_the_long_run() -> None:
    broken = equilibrium(potential=np.full((6, 3), np.nan), welfare=np.full(6, np.nan))
    assert float(long_run_faults(equilibrium(), broken)["unsettled"]) == 0
