"""Sensitivities of what depends on no prior are told from noise, however many elements it has."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.power_scaling import OVER_NOISE, power_scaling
from taskroy.posteriors.table_power_scaling import DATA, power_scaling_table

SAMPLE = ("chain", "draw")


def tree_of(seed: int, tasks: int, pull: float = 0.0) -> xr.DataTree:
    """Return draws that no density depends on, but for one task's, which a prior's may pull."""
    rng = np.random.default_rng(seed)

    def noise(*shape: int) -> np.ndarray:
        return rng.standard_normal((4, 100, *shape))

    coords = {"chain": np.arange(4), "draw": np.arange(100)}
    log_prior = {name: (SAMPLE, noise()) for name in ("taste_scale", "skill_sd")}
    sds = noise(tasks)
    sds[..., 3] += pull * log_prior["skill_sd"][1]
    scales = {name: (SAMPLE, noise()) for name in ("taste_scale", "wage_shock_scale")}
    career = noise(5)
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({**scales, "skill_sd": ((*SAMPLE, "task"), sds)}, coords),
            "log_prior": xr.Dataset(log_prior, coords),
            "log_likelihood": xr.Dataset({"career": ((*SAMPLE, "worker"), career)}, coords),
        }
    )


@pytest.fixture(scope="module")
def many() -> xr.DataTree:
    return tree_of(1, tasks=37)


def test_the_largest_of_many_is_held_against_the_largest_of_many(many: xr.DataTree) -> None:
    found = power_scaling(many).set_index(["key", "block"])
    of_many = found.loc["skill_sd"]
    # It was held against the noise of single numbers, which it exceeds though nothing is there.
    single = found.loc["taste_scale"]["noise"]
    assert (of_many["noise"] > 1.3 * single).all()
    ratio = of_many["sensitivity"] / of_many["noise"]
    assert ((ratio > 1 / OVER_NOISE) & (ratio < OVER_NOISE)).all()


def test_noise_of_single_numbers_is_that_of_all_of_them(many: xr.DataTree) -> None:
    found = power_scaling(many).set_index(["key", "block"])["noise"]
    scales = found.loc["taste_scale"], found.loc["wage_shock_scale"]
    np.testing.assert_allclose(*scales, rtol=1e-12)


def test_what_the_prior_moves_stands_out_of_the_noise_of_the_largest() -> None:
    rows = power_scaling_table(tree_of(2, tasks=37, pull=2.0)).frame.set_index("key")
    assert rows.loc["skill_sd", "reading"] != DATA
    assert rows.loc["skill_sd", "most"] == "skill sds"
    assert rows.loc["taste_scale", "reading"] == DATA
