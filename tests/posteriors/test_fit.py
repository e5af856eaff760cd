"""A fit recovers known parameters and fills the tree as docs/posterior.md says."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.data.panel import Panel
from taskroy.errors import DataError
from taskroy.posteriors.fit import fit
from taskroy.posteriors.store import open_posterior, save_posterior

# The chance that a right program fails a test at four posterior sds is 6e-5 a number.
_SDS = 4.0


@pytest.mark.parametrize(
    "name", ["wage_shock_scale", "taste_scale", "coefficient", "mean_potential", "amenity"]
)
def test_posterior_covers_the_truth(study, name):
    draws = study.nuts["posterior"][name]
    mean, sd = draws.mean(("chain", "draw")), draws.std(("chain", "draw"))
    truth = np.asarray(study.truth[_TRUTH.get(name, name)])
    assert (np.abs((mean - truth) / sd) < _SDS).all()
    # And says something: the posterior is much narrower than the prior.
    prior = study.nuts["prior"][name].std(("chain", "draw"))
    assert (sd < 0.5 * prior).all()


_TRUTH = {"coefficient": "coefficients"}


def test_posterior_covers_the_sd_of_potential_wages(study):
    a = study.tasks.weights.to_numpy()
    sd = study.nuts["posterior"]["skill_sd"].to_numpy()
    corr = study.nuts["posterior"]["skill_corr"].to_numpy()
    cov = corr * sd[..., :, None] * sd[..., None, :]
    spread = np.sqrt(np.einsum("ok,cdkl,ol->cdo", a, cov, a))
    truth = np.sqrt(np.diag(a @ study.truth["skill_cov"] @ a.T))
    z = (spread.mean((0, 1)) - truth) / spread.std((0, 1))
    assert (np.abs(z) < _SDS).all()


def test_skills_of_workers_are_found(study):
    found = study.nuts["posterior"]["skill"] - study.nuts["posterior"]["skill_mean"]
    mean = found.mean(("chain", "draw")).to_numpy()
    truth = study.truth["deviation"]
    a = study.tasks.weights.to_numpy()
    # In potential wages, which are what the data speak to.
    assert np.corrcoef((mean @ a.T).ravel(), (truth @ a.T).ravel())[0, 1] > 0.85


def test_levels_add_up(study):
    draws = study.nuts["posterior"].to_dataset()
    weights = study.nuts["constant_data"]["task_weights"]
    implied = draws["intercept"] + (weights * draws["skill_mean"]).sum("task")
    xr.testing.assert_allclose(
        implied.transpose("chain", "draw", "occupation"), draws["mean_potential"], rtol=1e-9
    )


def test_every_route_fills_the_tree(study):
    for tree in (study.nuts, study.svi):
        assert {"posterior", "prior", "posterior_predictive", "observed_data"} <= set(tree.children)
        for group in tree.children.values():
            for values in group.to_dataset().values():
                if values.dtype.kind == "f" and "predictive" not in group.name:
                    assert np.isfinite(values).all(), (group.name, values.name)
    assert study.nuts["posterior"]["skill"].shape == (2, 200, 100, 2)


def test_predictive_is_near_the_data(study):
    seen = study.nuts["observed_data"].to_dataset()
    drawn = study.nuts["posterior_predictive"].to_dataset()
    for name in ("employment_share", "mean_log_wage", "log_wage_sd", "switching_rate"):
        mean, sd = drawn[name].mean(("chain", "draw")), drawn[name].std(("chain", "draw"))
        assert (np.abs((seen[name] - mean) / sd) < _SDS).all(), name


def test_variational_fit_is_near_and_says_how_near(study):
    for name in ("wage_shock_scale", "taste_scale"):
        exact, rough = study.nuts["posterior"][name], study.svi["posterior"][name]
        assert abs(float(rough.mean() - exact.mean())) < 2 * float(exact.std())
    assert np.isfinite(study.svi["sample_stats"]["log_weight"]).all()


def test_quadrature_error_is_small_and_reported(study):
    assert 0 < study.nuts.attrs["grid"]["largest_error"] < 1e-4


def test_posterior_survives_its_store(study, tmp_path):
    save_posterior(study.nuts, tmp_path / "posterior.zarr")
    xr.testing.assert_identical(open_posterior(tmp_path / "posterior.zarr"), study.nuts)


def test_an_occupation_without_tasks_is_named(study):
    frame = study.panel.frame.copy()
    frame.loc[frame.index[0], "occupation"] = "z"
    strange = Panel(frame, study.panel.covariates, "a test")
    with pytest.raises(DataError, match="z"):
        fit(strange, study.tasks)
