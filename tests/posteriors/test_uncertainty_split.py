"""Shares of a variance: they add up, and are those of economies whose shares are known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from report_tree import make_tree
from taskroy.posteriors.uncertainty_split import (
    ALL,
    explained_share,
    split_table,
    split_words,
    uncertainty_split,
)


@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_the_share_of_parameters_is_found(noise: float) -> None:
    """E[g | θ] = 2θ₁ + θ₂² has variance 4 + 2, and skills add noise; twenty more say nothing.

    Of 4,000 draws the share has a standard error of 0.01, and what is lost to overfitting is as
    much: 0.05 is four of both together.
    """
    rng = np.random.default_rng(4)
    theta = rng.normal(size=(4, 1000, 22))
    g = 2 * theta[..., 0] + theta[..., 1] ** 2 + noise * rng.normal(size=(4, 1000))
    assert explained_share(g, theta) == pytest.approx(6 / (6 + noise**2), abs=0.05)


def test_what_parameters_do_not_say_is_not_explained() -> None:
    rng = np.random.default_rng(5)
    assert explained_share(rng.normal(size=(4, 300)), rng.normal(size=(4, 300, 40))) < 0.02


def test_slow_chains_do_not_explain_themselves() -> None:
    """Neighbours in a chain are alike: draws left out at random would be guessed from them."""
    rng = np.random.default_rng(6)
    walk = np.cumsum(rng.normal(size=(2, 500, 60)), axis=1)
    assert explained_share(np.cumsum(rng.normal(size=(2, 500)), axis=1), walk) < 0.5


def test_too_few_draws_say_nothing() -> None:
    rng = np.random.default_rng(7)
    assert np.isnan(explained_share(rng.normal(size=(1, 20)), rng.normal(size=(1, 20, 30))))
    assert np.isnan(explained_share(np.ones((2, 50)), rng.normal(size=(2, 50, 3))))


@pytest.fixture(scope="module")
def tree() -> xr.DataTree:
    return make_tree(scenarios=("one label", "another label"))


def test_shares_add_up_to_one(tree: xr.DataTree) -> None:
    frame = uncertainty_split(tree)
    assert list(frame["scenario"].unique()) == ["one label", "another label", ALL]
    told = frame.dropna()
    np.testing.assert_allclose(told[["parameters", "skills", "choice"]].sum(axis=1), 1, rtol=1e-12)
    assert (told[["parameters", "skills", "choice"]] >= -1e-12).all(axis=None)


def test_of_all_scenarios_the_variance_is_that_of_their_draws_together(tree: xr.DataTree) -> None:
    frame = uncertainty_split(tree).set_index(["scenario", "key"])
    draws = tree["counterfactual"]["mean_change"].to_numpy()
    assert frame.loc[(ALL, "mean_change"), "sd"] == pytest.approx(draws.std(), rel=1e-12)
    between = draws.mean((1, 2)).var() / draws.var()
    found = frame.loc[(ALL, "mean_change"), "choice"]
    assert np.isnan(found) or found == pytest.approx(between, rel=1e-9)
    assert frame.loc[("one label", "mean_change"), "choice"] == 0


def test_it_is_told_in_words_and_in_a_table(tree: xr.DataTree) -> None:
    table = split_table(tree)
    assert table.name == "uncertainty"
    frame = table.frame.assign(parameters=0.86, choice=0.3)
    words = " ".join(split_words(frame))
    assert "in “one label”, 86% or more comes from parameters" in words
    assert "30% of the variance of the mean change would come from which of them it is" in words
