"""Two programs that share no code: the simulator in NumPy, and the model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer import Predictive
from scipy import stats

from taskroy.inference.seen import seen
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import roy_model
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.calibration_quantities import quantities
from taskroy.posteriors.calibration_run import PRIORS, economy_of
from taskroy.posteriors.calibration_simulator import simulate, small_setting
from taskroy.posteriors.calibration_truth import true_quantities

# Between them they use every branch; none leaves mean skills to be drawn anew.
VARIANTS = {
    "occupation": ModelSettings(intercept="orthogonal", priors=PRIORS),
    "worker": ModelSettings(
        shock="worker", intercept="known", amenities="none", covariance="factor", priors=PRIORS
    ),
}
SETTING = small_setting(12, 4)
DRAWS = 1500


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("module", ["calibration_simulator", "calibration_truth"])
def test_the_simulator_shares_no_code_with_the_model(module: str) -> None:
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, taskroy.posteriors.{module}\n"
            "parts = ('jax', 'numpyro', 'taskroy.models', 'taskroy.inference')\n"
            "sys.exit(' '.join(part for part in parts if part in sys.modules) or None)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("name", VARIANTS)
def test_the_program_computes_what_numpy_computes_at_the_truth(name: str) -> None:
    model = VARIANTS[name]
    conditions = economy_of(SETTING)

    @jax.jit
    def program(sites: dict[str, Any], log_wage: Any, occupation: Any) -> dict[str, Any]:
        known = seen(conditions, log_wage, occupation)
        where = (known, model, Grid(nodes=160, terms=40, knots=256), jnp.asarray(SETTING.automated))
        return quantities(sites, *where, jax.random.key(0))

    for seed in range(3):
        rng = np.random.default_rng(seed)
        truth, careers = simulate(SETTING, model.model_dump(), rng)
        sd = np.sqrt(np.diag(truth.skill_cov))
        sites: dict[str, Any] = {
            "wage_shock_scale": truth.wage_shock_scale,
            "taste_scale": truth.taste_scale,
            "skill_mean": truth.skill_mean,
            "coefficient": truth.coefficient,
            "skill_deviation": truth.skill - truth.skill_mean,
            **truth.scales,
        }
        if model.intercept == "orthogonal":
            basis = np.asarray(conditions.orthogonal_basis)
            sites |= {"intercept_coordinate": basis.T @ truth.intercept, "amenity": truth.amenity}
        if model.covariance == "lkj":
            correlation = truth.skill_cov / np.outer(sd, sd)
            sites |= {"skill_sd": sd, "skill_corr_cholesky": np.linalg.cholesky(correlation)}
        else:  # which loadings and unique sds make up a covariance is not told: any that do
            basis = np.asarray(conditions.task_directions)
            unique = np.full(2, np.sqrt(np.linalg.eigvalsh(truth.skill_cov)[0] / 2))
            common = basis.T @ (truth.skill_cov - np.diag(unique**2)) @ basis
            size = truth.scales["loading_scale"] / np.sqrt(model.factors)
            loading = {"loading_triangle": np.linalg.cholesky(common) / size}
            sites |= {"unique_sd": unique} | loading
        found = program(jax.tree.map(jnp.asarray, sites), *map(jnp.asarray, careers))
        expected = true_quantities(SETTING, truth, careers, model.model_dump())
        for quantity, value in expected.items():
            np.testing.assert_allclose(
                found[quantity], value, rtol=1e-6, atol=2e-6, err_msg=f"{quantity}, {seed}"
            )
        assert 0 < expected["winners"] < 1
        assert np.abs(expected["log_wage_change"]).max() > 1e-3


@pytest.mark.parametrize(
    "model",
    [
        ModelSettings(priors=PRIORS),
        ModelSettings(intercept="orthogonal", covariance="factor", priors=PRIORS),
    ],
    ids=["pooled", "orthogonal"],
)
def test_both_programs_draw_from_one_prior(model: ModelSettings) -> None:
    """Two-sample tests of Kolmogorov and Smirnov: some 25 a variant, a false alarm in 1,000."""
    conditions = economy_of(SETTING)
    drawn = [
        simulate(SETTING, model.model_dump(), np.random.default_rng([7, i])) for i in range(DRAWS)
    ]
    ours: dict[str, Any] = {
        "wage_shock_scale": [t.wage_shock_scale for t, _ in drawn],
        "taste_scale": [t.taste_scale for t, _ in drawn],
        "intercept": [t.intercept for t, _ in drawn],
        "mean_potential": [t.intercept + SETTING.task_weights @ t.skill_mean for t, _ in drawn],
        "skill_mean": [t.skill_mean for t, _ in drawn],
        "skill_sd": [np.sqrt(np.diag(t.skill_cov)) for t, _ in drawn],
        "coefficient": [t.coefficient for t, _ in drawn],
        **{name: [t.scales[name] for t, _ in drawn] for name in drawn[0][0].scales},
    }
    correlation = [t.skill_cov[0, 1] / np.sqrt(np.prod(np.diag(t.skill_cov))) for t, _ in drawn]
    ours["amenity"] = [t.amenity for t, _ in drawn]
    simulate_model = partial(roy_model, conditions, model)
    names = [*ours, "skill_corr", "career"]
    predictive = Predictive(simulate_model, num_samples=DRAWS, return_sites=names)
    theirs = {k: np.asarray(v) for k, v in jax.jit(predictive)(jax.random.key(1)).items()}

    pairs = [(correlation, theirs["skill_corr"][:, 0, 1])]
    for name, values in ours.items():
        a, b = (np.asarray(x).reshape(DRAWS, -1) for x in (values, theirs[name]))
        pairs += zip(a.T, b.T, strict=True)
    observed = SETTING.observed
    wage = [careers.log_wage[observed] for _, careers in drawn]
    held = [careers.occupation[observed] for _, careers in drawn]
    # Of each panel one number: workers of one panel move together.
    career = theirs["career"][:, observed]
    pairs += [
        (np.mean(wage, 1), career[..., 0].mean(1)),
        (np.std(wage, 1), career[..., 0].std(1)),
        (np.mean(np.equal(held, 0), 1), (career[..., 1] == 0).mean(1)),
    ]
    for a, b in pairs:
        assert stats.ks_2samp(a, b).pvalue > 2e-5


def test_correlations_in_four_dimensions_are_those_of_lkj() -> None:
    from taskroy.posteriors.calibration_simulator import _draw_correlation

    rng, concentration, tasks = np.random.default_rng(2), 2.0, 4
    found = np.stack([_draw_correlation(tasks, concentration, rng) for _ in range(4000)])
    assert np.linalg.eigvalsh(found).min() > 0
    shape = concentration + (tasks - 2) / 2  # each correlation is a Beta on (−1, 1)
    for i, j in zip(*np.tril_indices(tasks, -1), strict=True):
        law = stats.beta(shape, shape, loc=-1, scale=2)
        assert stats.kstest(found[:, i, j], law.cdf).pvalue > 1e-5


def test_unseen_worker_years_hold_what_nobody_may_look_at() -> None:
    truth, careers = simulate(SETTING, VARIANTS["worker"].model_dump(), np.random.default_rng(1))
    assert (careers.log_wage[~SETTING.observed] == 7.0).all()
    assert SETTING.observed.any(1).all()
    assert not SETTING.observed.all()
    assert truth.skill.shape == (12, 2)
