"""How far single workers move headlines, against plain NumPy and a posterior that is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from taskroy.posteriors.checks_of_model import checks_of_model
from taskroy.posteriors.leave_one_out import leave_one_out
from taskroy.posteriors.worker_influence import most_influential, moves_without

SAMPLE = ("chain", "draw")
CHAINS, DRAWS, EVERY = 4, 500, 2
LINE = "leave one worker out, headlines"


def tree_of(slopes: np.ndarray, *, scenarios: int = 2) -> xr.DataTree:
    """Return draws of θ ~ N(0, 1) given all workers, each of whom says slope·θ of it.

    Without a worker θ ~ N(−slope, 1). The mean change is θ in the first scenario and θ/100 in the
    others; winners are -2θ and noise.
    """
    rng = np.random.default_rng(0)
    theta = rng.standard_normal((CHAINS, DRAWS))
    scale = np.array([1.0] + [0.01] * (scenarios - 1))[:, None, None]
    noise = rng.standard_normal((scenarios, CHAINS, DRAWS))
    some = {"chain": np.arange(CHAINS), "draw": np.arange(DRAWS)[::EVERY]}
    career = theta[:, ::EVERY, None] * slopes - 3
    of_all, names = ("scenario", *SAMPLE), [f"scenario {i}" for i in range(scenarios)]
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {k: (SAMPLE, theta) for k in ("taste_scale", "wage_shock_scale")}
            ),
            "log_likelihood": xr.Dataset({"career": ((*SAMPLE, "worker"), career)}, some),
            "counterfactual": xr.Dataset(
                {"mean_change": (of_all, scale * theta), "winners": (of_all, -2 * theta + noise)},
                {"scenario": names},
            ),
        }
    )


def line_of(tree: xr.DataTree):
    return next(line for line in checks_of_model(tree) if line.name == LINE)


SLOPES = np.array([0.05, -0.1, 0.3, 0.02, -0.2])


def test_moves_are_those_of_loops_in_numpy() -> None:
    tree = tree_of(SLOPES)
    found = leave_one_out(tree)
    moves, sds = moves_without(tree, found)
    weights = found.log_weights.transpose("worker", *SAMPLE).to_numpy()
    assert len(moves) == 4
    for name in moves:
        key, place = str(name).rsplit("_", 1)
        draws = tree["counterfactual"][key].to_numpy()[int(place)][:, ::EVERY].ravel()
        assert float(sds[name]) == pytest.approx(np.std(draws), rel=1e-12)
        for worker in range(len(SLOPES)):
            weight = np.exp(weights[worker].ravel())
            expected = sum(w * x for w, x in zip(weight, draws, strict=True)) / sum(weight)
            expected -= sum(draws) / len(draws)
            np.testing.assert_allclose(float(moves[name][worker]), expected, rtol=1e-9, atol=1e-12)


def test_moves_are_those_of_the_posterior_without_the_worker() -> None:
    """Of 1,000 independent draws a weighted mean has an sd of 0.035 or less: four of them."""
    tree = tree_of(SLOPES)
    moves, _ = moves_without(tree, leave_one_out(tree))
    np.testing.assert_allclose(moves["mean_change_0"], -SLOPES, atol=0.14)
    np.testing.assert_allclose(moves["mean_change_1"], 0.01 * moves["mean_change_0"], rtol=1e-9)


@pytest.mark.parametrize(("slope", "expected"), [(0.3, "PASS"), (0.9, "REVIEW")])
def test_the_worker_who_moves_a_headline_most_is_named(slope: float, expected: str) -> None:
    slopes = np.array([0.05, -0.1, 0.1, slope, -0.1])
    line = line_of(tree_of(slopes, scenarios=1))
    assert (line.status, line.of) == (expected, "model")
    assert line.value.startswith("without worker number 3, who counts most, ")
    assert "mean change (scenario 0) moves by -" in line.value
    sds = float(line.value.split("points, ")[1].split()[0])
    assert abs(sds + slope) < 0.2
    assert "not known" not in line.value
    assert "filters" in line.remedy


def test_a_worker_whose_weights_fail_is_not_passed() -> None:
    tree = tree_of(np.array([0.05, 9.0, 0.1]))
    farthest = most_influential(tree, leave_one_out(tree))
    assert farthest is not None
    assert (farthest.worker, farthest.unknown) == (2, 1)
    line = line_of(tree)
    assert line.status == "REVIEW"
    assert line.value.endswith("; not known of 1 more, whose weights fail")
    assert (
        most_influential(tree_of(np.array([9.0])), leave_one_out(tree_of(np.array([9.0])))) is None
    )


def test_without_headlines_or_where_none_varies_there_is_no_line() -> None:
    tree = tree_of(SLOPES)
    fixed = tree.copy()
    fixed["counterfactual"] = xr.DataTree(0 * tree["counterfactual"].to_dataset())
    for bare in (tree.drop_nodes("counterfactual"), fixed):
        assert LINE not in [line.name for line in checks_of_model(bare)]
