"""Expectations before wages are seen: against the exact reference, and against brute force."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models.choice import choice_probabilities, expected_wages
from taskroy.models.choice_grid import Grid
from taskroy.models.choice_outcomes import choice_outcomes, efficiency

COARSE, FINE = Grid(nodes=72, terms=28, knots=200), Grid(nodes=200, terms=56, knots=640)
VALUE = 8.0 + np.random.default_rng(3).normal(0.0, 2.0, (6, 5))


@pytest.mark.parametrize("ratio", [0.3, 1.6, 4.1])
def test_probabilities_and_shocks_are_the_reference(ratio: float) -> None:
    found = choice_outcomes(jnp.asarray(VALUE), jnp.asarray(ratio), COARSE)
    exact = choice_probabilities(VALUE, wage_shock_scale=ratio, taste_scale=1.0)
    np.testing.assert_allclose(found.probability, exact, atol=2e-8)
    np.testing.assert_allclose(found.probability.sum(1), 1.0, atol=2e-8)
    wage = expected_wages(VALUE, wage_shock_scale=ratio, taste_scale=1.0)
    shock = ratio**2 * np.asarray(found.stein)
    np.testing.assert_allclose(shock, exact * (wage - VALUE), atol=1e-7)


def test_without_wage_shocks_welfare_is_the_log_sum() -> None:
    ratio = 1e-3
    found = choice_outcomes(jnp.asarray(VALUE), jnp.asarray(ratio), FINE)
    log_sum = np.log(np.exp(VALUE).sum(1)) + np.euler_gamma
    np.testing.assert_allclose(found.worth, log_sum, atol=1e-6)


def test_welfare_grows_with_each_occupation_by_its_probability() -> None:
    """The envelope theorem: dE[max]/dy_o = P(o), by central differences."""
    ratio, step = jnp.asarray(1.6), 1e-3
    probability = choice_outcomes(jnp.asarray(VALUE), ratio, FINE).probability
    for o in range(VALUE.shape[1]):
        up, down = (
            choice_outcomes(jnp.asarray(VALUE + sign * step * np.eye(5)[o]), ratio, FINE).worth
            for sign in (1, -1)
        )
        np.testing.assert_allclose((up - down) / (2 * step), probability[:, o], atol=1e-6)


@pytest.mark.parametrize("ratio", [0.5, 1.6])
def test_agrees_with_simulated_choices(ratio: float) -> None:
    """Within five standard errors of 400,000 simulated choices."""
    rng = np.random.default_rng(11)
    nu, size = 0.25, 400_000
    rho = ratio * nu
    value = VALUE[:2]
    found = choice_outcomes(jnp.asarray(value), jnp.asarray(ratio), COARSE)
    units = efficiency(jnp.asarray(value), jnp.asarray(ratio), jnp.asarray(rho**2 / nu), COARSE)
    for i, y in enumerate(value):
        shock = rho * rng.standard_normal((size, 5))
        utility = nu * y + shock + nu * rng.gumbel(size=(size, 5))
        held = utility.argmax(1)
        best = utility.max(1)
        error = 5 * best.std() / np.sqrt(size)
        assert abs(best.mean() - nu * float(found.worth[i])) < error
        for o in range(5):
            supplied = np.exp(shock[:, o]) * (held == o)
            error = 5 * supplied.std() / np.sqrt(size) + 1e-7
            assert abs(supplied.mean() - float(units[i, o])) < error


def test_a_coarse_grid_is_as_good_as_a_fine_one() -> None:
    for ratio in (0.5, 1.6, 3.0):
        r, shift = jnp.asarray(ratio), jnp.asarray(0.25 * ratio**2)
        coarse, fine = (choice_outcomes(jnp.asarray(VALUE), r, grid) for grid in (COARSE, FINE))
        np.testing.assert_allclose(coarse.worth, fine.worth, rtol=0, atol=1e-8)
        coarse_units, fine_units = (
            efficiency(jnp.asarray(VALUE), r, shift, grid) for grid in (COARSE, FINE)
        )
        np.testing.assert_allclose(coarse_units, fine_units, rtol=0, atol=1e-8)


def test_workers_in_blocks_are_as_workers_together() -> None:
    """2,000 workers are more than a block; 300 of them are not."""
    value = jnp.asarray(8.0 + np.random.default_rng(4).normal(0.0, 2.0, (2001, 5)))
    # The widest and the narrowest worker set the nodes, so they are in both.
    value = value.at[:2].set(jnp.asarray([[0.0] * 5, [20.0] * 5]) + value[:2] / 10)
    ratio, shift = jnp.asarray(1.6), jnp.asarray(0.64)
    some = jnp.concatenate([value[:2], value[-298:]])
    together, alone = (choice_outcomes(x, ratio, COARSE) for x in (value, some))
    for x, y in zip(together, alone, strict=True):
        np.testing.assert_allclose(x[-298:], y[-298:], rtol=0, atol=1e-8)
        assert x.shape[0] == 2001
    units = [efficiency(x, ratio, shift, COARSE)[-298:] for x in (value, some)]
    np.testing.assert_allclose(*units, rtol=0, atol=1e-8)


@pytest.mark.parametrize("ratio", [0.3, 1.6, 3.0])
def test_wages_are_right_where_hardly_anyone_goes(ratio: float) -> None:
    """They are ratios of two integrals, each as small as the probability."""
    value = VALUE.copy()
    value[:, 0] -= [8, 12, 16, 20, 40, 60]
    found = choice_outcomes(jnp.asarray(value), jnp.asarray(ratio), COARSE)
    probability = np.asarray(found.probability)
    assert (probability > 0).all()
    exact = choice_probabilities(value, wage_shock_scale=ratio, taste_scale=1.0)
    likely = np.asarray(exact) > 1e-8
    assert likely[:4].any()
    np.testing.assert_allclose(probability[likely], exact[likely], rtol=1e-5)
    wage = expected_wages(value, wage_shock_scale=ratio, taste_scale=1.0)
    found_wage = value + ratio**2 * np.asarray(found.stein) / probability
    # Worst where the few who go are just near enough to share the series of those near the best.
    np.testing.assert_allclose(found_wage[:4], wage[:4], rtol=0, atol=1e-3)  # in units of ν
    # Where only a large shock brings anyone, P(o) is like e^{y_o + ε_o}, which tilts N(0, ϱ²) into
    # N(ϱ²/ν, ϱ²).
    np.testing.assert_allclose(found_wage[4:, 0] - value[4:, 0], ratio**2, rtol=1e-5)


@pytest.mark.parametrize("ratio", [0.3, 2.0, 3.4, 3.541, 4.1, 6.0])
def test_one_hopeless_occupation_spoils_no_other(ratio):
    # ψ's own error of 1e-10, times e^43, once made every probability of such a world infinite.
    worth = jnp.asarray([[-143.2, -31.3, -8.5, 0.0], [-150.0, -12.0, -1.0, 0.0]])
    found = choice_outcomes(worth, jnp.asarray(ratio), Grid(nodes=72, terms=28, knots=200))
    exact = choice_probabilities(0.1 * worth, wage_shock_scale=0.1 * ratio, taste_scale=0.1)
    np.testing.assert_allclose(found.probability, exact, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found.probability[:, 2:], exact[:, 2:], rtol=1e-6)
    assert (np.asarray(found.probability) >= 0).all()
