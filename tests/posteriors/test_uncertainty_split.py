"""Where bands come from: the split against brute force, and against an economy with known parts."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.uncertainty_split import SOURCES, families_of, uncertainty_split

DIMS = ("scenario", "chain", "draw")


def tiny_economy(rng: np.random.Generator, theta: np.ndarray, shift: float) -> np.ndarray:
    """Return the share of 40 workers who gain, at parameters (D,) and skills drawn given them.

    A worker gains if what a machine takes is worth more than his skill at it.
    """
    spread = np.exp(0.3 * theta)[:, None]
    own = np.linspace(-1, 1, 40) + 0.4 * theta[:, None]
    skill = own + spread * rng.normal(size=(len(theta), 40))
    return (skill < 0.2 + shift).mean(1)


def as_draws(values: list[np.ndarray], chains: int = 2) -> xr.DataArray:
    return xr.DataArray(np.stack(values).reshape(len(values), chains, -1), dims=DIMS)


def test_split_is_that_of_brute_force() -> None:
    rng = np.random.default_rng(8)
    # Brute force: 400 draws of skills at each of 4,000 parameters.
    theta = rng.normal(size=4000)
    nested = np.stack([tiny_economy(rng, theta, 0.0) for _ in range(400)])
    within, between = nested.var(0, ddof=1).mean(), nested.mean(0).var()
    expected = within / (within + between)

    theta = rng.normal(size=4000)
    kept = np.arange(0, 2000, 5)
    headline = as_draws([tiny_economy(rng, theta, 0.0)])
    at_kept = theta.reshape(2, -1)[:, kept].ravel()
    again = as_draws([tiny_economy(rng, at_kept, 0.0)]).assign_coords(draw=kept)
    found = uncertainty_split(headline, again, ["one"])
    assert 0.1 < expected < 0.5  # both parts are there to be found
    # Four standard errors: a false alarm in 16,000 runs; and the error is small enough to tell.
    assert float(found["error"]) < 0.03
    assert abs(float(found["skills"]) - expected) < 4 * float(found["error"])
    assert float(found["labels"]) == float(found["scenarios"]) == 0
    assert float(found["variance"]) == pytest.approx(float(headline.var(ddof=1)), rel=1e-12)


def test_stated_error_is_the_spread_of_repetitions() -> None:
    rng = np.random.default_rng(9)
    shares, errors = [], []
    for _ in range(200):
        theta = rng.normal(size=400)
        first, again = (as_draws([tiny_economy(rng, theta, 0.0)]) for _ in range(2))
        found = uncertainty_split(first, again.assign_coords(draw=np.arange(200)), [0])
        shares.append(float(found["skills"]))
        errors.append(float(found["error"]))
    # The sd of 200 normals is within 20% of the truth but for one run in 10,000; errors of
    # dependence add some.
    assert np.mean(errors) / np.std(shares) == pytest.approx(1, abs=0.3)


def test_equally_likely_scenarios_add_the_variance_of_their_means() -> None:
    rng = np.random.default_rng(10)
    theta = rng.normal(size=600)
    shifts, families = [0.0, 0.4, 0.7, 2.0], ["a", "a", "a", "b"]
    first = [tiny_economy(rng, theta, shift) for shift in shifts]
    second = [tiny_economy(rng, theta, shift) for shift in shifts]
    again = as_draws(second).assign_coords(draw=np.arange(300))
    named = {"scenario": list("wxyz")}
    found = uncertainty_split(
        as_draws(first).assign_coords(named), again.assign_coords(named), families
    )
    mean = np.mean(first, 1)
    inside = np.mean([h.var(ddof=1) for h in first])
    skills = np.mean([(h - g).var(ddof=1) / 2 for h, g in zip(first, second, strict=True)])
    label = 3 / 4 * mean[:3].var()
    scenario = 3 / 4 * (mean[:3].mean() - mean.mean()) ** 2 + (mean[3] - mean.mean()) ** 2 / 4
    variance = inside + mean.var()
    assert float(found["variance"]) == pytest.approx(variance, rel=1e-12)
    expected = dict(zip(SOURCES, (skills, inside - skills, label, scenario), strict=True))
    for name, part in expected.items():
        assert float(found[name]) == pytest.approx(part / variance, rel=1e-10)
    assert sum(float(found[name]) for name in SOURCES) == pytest.approx(1, abs=1e-14)
    assert min(expected.values()) > 0


@pytest.mark.parametrize("seed", range(5))
def test_shares_add_up_whatever_the_numbers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (3, 2, 7, 5)
    headline = xr.DataArray(rng.standard_cauchy(shape), dims=(*DIMS, "occupation"))
    again = headline.isel(draw=slice(None, None, 2)).copy(data=rng.normal(size=(3, 2, 4, 5)))
    again = again.assign_coords(draw=[0, 2, 4, 6])
    found = uncertainty_split(headline, again, rng.integers(0, 2, 3))
    shares = np.stack([found[name].to_numpy() for name in SOURCES])
    np.testing.assert_allclose(shares.sum(0), 1, atol=1e-14)
    assert (shares >= 0).all()


def test_what_does_not_vary_comes_from_nowhere() -> None:
    still = xr.DataArray(np.full((1, 2, 6), 0.7), dims=DIMS)
    found = uncertainty_split(still, still.assign_coords(draw=np.arange(6)), [0])
    assert float(found["variance"]) < 1e-30
    assert np.isnan(float(found["skills"]))


def test_families_differ_in_more_than_labels() -> None:
    step = {"kind": "automation", "exposure": "human_beta", "above": None}
    described = [
        {"name": "a", **step},
        {"name": "b", **step, "exposure": "gpt4_beta"},
        {"name": "c", **step, "above": 0.5},
        {"name": "d", "step": [step, {"kind": "prices", "elasticity": 2.0}]},
        {"name": "e", "step": [{**step, "exposure": "x"}, {"kind": "prices", "elasticity": 2.0}]},
    ]
    tree = xr.DataTree()
    tree.attrs["scenarios"] = json.dumps(described)
    a, b, c, d, e = families_of(tree)
    assert a == b
    assert d == e
    assert len({a, c, d}) == 3
