"""Flows, inequality, welfare and winners against plain NumPy that shares no code with them."""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taskroy.models.world import Equilibrium
from taskroy.posteriors.draw_summaries import DrawSummaries
from taskroy.posteriors.flows import GROUPS, flow_matrix, groups, pair_changes
from taskroy.posteriors.inequality import MEASURES, inequality, percentiles
from taskroy.posteriors.winners import wage_changes, welfare_changes

N, O = 12, 3  # noqa: E741
LAWS = settings(max_examples=25, deadline=None, derandomize=True)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def equilibrium(seed: int) -> Equilibrium:
    rng = np.random.default_rng(seed)
    return Equilibrium(
        potential=rng.normal(2.0, 0.5, (N, O)),
        probability=rng.dirichlet(np.full(O, 2.0), N),
        shock=0.05 * rng.normal(size=(N, O)),
        welfare=rng.normal(2.5, 0.5, N),
    )


def of_python(state: Equilibrium) -> Equilibrium:
    return Equilibrium(*map(jnp.asarray, state))


seeds = st.integers(0, 2**32 - 1)


@LAWS
@given(seeds, seeds)
def test_flows_are_sums_over_workers(a: int, b: int) -> None:
    """Every worker goes from o to o' with probability P·P', and takes his expected wages along."""
    old, new = equilibrium(a), equilibrium(b)
    mass, gain = np.zeros((O, O)), np.zeros((O, O))
    for i in range(N):
        for o in range(O):
            for d in range(O):
                p, q = old.probability[i, o], new.probability[i, d]
                before = old.potential[i, o] + old.shock[i, o] / p
                after = new.potential[i, d] + new.shock[i, d] / q
                mass[o, d] += p * q / N
                gain[o, d] += p * q * (after - before) / N
    flow = flow_matrix(of_python(old), of_python(new))
    np.testing.assert_allclose(flow, mass, atol=1e-12)
    assert float(flow.sum()) == pytest.approx(1, abs=1e-12)
    moved, beyond = pair_changes(of_python(old), of_python(new))
    np.testing.assert_allclose(moved, gain / mass, atol=1e-11)
    stays, none = pair_changes(of_python(old), of_python(old))
    np.testing.assert_allclose(beyond, gain / mass - stays, atol=1e-11)
    assert not np.asarray(none).any()
    share, change = groups(of_python(old), of_python(new))
    stay = np.diag(mass)
    expected = {
        "stayers": (stay, np.diag(gain)),
        "leavers": (mass.sum(1) - stay, gain.sum(1) - np.diag(gain)),
        "in_switchers": (mass.sum(0) - stay, gain.sum(0) - np.diag(gain)),
        "incumbents": (mass.sum(1), gain.sum(1)),
    }
    assert tuple(expected) == GROUPS
    for g, (size, total) in enumerate(expected.values()):
        np.testing.assert_allclose(share[g], size, atol=1e-12)
        np.testing.assert_allclose(change[g], total / size, atol=1e-11)


@pytest.mark.parametrize("weighted", [False, True])
@LAWS
@given(arrays(float, N, elements=st.floats(-3, 6)), seeds)
def test_inequality_is_that_of_the_textbook(weighted: bool, x: np.ndarray, seed: int) -> None:
    """Workers who count c times are as many workers; percentiles have their own test."""
    state = equilibrium(seed)
    # Potentials such that each worker's expected wage is x.
    shock = np.zeros((N, O))
    state = state._replace(potential=np.repeat(x[:, None], O, axis=1), shock=shock)
    times = np.random.default_rng(seed).integers(1, 4, N) if weighted else np.ones(N, int)
    weight = jnp.asarray(0.7 * times) if weighted else None
    found = dict(zip(MEASURES, inequality(of_python(state), weight).tolist(), strict=True))
    chance = np.repeat(state.probability, times, axis=0)
    x = np.repeat(x, times)
    w, n = np.exp(x), len(x)
    differences = sum(abs(a - b) for a in w for b in w)
    expected = {
        "mean": x.mean(),
        "variance": np.var(x),
        "gini": differences / (2 * n**2 * w.mean()),
        "theil": np.mean(w / w.mean() * np.log(w / w.mean())),
    }
    if not weighted:
        expected |= {
            "p90_p10": np.percentile(x, 90) - np.percentile(x, 10),
            "p50_p10": np.percentile(x, 50) - np.percentile(x, 10),
            "p90_p50": np.percentile(x, 90) - np.percentile(x, 50),
        }
    between = 0.0
    for o in range(O):
        p = chance[:, o]
        between += p.sum() / n * (np.average(x, weights=p) - x.mean()) ** 2
    expected |= {"variance_between": between, "variance_within": np.var(x) - between}
    assert set(MEASURES) - set(expected) == (
        {"p90_p10", "p50_p10", "p90_p50"} & set(MEASURES if weighted else ())
    )
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name
    assert found["variance_within"] > -1e-12


@LAWS
@given(arrays(float, N, elements=st.floats(-3, 6)), seeds)
def test_weighted_percentiles_stand_where_the_middle_of_a_weight_is(
    x: np.ndarray, seed: int
) -> None:
    weight = np.random.default_rng(seed).uniform(0.2, 3, N)
    order = np.argsort(x, kind="stable")
    at = [0.0, 0.1, 0.37, 0.5, 0.9, 1.0]
    found = percentiles(jnp.asarray(x[order]), jnp.asarray(weight[order]), jnp.asarray(at))
    # One walks from the middle of one weight to the middle of the next.
    steps = [(weight[a] + weight[b]) / 2 for a, b in pairwise(order)]
    for q, value in zip(at, found, strict=True):
        left, expected = q * sum(steps), x[order[-1]]
        for step, a, b in zip(steps, order[:-1], order[1:], strict=True):
            if left <= step:
                expected = x[a] + (x[b] - x[a]) * left / step
                break
            left -= step
        assert float(value) == pytest.approx(expected, abs=1e-10)


def test_inequality_of_equals_is_nil_and_that_of_one_who_has_all_is_one() -> None:
    state = equilibrium(1)
    shock = np.zeros((N, O))
    equal = state._replace(potential=np.full((N, O), 2.0), shock=shock)
    np.testing.assert_allclose(inequality(of_python(equal)), [2.0, *[0.0] * 8], atol=1e-12)
    rich = np.full((N, O), -60.0)
    rich[0] = 2.0
    found = dict(zip(MEASURES, inequality(of_python(equal._replace(potential=rich))), strict=True))
    assert found["gini"] == pytest.approx(1 - 1 / N)
    assert found["theil"] == pytest.approx(np.log(N))


@LAWS
@given(seeds, seeds)
def test_winners_and_losers_are_counted(a: int, b: int) -> None:
    old, new = equilibrium(a), equilibrium(b)
    new.potential[0], new.probability[0] = old.potential[0], old.probability[0]
    new.shock[0], new.welfare[0] = old.shock[0], old.welfare[0]  # who is not concerned
    change = np.array(
        [
            (new.probability[i] * new.potential[i] + new.shock[i]).sum()
            - (old.probability[i] * old.potential[i] + old.shock[i]).sum()
            for i in range(N)
        ]
    )
    found = wage_changes(of_python(old), of_python(new))
    assert float(found["winners"]) == pytest.approx(sum(c > 0 for c in change) / N, abs=1e-12)
    assert float(found["losers"]) == pytest.approx(sum(c < 0 for c in change) / N, abs=1e-12)
    assert float(found["mean_change"]) == pytest.approx(sum(change) / N, abs=1e-12)
    np.testing.assert_allclose(found["worker_change"], change, atol=1e-12)
    better = welfare_changes(of_python(old), of_python(new))
    gain = new.welfare - old.welfare
    assert float(better["welfare_change"]) == pytest.approx(gain.mean(), abs=1e-12)
    assert float(better["welfare_winners"]) == pytest.approx((gain > 0).mean(), abs=1e-12)
    for o in range(O):
        p = old.probability[:, o]
        for name, values in {
            "winners_by_occupation": change > 0,
            "worker_change_by_occupation": change,
        }.items():
            expected = np.average(values, weights=p)
            assert float(found[name][o]) == pytest.approx(expected, abs=1e-12)
        of_occupation = float(better["welfare_change_by_occupation"][o])
        assert of_occupation == pytest.approx(np.average(gain, weights=p), abs=1e-12)


@LAWS
@given(seeds, seeds)
def test_workers_count_by_their_weights(a: int, b: int) -> None:
    old, new = equilibrium(a), equilibrium(b)
    weight = np.random.default_rng(a).uniform(0.2, 3, N)
    change = np.asarray(of_python(new).expected_wage - of_python(old).expected_wage)
    gain = new.welfare - old.welfare
    found = wage_changes(of_python(old), of_python(new), jnp.asarray(weight))
    better = welfare_changes(of_python(old), of_python(new), jnp.asarray(weight))
    for name, values in {
        "mean_change": change,
        "winners": change > 0,
        "losers": change < 0,
    }.items():
        expected = sum(weight[i] * values[i] for i in range(N)) / sum(weight)
        assert float(found[name]) == pytest.approx(expected, abs=1e-12)
    assert float(better["welfare_change"]) == pytest.approx(np.average(gain, weights=weight))
    assert float(better["welfare_winners"]) == pytest.approx(np.average(gain > 0, weights=weight))
    for o in range(O):
        member = weight * old.probability[:, o]
        for name, values in {
            "winners_by_occupation": change > 0,
            "worker_change_by_occupation": change,
        }.items():
            expected = np.average(values, weights=member)
            assert float(found[name][o]) == pytest.approx(expected, abs=1e-12)
        of_occupation = float(better["welfare_change_by_occupation"][o])
        assert of_occupation == pytest.approx(np.average(gain, weights=member), abs=1e-12)
        reached, order = 0.0, np.argsort(change)
        for i in order:
            reached += member[i]
            if reached >= 0.5 * member.sum():
                break
        assert float(found["worker_change_percentile"][o, 1]) == change[i]


def test_wages_of_who_goes_nowhere_are_not_known() -> None:
    old = equilibrium(1)
    chance = old.probability.copy()
    chance[:, 2] = 1e-9
    few = old._replace(probability=chance)
    change, beyond = (np.asarray(x) for x in pair_changes(of_python(old), of_python(few)))
    assert np.isnan(change[:, 2]).all()
    assert np.isnan(beyond[:, 2]).all()
    assert np.isfinite(change[:, :2]).all()


def test_summaries_leave_out_draws_that_are_missing() -> None:
    rows = np.random.default_rng(4).normal(size=(30, 3))
    rows[:10, 1], rows[:, 2] = np.nan, np.nan
    with DrawSummaries.collecting() as wide:
        wide.add("x", rows)
        found = {key: values for key, (_, values) in wide.summaries("x", ("a",)).items()}
    for place, kept in ((0, rows[:, 0]), (1, rows[10:, 1])):
        assert found["mean"][place] == pytest.approx(kept.mean(), abs=1e-14)
        assert found["sd"][place] == pytest.approx(kept.std(), abs=1e-14)
        assert found["positive"][place] == pytest.approx((kept > 0).mean(), abs=1e-14)
        quantiles = np.quantile(kept, [0.05, 0.5, 0.95])
        np.testing.assert_allclose(found["quantile"][:, place], quantiles, atol=1e-14)
    assert np.isfinite(found["mcse"]).tolist() == [True, False, False]
    assert all(np.isnan(values[..., 2]).all() for values in found.values())


def test_summaries_by_columns_are_those_of_all_draws() -> None:
    rows = np.random.default_rng(4).normal(size=(37, 2, 600))
    with DrawSummaries.collecting(level=0.6) as wide:
        for block in np.split(rows, [10, 20, 30]):
            wide.add("x", block)
            wide.add("y", block[:, 0, :5])
        found = wide.summaries("x", ("a", "b"))
        other = wide.summaries("y", ("b",))
    np.testing.assert_array_equal(found["mean"][1], rows.mean(0))
    np.testing.assert_array_equal(found["sd"][1], rows.std(0))
    np.testing.assert_array_equal(found["positive"][1], (rows > 0).mean(0))
    np.testing.assert_array_equal(found["quantile"][1], np.quantile(rows, [0.2, 0.5, 0.8], 0))
    assert found["quantile"][0] == ("quantile", "a", "b")
    np.testing.assert_array_equal(other["mean"][1], rows[:, 0, :5].mean(0))
