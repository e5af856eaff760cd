"""Densities stored with a fit: which draws they are of, and what is concluded from them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.inference.settings import InferenceSettings
from taskroy.models.priors import LogNormal, Priors
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.checks import check
from taskroy.posteriors.fit import fit
from taskroy.posteriors.leave_one_out import compare_variants, leave_one_out, wage_pit
from taskroy.posteriors.power_scaling import power_scaling
from taskroy.posteriors.some_draws import kept_draws
from taskroy.posteriors.table_power_scaling import (
    DATA,
    power_scaling_table,
    power_scaling_words,
)


def test_some_draws_are_kept_evenly_spaced() -> None:
    assert list(kept_draws(2, 200)) == list(range(200))
    found = kept_draws(4, 801)
    assert (len(found), found[0], found[-1]) == (100, 0, 800)
    assert set(np.diff(found)) == {8, 9} or set(np.diff(found)) == {8}
    assert len(kept_draws(64, 800)) == 7


def test_densities_are_of_the_draws_that_they_name(study) -> None:
    prior = study.nuts["log_prior"].to_dataset()
    draws = study.nuts["posterior"].to_dataset().isel(draw=prior["draw"].to_numpy())
    z = (np.log(draws["taste_scale"].to_numpy()) - np.log(0.25)) / 0.6
    expected = -0.5 * z**2 - np.log(0.6 * np.sqrt(2 * np.pi)) - np.log(draws["taste_scale"])
    np.testing.assert_allclose(prior["taste_scale"], expected, rtol=1e-9)
    assert study.nuts["log_likelihood"]["career"].dims == ("chain", "draw", "worker")


def test_leaving_a_worker_out_is_a_line_of_the_gate(study) -> None:
    line = next(line for line in check(study.nuts).lines if line.name == "leave one worker out")
    assert line.status == "PASS"
    assert line.value.startswith("0 of 100 workers")
    assert "leave one worker out" in [line.name for line in check(study.svi).lines]


def test_an_impossible_career_is_the_influential_one(study) -> None:
    strange = study.nuts.copy(deep=True)
    career = strange["log_likelihood"]["career"]
    taste = study.nuts["posterior"]["taste_scale"].to_numpy()
    # A career that only the largest taste scales explain.
    career[:, :, 7] = 400 * taste
    line = next(line for line in check(strange).lines if line.name == "leave one worker out")
    assert line.status == "REVIEW"
    assert line.value.startswith("1 of 100 workers")
    assert "(number 7)" in line.value
    # That asks of the model, not whether the draws are the posterior's.
    assert line in check(strange).to_review
    assert check(strange).verdict == check(study.nuts).verdict


def test_wages_of_new_workers_lie_where_they_are_expected(study) -> None:
    """Data from the model: the line fails at 1%. Wages that are all higher are told."""
    name = "predicts: a new worker's mean log wage"

    def line_of(tree: xr.DataTree):
        return next(line for line in check(tree).lines if line.name == name)

    assert line_of(study.nuts).status == "PASS"
    pit = wage_pit(study.nuts, leave_one_out(study.nuts))
    assert pit.dims == ("worker",)
    assert pit.min() >= 0
    assert pit.max() <= 1
    assert 0.4 < float(pit.mean()) < 0.6
    strange = study.nuts.copy(deep=True)
    strange["new_worker"]["mean_log_wage_below"][:, :150] = True
    assert line_of(strange).status == "REVIEW"


def test_variants_of_one_panel_are_compared_worker_by_worker(study) -> None:
    one = leave_one_out(study.nuts)
    worse = study.nuts.copy(deep=True)
    worse["log_likelihood"]["career"][:] -= 0.5
    table = compare_variants({"worse": leave_one_out(worse), "as it was": one})
    assert list(table.index) == ["as it was", "worse"]
    np.testing.assert_allclose(table.loc["worse", "elpd_diff"], -50, rtol=1e-6)
    np.testing.assert_allclose(table.loc["worse", "dse"], 0, atol=1e-9)


@pytest.fixture(scope="module")
def strange(study) -> xr.DataTree:
    """Fit the panel under a prior that puts the taste scale far from where the data have it."""
    priors = Priors(taste_scale=LogNormal(median=1.5, log_sd=0.1))
    return fit(
        study.panel,
        study.tasks,
        model=ModelSettings(priors=priors),
        inference=InferenceSettings(method="svi", svi_steps=500, draws=100, seed=3),
    )


def test_a_strange_prior_is_told(study, strange: xr.DataTree) -> None:
    sane, table = power_scaling_table(study.nuts), power_scaling_table(strange)
    odd, usual = (t.frame.set_index("key").loc["taste_scale"] for t in (table, sane))
    assert odd["reading"] != DATA
    assert odd["most"] == "taste scale"
    assert usual["reading"] == DATA
    assert odd["taste scale"] > 3 * usual["taste scale"]
    assert "Taste scale ν (the prior of the taste scale)" in " ".join(power_scaling_words(table))
    assert "Taste scale" not in " ".join(power_scaling_words(sane))
    told = {"strange": strange, "sane": study.nuts}
    lines = {
        name: next(line for line in check(tree).lines if line.name == "priors against data")
        for name, tree in told.items()
    }
    assert lines["strange"].status == "REVIEW"
    assert "Taste scale ν (taste scale)" in lines["strange"].value
    assert "Taste scale" not in lines["sane"].value


def test_headlines_are_scaled_with_the_parameters(study) -> None:
    tree = study.nuts.copy()
    taste = study.nuts["posterior"]["mean_potential"].isel(occupation=0, drop=True)
    headline = taste.expand_dims(scenario=["one"])
    tree["counterfactual"] = xr.DataTree(
        xr.Dataset({"winners": headline, "mean_change": xr.zeros_like(headline)})
    )
    found = power_scaling(tree).set_index(["key", "block"])["sensitivity"]
    assert found["winners", "likelihood"] > 0
    assert (found["mean_change"] == 0).all()  # what never varies depends on nothing


def test_the_gate_says_that_draws_cannot_be_weighed(study) -> None:
    still = study.nuts.copy(deep=True)
    for group in ("log_likelihood", "log_prior"):
        for values in still[group].to_dataset().values():
            values[1] = values[1, 0]
    lines = {line.name: line for line in check(still).lines}
    for name in ("leave one worker out", "priors against data"):
        assert lines[name].status == "REVIEW"
        assert "not known: 200 of 400 draws are one and the same" in lines[name].value
    assert "leave one worker out, headlines" not in lines
