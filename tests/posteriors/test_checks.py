"""The gate passes sound fits and refuses broken ones."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.checks import check


def tree_of(draws: np.ndarray, *, divergent: int = 0, energy: np.ndarray | None = None):
    """Build the least tree that has something to check, around draws (chain, draw)."""
    chains, count = draws.shape
    rng = np.random.default_rng(0)
    diverging = np.zeros((chains, count), dtype=bool)
    diverging.ravel()[:divergent] = True
    dims = ("chain", "draw")
    noise = rng.standard_normal((chains, count, 3, 2))
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {"taste_scale": (dims, draws), "skill": ((*dims, "worker", "task"), noise)}
            ),
            "prior": xr.Dataset({"taste_scale": (dims, rng.standard_normal((1, 300)))}),
            "sample_stats": xr.Dataset(
                {
                    "diverging": (dims, diverging),
                    "energy": (
                        dims,
                        rng.standard_normal((chains, count)) if energy is None else energy,
                    ),
                    "tree_depth": (dims, np.full((chains, count), 4)),
                }
            ),
        }
    )
    tree.attrs = {
        "method": "nuts",
        "inference": {"max_tree_depth": 10},
        "grid": {"summed_error": 1e-5, "largest_error": 1e-6},
    }
    return tree


def independent(chains=4, count=500):
    return np.random.default_rng(1).standard_normal((chains, count))


def status(gate, name):
    return line_of(gate, name).status


def line_of(gate, name):
    return next(line for line in gate.lines if line.name.startswith(name))


def with_amenities(amenity: np.ndarray, prior: np.ndarray | None = None) -> xr.DataTree:
    """Build a tree with amenities (chain, draw, occupation) beside the taste scale."""
    tree = tree_of(independent())
    dims = ("chain", "draw", "occupation")
    if prior is None:
        prior = np.random.default_rng(5).standard_normal((1, 300, amenity.shape[-1]))
    for group, values in (("posterior", amenity), ("prior", prior)):
        tree[group] = xr.DataTree(tree[group].to_dataset().assign(amenity=(dims, values)))
    return tree


def amenities() -> np.ndarray:
    return np.random.default_rng(4).standard_normal((4, 500, 3))


def test_sound_draws_pass():
    assert check(tree_of(independent())).verdict == "PASS"


def test_chains_that_disagree_fail():
    draws = independent()
    draws[0] += 0.5
    gate = check(tree_of(draws))
    assert gate.verdict == "FAIL"
    assert status(gate, "R-hat, parameters") == "FAIL"
    assert "taste_scale" in next(x.value for x in gate.lines if x.name == "R-hat, parameters")


def test_sticky_chains_fail_on_effective_size():
    steps = independent()
    draws = np.empty_like(steps)
    draws[:, 0] = steps[:, 0]
    for t in range(1, 500):
        draws[:, t] = 0.9 * draws[:, t - 1] + np.sqrt(1 - 0.81) * steps[:, t]
    assert status(check(tree_of(draws)), "bulk ESS") == "FAIL"


@pytest.mark.parametrize("planted", [np.nan, np.inf, 0.25])
def test_a_number_that_is_none_or_that_never_moves_fails_and_is_named(planted):
    values = amenities()
    if np.isfinite(planted):
        values[..., 1] = planted  # frozen where every chain started
    else:
        values[2, 7, 1] = planted
    gate = check(with_amenities(values))
    assert gate.verdict == "FAIL"
    line = line_of(gate, "R-hat, parameters")
    assert line.status == "FAIL"
    assert "not a finite number for amenity[1];" in line.value
    assert "were never moved" in line.remedy


def test_a_chain_frozen_apart_from_the_others_fails():
    values = amenities()
    values[...] = np.arange(4)[:, None, None]
    line = line_of(check(with_amenities(values)), "R-hat, parameters")
    assert line.status == "FAIL"
    assert "(amenity)" in line.value


def test_what_the_model_fixes_does_not_count():
    """Constants of the prior are constants of the posterior, up to rounding."""
    values, prior = amenities(), np.random.default_rng(6).standard_normal((1, 300, 3))
    values[..., 1] = prior[..., 1] = 1.0
    values[0, :, 1] += 1e-15
    prior[0, 5, 1] -= 1e-15
    gate = check(with_amenities(values, prior))
    assert gate.verdict == "PASS"
    assert "amenity[1]" not in " ".join(line.value for line in gate.lines)


def test_skills_that_are_not_numbers_fail_though_slow_ones_are_to_be_reviewed():
    tree = tree_of(independent())
    tree["posterior"]["skill"][0, 3, 2, 1] = np.nan
    line = line_of(check(tree), "R-hat, workers' skills")
    assert line.status == "FAIL"
    assert "skill[2, 1]" in line.value
    slow = tree_of(independent())
    slow["posterior"]["skill"][0] += 0.5
    assert status(check(slow), "R-hat, workers' skills") == "REVIEW"


def test_many_frozen_numbers_are_counted():
    line = line_of(check(with_amenities(np.zeros((4, 500, 9)))), "R-hat, parameters")
    assert "amenity[4] and 4 more" in line.value


@pytest.mark.parametrize(("planted", "expected"), [(1.0, "PASS"), (np.nan, "FAIL")])
def test_headlines_may_be_the_same_in_every_draw_but_must_be_numbers(planted, expected):
    tree = tree_of(independent())
    effect = np.random.default_rng(7).standard_normal((1, 4, 500))
    dims = ("scenario", "chain", "draw")
    tree["counterfactual"] = xr.Dataset(
        {
            "mean_change": (dims, effect),
            "winners": (dims, np.full_like(effect, planted)),
            "log_wage_change": ((*dims, "occupation"), effect[..., None]),
        }
    )
    assert status(check(tree), "R-hat, counterfactual headlines") == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [(1e-3, "PASS"), (-0.02, "REVIEW"), (0.99, "REVIEW"), (-1.0, "FAIL"), (np.nan, "FAIL")],
)
def test_quadrature_fails_where_draws_are_weighted_wrongly_by_a_factor_of_e(error, expected):
    tree = tree_of(independent())
    tree.attrs["grid"]["summed_error"] = error
    assert status(check(tree), "quadrature") == expected


def test_a_worker_whose_k_hat_is_no_number_is_a_bad_one():
    tree = tree_of(independent())
    by_worker = {"skill_pareto_k": [0.1, np.nan, 0.2], "skill_relative_ess": [1.0, np.nan, 0.9]}
    tree["sample_stats"] = xr.DataTree(
        tree["sample_stats"]
        .to_dataset()
        .assign({k: ("worker", v) for k, v in by_worker.items()})
        .assign(laplace_error=("worker", [0.0, np.nan, 0.0]))
    )
    line = line_of(check(tree), "Laplace's method")
    assert line.status == "REVIEW"
    assert line.value.startswith("1 workers")
    assert "nan" in line.value


def test_one_divergence_fails():
    assert status(check(tree_of(independent(), divergent=1)), "divergences") == "FAIL"


def test_one_chain_fails():
    assert status(check(tree_of(independent(1, 2000))), "R-hat, parameters") == "FAIL"


def test_slow_energy_is_to_be_reviewed():
    energy = np.cumsum(independent(), axis=1)
    gate = check(tree_of(independent(), energy=energy))
    assert gate.verdict == "REVIEW"
    assert status(gate, "E-BFMI") == "REVIEW"


def by_svi(log_weight: np.ndarray) -> xr.DataTree:
    tree = tree_of(independent())
    tree.attrs["method"] = "svi"
    tree["sample_stats"] = xr.DataTree(xr.Dataset({"log_weight": (("chain", "draw"), log_weight)}))
    return tree


@pytest.mark.parametrize(("shape", "expected"), [(2.0, "FAIL"), (0.85, "REVIEW"), (0.01, "PASS")])
def test_variational_fits_are_judged_by_pareto_k(shape, expected):
    """Quantiles of a Pareto distribution, so that k̂ is its shape but for estimation."""
    heavy = -shape * np.log((np.arange(4000) + 0.5) / 4000)
    gate = check(by_svi(heavy[None]))
    line = line_of(gate, "SVI, PSIS k-hat")
    assert abs(float(line.value) - shape) < 0.12
    assert line.status == expected
    assert gate.verdict == expected
    assert "no finite mean" in line.meaning


@pytest.mark.parametrize("planted", [np.nan, np.inf])
def test_weights_that_are_not_numbers_fail(planted):
    log_weight = np.random.default_rng(2).standard_normal((1, 1000))
    log_weight[0, 3] = planted
    line = line_of(check(by_svi(log_weight)), "SVI, PSIS k-hat")
    assert (line.status, line.value) == ("FAIL", "nan")


def by_laplace(draws: np.ndarray, log_correction: np.ndarray) -> xr.DataTree:
    tree = tree_of(draws)
    tree["laplace"] = xr.Dataset(
        {"log_correction": (("chain", "draw"), log_correction)},
        {"chain": np.arange(4), "draw": np.arange(500)},
    )
    return tree


@pytest.mark.parametrize(("slope", "expected"), [(1.4, "FAIL"), (0.5, "REVIEW"), (0.1, "PASS")])
def test_what_laplaces_method_misses_is_told_where_it_moves_means(slope, expected):
    """Of draws N(0, 1), weights e^(slope·x) move the mean by the slope; noise has an sd of 0.02."""
    draws = independent()
    gate = check(by_laplace(draws, slope * draws - 3))
    line = line_of(gate, "Laplace's method, means")
    assert line.status == expected
    assert abs(float(line.value.split()[0]) - slope) < 0.1
    assert "taste_scale" in line.value
    assert gate.verdict == expected


def test_a_correction_that_is_no_number_fails():
    draws = independent()
    correction = 0.1 * draws
    correction[0, 3] = np.nan
    line = line_of(check(by_laplace(draws, correction)), "Laplace's method, means")
    assert line.status == "FAIL"
    assert "not a finite number for taste_scale" in line.value


def test_a_point_estimate_has_no_band():
    tree = tree_of(independent(1, 1))
    tree.attrs["method"] = "simulated-mle"
    tree.attrs["inference"]["simulation_draws"] = 1000
    gate = check(tree)
    assert gate.verdict == "FAIL"
    line = gate.lines[-1]
    assert "1000 simulation draws" in line.value
    assert "A point has no band" in line.meaning


def test_gate_speaks_in_sentences(study):
    gate = check(study.nuts)
    found = gate.to_json()
    assert found["verdict"] == gate.verdict
    for line in gate.lines:
        assert line.meaning.endswith(".")
        assert line.remedy.endswith(".")
    # What it says of divergences is what the sampler counted.
    diverging = int(study.nuts["sample_stats"]["diverging"].sum())
    line = next(line for line in gate.lines if line.name == "divergences")
    assert line.value == str(diverging)
    assert (line.status == "PASS") == (diverging == 0)


def test_small_economy_samples_soundly(study):
    gate = check(study.nuts)
    assert status(gate, "divergences") == "PASS"
    rhat = next(line.value for line in gate.lines if line.name == "R-hat, parameters")
    assert float(rhat.split()[0]) < 1.1
