"""The fast choice factor of whole careers against the exact one, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskroy.models.choice import choice_probabilities, expected_wages, log_choice_probability
from taskroy.models.choice_grid import Grid, log_choice_of_careers
from taskroy.models.choice_outcomes import choice_outcomes

# One shape for most tests, so that few programs are compiled.
N, T, O = 6, 4, 5  # noqa: E741
DEFAULT, FINE = Grid(), Grid(nodes=160, terms=56, knots=640)
LAWS = settings(max_examples=12, deadline=None, derandomize=True)


class Careers(NamedTuple):
    """Arguments of the fast form, in units of ν."""

    value: np.ndarray
    wage: np.ndarray
    occupation: np.ndarray
    observed: np.ndarray
    ratio: float

    def fast(self, grid: Grid = DEFAULT) -> np.ndarray:
        return np.asarray(log_choice_of_careers(*map(jnp.asarray, self), grid))

    def exact(self) -> np.ndarray:
        """The reference, where ν = 1."""
        rows = np.broadcast_to(self.value[:, None, :], (*self.wage.shape, self.value.shape[1]))
        found = log_choice_probability(
            rows, self.wage, self.occupation, wage_shock_scale=self.ratio, taste_scale=1.0
        )
        return np.where(self.observed, found, 0.0)


def careers(seed: int, ratio: float = 1.6, spread: float = 3.0, surprise: float = 0.0) -> Careers:
    """Draw careers that mostly make sense; `surprise` lowers the first year's wages."""
    rng = np.random.default_rng(seed)
    value = 8.0 + rng.normal(0.0, spread, (N, O))
    offers = value[:, None, :] + ratio * rng.normal(size=(N, T, O))
    held = np.argmax(offers + rng.gumbel(size=offers.shape), axis=-1)
    wage = np.take_along_axis(offers, held[..., None], -1)[..., 0]
    wage[:, 0] -= surprise
    return Careers(value, wage, held, np.ones((N, T), bool), ratio)


@pytest.mark.parametrize("ratio", [0.3, 1.6, 4.1, 9.0])
@pytest.mark.parametrize(
    ("grid", "accuracy"),
    [(DEFAULT, 1e-6), (FINE, 2e-8)],
    ids=["default", "fine"],
)
def test_log_probability_against_the_exact_one(grid: Grid, accuracy: float, ratio: float) -> None:
    for seed in range(3):
        point = careers(seed, ratio)
        np.testing.assert_allclose(point.fast(grid), point.exact(), rtol=0, atol=accuracy)


@pytest.mark.parametrize(("ratio", "surprise"), [(0.5, 42.0), (1.6, 48.0), (4.0, 60.0)])
def test_improbable_choices(ratio: float, surprise: float) -> None:
    point = careers(4, ratio, surprise=surprise)
    exact = point.exact()
    assert exact[:, 0].max() < -20
    assert exact.min() < -40
    # The widest integrand sets the step of all: so wide a one wants more nodes.
    np.testing.assert_allclose(point.fast(FINE), exact, rtol=0, atol=1e-5)


@pytest.mark.parametrize("ratio", [0.3, 1.6, 4.1, 9.0])
def test_moments_against_the_exact_ones(ratio: float) -> None:
    accuracy = 1e-7
    point = careers(5, ratio)
    probability, stein, _ = choice_outcomes(jnp.asarray(point.value), jnp.asarray(ratio), DEFAULT)
    scales = {"wage_shock_scale": ratio, "taste_scale": 1.0}
    exact = np.asarray(choice_probabilities(point.value, **scales))
    shock = np.asarray(expected_wages(point.value, **scales)) - point.value
    np.testing.assert_allclose(probability, exact, rtol=0, atol=accuracy)
    # ∫(ψ'' + ψ'²)e^G is −E[ε·1(ô = o)]·ν/ϱ², and `stein` its negative.
    np.testing.assert_allclose(ratio**2 * stein, exact * shock, rtol=0, atol=20 * accuracy)
    np.testing.assert_allclose(probability.sum(1), 1.0, rtol=0, atol=accuracy)


# Laws


def test_padded_cells_count_for_nothing() -> None:
    point = careers(6)
    seen = np.arange(T) < np.array([1, 2, 3, 4, 4, 2])[:, None]
    harmless = point._replace(observed=seen).fast()
    wild = point._replace(
        observed=seen,
        wage=np.where(seen, point.wage, 1e6),
        occupation=np.where(seen, point.occupation, 0),
    ).fast()
    assert (harmless[~seen] == 0).all()
    np.testing.assert_array_equal(wild, harmless)
    np.testing.assert_allclose(harmless[seen], point.fast()[seen], rtol=1e-6, atol=1e-6)


def test_padding_does_not_change_others() -> None:
    point = careers(7)
    padded = Careers(
        point.value,
        np.pad(point.wage, ((0, 0), (0, 2)), constant_values=3.0),
        np.pad(point.occupation, ((0, 0), (0, 2))),
        np.pad(point.observed, ((0, 0), (0, 2))),
        point.ratio,
    )
    np.testing.assert_allclose(padded.fast()[:, :T], point.fast(), rtol=1e-12, atol=1e-13)
    assert (padded.fast()[:, T:] == 0).all()


@LAWS
@given(st.integers(0, 10**6), st.permutations(range(T)))
def test_order_of_years_is_irrelevant(seed: int, order: list[int]) -> None:
    point = careers(seed)
    moved = point._replace(wage=point.wage[:, order], occupation=point.occupation[:, order])
    np.testing.assert_allclose(moved.fast(), point.fast()[:, order], rtol=1e-12, atol=1e-12)


@LAWS
@given(st.integers(0, 10**6), st.permutations(range(N)))
def test_order_of_workers_is_irrelevant(seed: int, order: list[int]) -> None:
    point = careers(seed)
    moved = Careers(
        point.value[order],
        point.wage[order],
        point.occupation[order],
        point.observed[order],
        point.ratio,
    )
    np.testing.assert_allclose(moved.fast(), point.fast()[order], rtol=1e-12, atol=1e-12)


@LAWS
@given(st.integers(0, 10**6), st.permutations(range(O)))
def test_relabelling_occupations_changes_nothing(seed: int, order: list[int]) -> None:
    point = careers(seed)
    place = np.argsort(order)
    moved = point._replace(value=point.value[:, order], occupation=place[point.occupation])
    np.testing.assert_allclose(moved.fast(), point.fast(), rtol=1e-11, atol=1e-11)


@LAWS
@given(st.integers(0, 10**6), st.floats(-50, 50))
def test_another_currency_changes_nothing(seed: int, shift: float) -> None:
    point = careers(seed)
    moved = point._replace(value=point.value + shift, wage=point.wage + shift)
    np.testing.assert_allclose(moved.fast(), point.fast(), rtol=1e-10, atol=1e-10)


# Gradients


@pytest.fixture(scope="module")
def value_and_gradient() -> Callable[..., tuple[jax.Array, tuple[jax.Array, ...]]]:
    """Compile the sum over worker-years and its gradient once a shape."""

    def total(
        value: jax.Array, wage: jax.Array, ratio: jax.Array, held: jax.Array, seen: jax.Array
    ) -> jax.Array:
        return log_choice_of_careers(value, wage, held, seen, ratio, DEFAULT).sum()

    return jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2)))


def test_gradient_against_the_exact_one(
    value_and_gradient: Callable[..., tuple[jax.Array, tuple[jax.Array, ...]]],
) -> None:
    point = careers(8)
    _, ours = value_and_gradient(
        point.value, point.wage, point.ratio, point.occupation, point.observed
    )
    h, rng = 1e-4, np.random.default_rng(2)
    for k, name in enumerate(("value", "wage", "ratio")):
        x = np.asarray(getattr(point, name))
        direction = rng.normal(size=x.shape)
        moved = [Careers(**(point._asdict() | {name: x + s * h * direction})) for s in (1, -1)]
        up, down = (m.exact().sum() for m in moved)
        along = float((np.asarray(ours[k]) * direction).sum())
        np.testing.assert_allclose(along, (up - down) / (2 * h), rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("shape", [(N, T), (1, 1)], ids=["panel", "one worker, one year"])
def test_finite_where_priors_widened_four_times_lead(
    shape: tuple[int, int],
    value_and_gradient: Callable[..., tuple[jax.Array, tuple[jax.Array, ...]]],
) -> None:
    rng = np.random.default_rng(9)
    workers, years = shape
    for _ in range(60):
        # The default priors of ϱ, ν and skill sds with four times their log sds.
        rho = 0.35 * np.exp(4 * 0.5 * rng.normal())
        nu = 0.25 * np.exp(4 * 0.6 * rng.normal())
        skill_sd = 2.0 * np.exp(4 * 0.8 * rng.normal(size=3))
        weights = rng.dirichlet(np.ones(3), O)
        skill = rng.normal(0.0, 4 * 1.5, 3) + skill_sd * rng.normal(size=(workers, 3))
        potential = rng.normal(0.0, 4 * 0.5, O) + skill @ weights.T
        held = rng.integers(0, O, (workers, years))
        wage = np.take_along_axis(potential, held, 1) + rho * rng.normal(size=shape)
        value, gradient = value_and_gradient(
            potential / nu, wage / nu, rho / nu, held, rng.random(shape) < 2
        )
        assert np.isfinite(value), (rho, nu, skill_sd)
        assert all(np.isfinite(g).all() for g in gradient), (rho, nu, skill_sd)


def test_padded_cells_send_no_gradient(
    value_and_gradient: Callable[..., tuple[jax.Array, tuple[jax.Array, ...]]],
) -> None:
    point = careers(10)
    seen = point.observed.copy()
    seen[2, 1:] = False
    wage = np.where(seen, point.wage, 1e6)
    _, (by_value, by_wage, by_ratio) = value_and_gradient(
        point.value, wage, point.ratio, point.occupation, seen
    )
    assert (np.asarray(by_wage)[~seen] == 0).all()
    assert np.isfinite(by_value).all()
    assert np.isfinite(by_ratio)
