"""The distribution of careers against integration and simulation in plain NumPy."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models import careers as models_careers
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid
from taskroy.models.continuation import continuation
from taskroy.models.experience import Experience
from taskroy.models.experience_outcomes import long_run

N, T, O = 4, 3, 3  # noqa: E741
FINE = Grid(nodes=160, terms=48, knots=512)
# What holds at any grid is tested on one that compiles quickly.
SMALL = Grid(nodes=40, terms=12, knots=64)


def arguments(seed: int = 0) -> dict[str, Any]:
    """Draw an economy of four workers, some of whose years are padded."""
    rng = np.random.default_rng(seed)
    return {
        "potential": rng.normal(2.0, 0.4, (N, O)),
        "common": rng.normal(0.0, 0.2, (N, T)),
        "amenity": rng.normal(0.0, 0.2, O),
        "wage_shock_scale": 0.4,
        "taste_scale": 0.25,
        "observed": np.arange(T) < np.array([3, 1, 2, 3])[:, None],
    }


def draw_value(given: dict[str, Any], seed: int = 1) -> np.ndarray:
    """Draw log wages and occupations in plain NumPy, years that are not observed included."""
    rng = np.random.default_rng(seed)
    wage = given["potential"][:, None, :] + given["common"][..., None]
    wage = wage + given["wage_shock_scale"] * rng.normal(size=(N, T, O))
    taste = given["taste_scale"] * rng.gumbel(size=wage.shape)
    held = np.argmax(wage + given["amenity"] + taste, axis=-1)
    return np.stack([np.take_along_axis(wage, held[..., None], -1)[..., 0], held], axis=-1)


@jax.jit
def log_prob(careers: Careers, value: jax.Array) -> jax.Array:
    return careers.log_prob(value)


def evaluate(given: dict[str, Any], value: np.ndarray, **options: Any) -> np.ndarray:
    careers = Careers(**jax.tree.map(jnp.asarray, given), **options)
    return np.asarray(log_prob(careers, jnp.asarray(value)))


def by_integration(given: dict[str, Any], value: np.ndarray) -> np.ndarray:
    """Average the logit probability over the two unseen shocks by the trapezoid rule."""
    rho, nu, kappa = given["wage_shock_scale"], given["taste_scale"], given["amenity"]
    z, dz = np.linspace(-8.5, 8.5, 241, retstep=True)
    weight = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * dz
    total, last = np.zeros(N), {}
    for i, t in zip(*np.nonzero(given["observed"]), strict=True):
        wage, held = value[i, t, 0], int(value[i, t, 1])
        mean = given["potential"][i] + given["common"][i, t]
        if i in last:
            mean[last[i]] += given.get("experience_return", 0.0)
        last[i] = held
        gap = (wage - mean[held]) / rho
        total[i] += -0.5 * gap**2 - np.log(rho) - 0.5 * np.log(2 * np.pi)
        first, second = (o for o in range(O) if o != held)
        odds = [
            np.exp((mean[o] + kappa[o] + rho * z - wage - kappa[held]) / nu)
            for o in (first, second)
        ]
        logit = 1 / (1 + odds[0][:, None] + odds[1][None, :])
        total[i] += np.log(weight @ logit @ weight)
    return total


@pytest.mark.parametrize("gain", [None, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_log_prob_against_direct_integration(seed: int, gain: float | None) -> None:
    given = arguments(seed)
    if gain is not None:
        # A year that was missed lies between two that were seen.
        given |= {"experience_return": gain, "observed": given["observed"] & [True, seed > 1, True]}
    value = draw_value(given, seed + 100)
    true = by_integration(given, value)
    # The grid drops e^-18 of the integral of each year.
    np.testing.assert_allclose(evaluate(given, value, grid=FINE), true, rtol=0, atol=5e-8)


def test_a_shock_of_the_worker_cancels_in_the_choice() -> None:
    given = arguments()
    value = draw_value(given)
    rho, worth = 0.4, (given["potential"] + given["amenity"]) / 0.25
    log_share = worth - np.log(np.exp(worth).sum(1, keepdims=True))
    held = value[..., 1].astype(int)
    mean = np.take_along_axis(given["potential"], held, 1) + given["common"]
    density = -0.5 * ((value[..., 0] - mean) / rho) ** 2 - np.log(rho * np.sqrt(2 * np.pi))
    terms = density + np.take_along_axis(log_share, held, 1)
    expected = (terms * given["observed"]).sum(1)
    np.testing.assert_allclose(evaluate(given, value, shock="worker"), expected, rtol=1e-13)


def test_experience_counts_in_the_choice_of_a_worker_whose_shock_is_his_own() -> None:
    given = arguments() | {"experience_return": 0.3}
    value = draw_value(given)
    held = value[..., 1].astype(int)
    expected = np.zeros(N)
    for i, t in zip(*np.nonzero(given["observed"]), strict=True):
        wage = given["potential"][i] + 0.3 * (t > 0) * (np.arange(O) == held[i, t - 1])
        worth = np.exp((wage + given["amenity"]) / 0.25)
        gap = (value[i, t, 0] - given["common"][i, t] - wage[held[i, t]]) / 0.4
        expected[i] += np.log(worth[held[i, t]] / worth.sum())
        expected[i] += -0.5 * gap**2 - np.log(0.4 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(evaluate(given, value, shock="worker"), expected, rtol=1e-12)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_looking_ahead_is_as_an_amenity_of_the_worker(shock: Any) -> None:
    given = arguments() | {"experience_return": 0.3}
    value = draw_value(given)
    careers = Careers(**jax.tree.map(jnp.asarray, given), discount=0.9, shock=shock, grid=FINE)
    beyond = np.asarray(careers.beyond_wage)
    ratio = None if shock == "worker" else jnp.asarray(0.4 / 0.25)
    worth = jnp.asarray((given["potential"] + given["amenity"]) / 0.25)
    ahead = continuation(worth, ratio, jnp.asarray(0.3 / 0.25), 0.9, FINE)
    np.testing.assert_allclose(beyond, given["amenity"] + 0.25 * np.asarray(ahead), rtol=1e-12)
    for i in range(N):
        alone = {
            k: x[i : i + 1] if k in ("potential", "common", "observed") else x
            for k, x in given.items()
        }
        static = evaluate(alone | {"amenity": beyond[i]}, value[i : i + 1], shock=shock, grid=FINE)
        ours = np.asarray(log_prob(careers, jnp.asarray(value)))[i]
        np.testing.assert_allclose(ours, static[0], atol=1e-7)


def test_who_looks_ahead_draws_such_careers() -> None:
    """Share of stayers, and of each occupation, within 4.5 standard errors (3e-5 in all)."""
    workers, years = 20_000, 40
    values = np.array([2.0, 2.2, 1.9])
    careers = Careers(
        jnp.broadcast_to(jnp.asarray(values), (workers, 3)),
        jnp.zeros((workers, years)),
        jnp.zeros(3),
        *(jnp.asarray(0.4), jnp.asarray(0.25)),
        experience_return=jnp.asarray(0.3),
        observed=jnp.ones((workers, years), bool),
        discount=0.9,
        grid=FINE,
    )
    held = np.asarray(careers.sample(jax.random.key(5)))[:, -2:, 1]
    ahead = np.asarray(careers.beyond_wage)[:1] / 0.25
    long = long_run(jnp.asarray(values / 0.25 + ahead), jnp.asarray(1.6), jnp.asarray(1.2), FINE)
    share, stay = np.asarray(long.probability)[0], float(np.asarray(long.stay).sum())
    seen = np.array([*(np.mean(held[:, 1] == o) for o in range(3)), np.mean(np.ptp(held, 1) == 0)])
    wanted = np.array([*share, stay])
    assert (np.abs(seen - wanted) < 4.5 * np.sqrt(wanted * (1 - wanted) / workers)).all()


def test_of_a_worker_whose_future_is_not_known_no_career_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(value: jax.Array, *_: Any) -> jax.Array:
        return jnp.zeros_like(value).at[1].set(jnp.nan)

    monkeypatch.setattr(models_careers, "continuation", lost)
    there = Careers(**arguments(), experience_return=jnp.asarray(0.2), discount=0.9)
    drawn = np.asarray(there.sample(jax.random.key(0), (3,)))
    assert np.isnan(drawn[:, 1]).all()
    assert np.isfinite(np.delete(drawn, 1, axis=1)).all()


def test_where_workers_come_from() -> None:
    held = jnp.asarray([[2, 2, 1, 1], [0, 1, 2, 0]])
    observed = jnp.asarray([[True, True, False, True], [False, False, True, True]])
    past = Experience.of(held, observed)
    np.testing.assert_array_equal(past.known, [[0, 1, 0, 1], [0, 0, 0, 1]])
    np.testing.assert_array_equal(past.stays, [[0, 1, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(np.asarray(past.last)[np.asarray(past.known)], [2, 2, 2])


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_samples_look_like_independent_ones(shock: Any) -> None:
    """Frequencies, means and variances of wages of two programs within 4.5 standard errors.

    9 comparisons a case: a false alarm once in 8,000 seeds.
    """
    draws, rho, nu = 200_000, 0.5, 0.3
    potential, amenity, common = np.array([2.0, 2.2, 1.9]), np.array([0.2, -0.1, -0.1]), 0.7
    careers = Careers(
        jnp.asarray(potential[None]),
        jnp.full((1, 1), common),
        jnp.asarray(amenity),
        jnp.asarray(rho),
        jnp.asarray(nu),
        observed=jnp.ones((1, 1), bool),
        shock=shock,
    )
    ours = np.asarray(careers.sample(jax.random.key(3), (draws,)))[:, 0, 0]
    rng = np.random.default_rng(4)
    epsilon = rng.normal(size=(draws, 3 if shock == "occupation" else 1))
    wages = potential + common + rho * epsilon
    taste = -nu * np.log(-np.log(rng.random((draws, 3))))
    held = np.argmax(wages + amenity + taste, axis=1)
    paid = wages[np.arange(draws), held]
    for o in range(3):
        a, b = ours[ours[:, 1] == o, 0], paid[held == o]
        share = (len(a) + len(b)) / (2 * draws)
        error = np.sqrt(2 * share * (1 - share) / draws)
        assert abs(len(a) - len(b)) / draws < 4.5 * error
        assert abs(a.mean() - b.mean()) < 4.5 * np.sqrt(a.var() / len(a) + b.var() / len(b))
        # Wages of those who choose are close to normal: var(s²) ≈ 2σ⁴/n, with room for kurtosis.
        spread = np.sqrt(2.5 * (a.var() ** 2 / len(a) + b.var() ** 2 / len(b)))
        assert abs(a.var() - b.var()) < 4.5 * spread


@partial(jax.jit, static_argnames="shape")
def sample(careers: Careers, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return careers.sample(key, shape)


def test_shape_of_samples() -> None:
    careers = Careers(**jax.tree.map(jnp.asarray, arguments()), grid=SMALL)
    assert careers.batch_shape == (N,)
    assert careers.event_shape == (T, 2)
    assert jax.eval_shape(careers.sample, jax.random.key(0)).shape == (N, T, 2)
    draws = sample(careers, jax.random.key(0), (5, 2))
    assert draws.shape == (5, 2, N, T, 2)
    assert set(np.unique(draws[..., 1])) <= {0.0, 1.0, 2.0}
    assert log_prob(careers, draws[0, 0]).shape == (N,)


def test_same_key_same_careers() -> None:
    careers = Careers(**jax.tree.map(jnp.asarray, arguments()), grid=SMALL)
    first, again, other = (sample(careers, jax.random.key(k), (5, 2)) for k in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (np.asarray(first) != np.asarray(other)).any()


# Laws


def test_another_currency_changes_nothing() -> None:
    given = arguments()
    value = draw_value(given)
    moved = evaluate(
        given | {"potential": given["potential"] + 3.0}, value + np.array([3.0, 0.0]), grid=SMALL
    )
    np.testing.assert_allclose(moved, evaluate(given, value, grid=SMALL), rtol=1e-11)
    covariates = evaluate(
        given | {"common": given["common"] + 3.0}, value + np.array([3.0, 0.0]), grid=SMALL
    )
    np.testing.assert_allclose(covariates, evaluate(given, value, grid=SMALL), rtol=1e-11)


def test_one_origin_of_amenities_is_as_good_as_another() -> None:
    given = arguments()
    value = draw_value(given)
    moved = evaluate(given | {"amenity": given["amenity"] - 2.0}, value, grid=SMALL)
    np.testing.assert_allclose(moved, evaluate(given, value, grid=SMALL), rtol=1e-11)


def test_twice_the_workers_twice_the_log_likelihood() -> None:
    given = arguments()
    value = draw_value(given)
    twice = given | {
        name: np.concatenate([given[name], given[name]])
        for name in ("potential", "common", "observed")
    }
    doubled = evaluate(twice, np.concatenate([value, value]), grid=SMALL)
    once = evaluate(given, value, grid=SMALL)
    np.testing.assert_allclose(doubled, np.concatenate([once, once]), rtol=1e-12)
    np.testing.assert_allclose(doubled.sum(), 2 * once.sum(), rtol=1e-12)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_what_is_not_observed_counts_for_nothing(shock: Any) -> None:
    given = arguments()
    value = draw_value(given)
    other = np.where(given["observed"][..., None], value, [50.0, 0.0])
    np.testing.assert_array_equal(
        evaluate(given, value, shock=shock, grid=SMALL),
        evaluate(given, other, shock=shock, grid=SMALL),
    )


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_factors_add_up(shock: Any) -> None:
    given = arguments()
    value = draw_value(given)
    careers = Careers(**jax.tree.map(jnp.asarray, given), shock=shock, grid=SMALL)
    wage_factor, choice_factor = careers.factors(jnp.asarray(value))
    assert (np.asarray(choice_factor) <= 0).all()
    assert (np.asarray(wage_factor)[~given["observed"]] == 0).all()
    np.testing.assert_allclose(
        (wage_factor + choice_factor).sum(1),
        evaluate(given, value, shock=shock, grid=SMALL),
        rtol=1e-12,
    )
