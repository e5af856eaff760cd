"""What is said not to be weighable is what ArviZ refuses, and the rest it takes."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.leave_one_out import leave_one_out
from taskroy.posteriors.weighable import why_not_weighable

SAMPLE = ("chain", "draw")


def careers(chains: int = 2, draws: int = 200) -> np.ndarray:
    """Log likelihoods (chain, draw, worker) of sound draws."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((chains, draws, 1)) * np.array([0.1, -0.2, 0.3])


def tree_of(career: np.ndarray) -> xr.DataTree:
    some = {"chain": np.arange(career.shape[0]), "draw": np.arange(career.shape[1])}
    scale = np.random.default_rng(2).uniform(size=career.shape[:2])
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {k: (SAMPLE, scale) for k in ("taste_scale", "wage_shock_scale")}
            ),
            "log_likelihood": xr.Dataset({"career": ((*SAMPLE, "worker"), career)}, some),
        }
    )


def test_sound_draws_can_be_weighed() -> None:
    tree = tree_of(careers())
    assert why_not_weighable(tree) is None
    assert np.isfinite(leave_one_out(tree).pareto_k).all()


def test_the_fewest_draws_that_arviz_takes_can_be_weighed() -> None:
    tree = tree_of(careers(1, 25))
    assert why_not_weighable(tree) is None
    leave_one_out(tree)


def test_a_chain_that_stood_still_is_named() -> None:
    career = careers()
    career[1] = career.min()  # the least likely draw: it has the largest weights
    with pytest.raises(ValueError, match="tail"):
        leave_one_out(tree_of(career))
    assert why_not_weighable(tree_of(career)) == (
        "200 of 400 draws are one and the same, as where a chain stood still"
    )


def test_a_few_draws_alike_do_no_harm() -> None:
    """NUTS stays where it is now and then."""
    career = careers()
    career[1, 1:20] = career[1, 0]
    assert why_not_weighable(tree_of(career)) is None
    leave_one_out(tree_of(career))


def test_too_few_draws_are_named() -> None:
    with pytest.raises(ValueError, match="tail"):
        leave_one_out(tree_of(careers(2, 12)))
    assert why_not_weighable(tree_of(careers(2, 12))) == "24 draws are too few to be weighed"


def test_a_likelihood_that_is_not_a_number_is_named() -> None:
    career = careers()
    career[0, 3, 1], career[1, 5, 0] = np.nan, -np.inf
    assert why_not_weighable(tree_of(career)) == ("the likelihood is not finite at 2 of its draws")
