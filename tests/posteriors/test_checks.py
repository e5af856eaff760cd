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
    return next(line.status for line in gate.lines if line.name.startswith(name))


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


def test_one_divergence_fails():
    assert status(check(tree_of(independent(), divergent=1)), "divergences") == "FAIL"


def test_one_chain_fails():
    assert status(check(tree_of(independent(1, 2000))), "R-hat, parameters") == "FAIL"


def test_slow_energy_is_to_be_reviewed():
    energy = np.cumsum(independent(), axis=1)
    gate = check(tree_of(independent(), energy=energy))
    assert gate.verdict == "REVIEW"
    assert status(gate, "E-BFMI") == "REVIEW"


@pytest.mark.parametrize(("shape", "expected"), [(1.0, "REVIEW"), (0.01, "PASS")])
def test_variational_fits_are_judged_by_pareto_k(shape, expected):
    tree = tree_of(independent())
    tree.attrs["method"] = "svi"
    weights = np.random.default_rng(2).pareto(1 / shape, (1, 1000)) + 1
    tree["sample_stats"] = xr.DataTree(
        xr.Dataset({"log_weight": (("chain", "draw"), np.log(weights))})
    )
    assert check(tree).verdict == expected


@pytest.mark.parametrize(("slope", "expected"), [(0.5, "REVIEW"), (0.1, "PASS")])
def test_what_laplaces_method_misses_is_told_where_it_moves_means(slope, expected):
    """Of draws N(0, 1), weights e^(slope·x) move the mean by the slope; noise has an sd of 0.02."""
    draws = independent()
    tree = tree_of(draws)
    tree["laplace"] = xr.Dataset(
        {"log_correction": (("chain", "draw"), slope * draws - 3)},
        {"chain": np.arange(4), "draw": np.arange(500)},
    )
    gate = check(tree)
    line = next(line for line in gate.lines if line.name == "Laplace's method, means")
    assert line.status == expected
    assert abs(float(line.value.split()[0]) - slope) < 0.1
    assert "taste_scale" in line.value
    assert gate.verdict == expected


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
