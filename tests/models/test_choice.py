"""The exact choice factor against 50-digit quadrature, simulation, and the laws it obeys."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taskroy.errors import ModelError
from taskroy.models.choice import choice_probabilities, expected_wages, log_choice_probability

HERE = Path(__file__).parent
REFERENCES = json.loads((HERE / "choice_references.json").read_text())
LAWS = settings(max_examples=12, deadline=None, derandomize=True)
# One shape for most of what follows, so that few programs are compiled.
ROWS, OCCUPATIONS = 6, 3


def log_p(point: dict[str, Any]) -> float:
    """Evaluate a point of the references."""
    return float(
        log_choice_probability(
            np.array(point["potential"]),
            point["wage"],
            point["occupation"],
            wage_shock_scale=point["wage_shock_scale"],
            taste_scale=point["taste_scale"],
            amenity=np.array(point["amenity"]),
        )
    )


def some(seed: int, rows: int = ROWS, occupations: int = OCCUPATIONS) -> dict[str, Any]:
    """Draw an ordinary point with rows."""
    rng = np.random.default_rng(seed)
    potential = rng.normal(2.0, 0.4, (rows, occupations))
    return {
        "potential": potential,
        "wage": potential[:, 0] + rng.normal(0.0, 0.4, rows),
        "occupation": rng.integers(0, occupations, rows),
        "amenity": rng.normal(0.0, 0.2, occupations),
        "wage_shock_scale": 0.43,
        "taste_scale": 0.26,
    }


def factor(point: dict[str, Any], **changes: Any) -> np.ndarray:
    """Evaluate the choice factor at a point, changed here and there."""
    return np.asarray(log_choice_probability(**(point | changes)))


def chooser(point: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is known only after the choice."""
    return {k: v for k, v in point.items() if k not in ("wage", "occupation")}


# Accuracy


def test_references_reach_the_corners() -> None:
    log_probability = np.array([float(r["log_probability"]) for r in REFERENCES])
    ratio = np.array([r["wage_shock_scale"] / r["taste_scale"] for r in REFERENCES])
    assert len(REFERENCES) >= 60
    assert {len(r["potential"]) for r in REFERENCES} == {2, 3, 4}
    assert log_probability.min() < -50
    assert ratio.min() < 0.1
    assert ratio.max() > 15


@pytest.mark.parametrize("occupations", [2, 3, 4])
def test_ten_digits_of_fifty_digit_quadrature(occupations: int) -> None:
    points = [r for r in REFERENCES if len(r["potential"]) == occupations]
    ours = np.array([log_p(point) for point in points])
    true = np.array([float(point["log_probability"]) for point in points])
    error = np.abs(ours - true) / np.maximum(1, np.abs(true))
    worst = int(error.argmax())
    assert error[worst] < 1e-10, f"{points[worst]}: {ours[worst]!r}"


@pytest.mark.parametrize("which", [5, 12, 41])
def test_references_are_what_their_script_computes(which: int) -> None:
    recipe = runpy.run_path(str(HERE / "make_choice_references.py"))
    with recipe["mp"].workdps(50):
        stored = recipe["mpf"](REFERENCES[which]["log_probability"])
        assert abs(recipe["direct"](REFERENCES[which]) - stored) < 1e-20


@pytest.mark.parametrize(("taste_scale", "wage_shock_scale"), [(0.26, 0.43), (1.0, 0.1), (0.1, 1)])
def test_brute_force_simulation(taste_scale: float, wage_shock_scale: float) -> None:
    """Every frequency and mean within 4 standard errors.

    3·2 frequencies, means and factors a case, 3 cases: a false alarm once in 600 seeds.
    """
    rng = np.random.default_rng(7)
    potential, amenity = np.array([2.0, 2.3, 1.8]), np.array([0.1, -0.1, 0.0])
    draws = 400_000
    scales = {"wage_shock_scale": wage_shock_scale, "taste_scale": taste_scale}
    wages = potential + wage_shock_scale * rng.normal(size=(draws, 3))
    taste = -taste_scale * np.log(rng.exponential(size=(draws, 3)))
    held = np.argmax(wages + amenity + taste, axis=1)
    share = np.bincount(held, minlength=3) / draws
    ours = np.asarray(choice_probabilities(potential, amenity=amenity, **scales))
    assert (np.abs(ours - share) < 4 * np.sqrt(ours * (1 - ours) / draws)).all()

    means = np.asarray(expected_wages(potential, amenity=amenity, **scales))
    for o in range(3):
        paid = wages[held == o, o]
        assert abs(means[o] - paid.mean()) < 4 * paid.std() / np.sqrt(len(paid))

    # Given a wage of 2.1 in occupation 1, the others are still to be drawn.
    offers = wages.copy()
    offers[:, 1] = 2.1
    logit = np.exp((offers + amenity) / taste_scale)
    given_wage = logit[:, 1] / logit.sum(1)
    ours = np.exp(log_choice_probability(potential, 2.1, 1, amenity=amenity, **scales))
    assert abs(ours - given_wage.mean()) < 4 * given_wage.std() / np.sqrt(draws)


@LAWS
@given(
    st.integers(0, 10**6),
    st.floats(0.05, 2.0),
    st.floats(0.05, 20.0),
)
def test_probabilities_sum_to_one(seed: int, taste_scale: float, ratio: float) -> None:
    point = chooser(some(seed)) | {
        "taste_scale": taste_scale,
        "wage_shock_scale": ratio * taste_scale,
    }
    probability = np.asarray(choice_probabilities(**point))
    assert (probability >= 0).all()
    np.testing.assert_allclose(probability.sum(-1), 1.0, rtol=0, atol=1e-10)


@pytest.mark.parametrize("ratio", [0.2, 1.0, 5.0])
def test_factor_and_wage_density_integrate_to_the_choice_probabilities(ratio: float) -> None:
    # P(o) = ∫ P(o | w)·N(w; m_o, ϱ²) dw for each o, by the trapezoid rule.
    point = some(3, rows=1) | {"wage_shock_scale": ratio * 0.26}
    z, dz = np.linspace(-9, 9, 361, retstep=True)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * dz
    probability = np.asarray(choice_probabilities(**chooser(point)))[0]
    for o in range(OCCUPATIONS):
        wage = point["potential"][0, o] + point["wage_shock_scale"] * z
        given_wage = factor(
            point,
            potential=np.repeat(point["potential"], len(z), axis=0),
            wage=wage,
            occupation=np.full(len(z), o),
        )
        np.testing.assert_allclose((density * np.exp(given_wage)).sum(), probability[o], atol=1e-11)
        mean = (density * np.exp(given_wage) * wage).sum() / probability[o]
        paid = np.asarray(expected_wages(**chooser(point)))[0, o]
        np.testing.assert_allclose(paid, mean, rtol=1e-9)


@pytest.mark.parametrize("gap", [5.0, 30.0, 60.0, 200.0])
def test_hopeless_occupations_have_finite_wages(gap: float) -> None:
    potential = np.array([2.0, 2.0 - 0.26 * gap, 1.9])
    scales = {"wage_shock_scale": 0.2, "taste_scale": 0.26}
    assert np.isfinite(choice_probabilities(potential, **scales)).all()
    assert np.isfinite(expected_wages(potential, **scales)).all()


# Gradients


def total(values: dict[str, Any], held: np.ndarray) -> Any:
    return log_choice_probability(occupation=held, **values).sum()


@pytest.fixture(scope="module")
def gradient() -> Callable[..., dict[str, jax.Array]]:
    """Compile the gradient in every argument once."""
    return jax.jit(jax.grad(total))


def floats(point: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(point[name], float) for name in point if name != "occupation"}


@pytest.mark.parametrize("surprise", [0.0, 4.0])
def test_gradient_against_central_differences(
    surprise: float, gradient: Callable[..., dict[str, jax.Array]]
) -> None:
    point = some(11)
    held, values = point["occupation"], floats(point)
    values["wage"] = values["wage"] - surprise
    ours = gradient(values, held)
    # Rows do not touch each other, so one shift moves a column of all of them.
    one, each = np.ones(()), np.eye(OCCUPATIONS)
    shifts = [("potential", np.tile(e, (ROWS, 1))) for e in each]
    shifts += [("amenity", e) for e in each] + [("wage", np.ones(ROWS))]
    shifts += [("wage_shock_scale", one), ("taste_scale", one)]
    h = 1e-4
    for name, shift in shifts:
        near, far = (
            factor(point, **(values | {name: values[name] + k * h * shift}))
            - factor(point, **(values | {name: values[name] - k * h * shift}))
            for k in (1, 2)
        )
        differences: Any = (8 * near - far) / (12 * h)  # fourth order
        derivative: Any = np.asarray(ours[name]) * shift
        if name in ("potential", "wage"):
            derivative = derivative.reshape(ROWS, -1).sum(1)
        else:
            derivative, differences = derivative.sum(), differences.sum()
        np.testing.assert_allclose(derivative, differences, rtol=1e-6, atol=1e-8, err_msg=name)


def test_gradient_of_improbable_choices_is_finite(
    gradient: Callable[..., dict[str, jax.Array]],
) -> None:
    point = some(11) | {"taste_scale": 0.05, "wage_shock_scale": 0.2}
    values = floats(point)
    values["wage"] = values["wage"] - 1.5 * np.arange(ROWS)
    assert factor(point, wage=values["wage"])[-1] < -40
    for name, by_name in gradient(values, point["occupation"]).items():
        assert np.isfinite(by_name).all(), name


def test_gradients_of_moments_are_finite_and_right() -> None:
    point = chooser(some(13))

    def mean_wage(potential: Any) -> Any:
        changed = point | {"potential": potential}
        return (choice_probabilities(**changed) * expected_wages(**changed)).sum()

    ours = np.asarray(jax.jit(jax.grad(mean_wage))(jnp.asarray(point["potential"])))
    direction = np.random.default_rng(1).normal(size=ours.shape)
    h = 1e-4
    up, down = (mean_wage(point["potential"] + s * h * direction) for s in (1, -1))
    np.testing.assert_allclose((ours * direction).sum(), (up - down) / (2 * h), rtol=1e-6)


# Laws


@LAWS
@given(st.integers(0, 10**6), st.permutations(range(ROWS)))
def test_order_of_rows_is_irrelevant(seed: int, order: list[int]) -> None:
    point = some(seed)
    moved = {k: point[k][order] for k in ("potential", "wage", "occupation")}
    np.testing.assert_allclose(factor(point, **moved), factor(point)[order], rtol=1e-12)


@LAWS
@given(st.integers(0, 10**6), st.permutations(range(OCCUPATIONS)))
def test_relabelling_occupations_changes_nothing(seed: int, order: list[int]) -> None:
    point = some(seed)
    place = np.argsort(order)
    moved = factor(
        point,
        potential=point["potential"][:, order],
        amenity=point["amenity"][order],
        occupation=place[point["occupation"]],
    )
    np.testing.assert_allclose(moved, factor(point), rtol=1e-12, atol=1e-12)


@LAWS
@given(st.integers(0, 10**6), st.floats(-10, 10), st.floats(-10, 10))
def test_another_currency_or_amenity_origin_changes_nothing(
    seed: int, wages: float, amenities: float
) -> None:
    point = some(seed)
    moved = factor(
        point,
        potential=point["potential"] + wages,
        wage=point["wage"] + wages,
        amenity=point["amenity"] + amenities,
    )
    np.testing.assert_allclose(moved, factor(point), rtol=1e-11, atol=1e-11)


@LAWS
@given(st.integers(0, 10**6), st.floats(0.01, 100))
def test_another_unit_changes_nothing(seed: int, unit: float) -> None:
    point = some(seed)
    moved = {
        name: point[name] * unit
        for name in ("potential", "wage", "amenity", "wage_shock_scale", "taste_scale")
    }
    np.testing.assert_allclose(factor(point, **moved), factor(point), rtol=1e-11)


@LAWS
@given(
    arrays(float, (ROWS, OCCUPATIONS), elements=st.floats(-3, 3)),
    arrays(float, ROWS, elements=st.floats(-3, 3)),
)
def test_without_wage_shocks_it_is_the_softmax(potential: np.ndarray, wage: np.ndarray) -> None:
    held = np.arange(ROWS) % OCCUPATIONS
    ours = log_choice_probability(
        potential, wage, held, wage_shock_scale=1e-6, taste_scale=0.5, amenity=np.zeros(OCCUPATIONS)
    )
    offers = potential.copy()
    offers[np.arange(ROWS), held] = wage
    logit = np.log(np.exp((offers - wage[:, None]) / 0.5).sum(1))
    np.testing.assert_allclose(ours, -logit, rtol=1e-10, atol=1e-10)


def test_no_amenity_is_amenity_zero() -> None:
    point = some(2)
    np.testing.assert_array_equal(
        factor(point, amenity=None), factor(point, amenity=np.zeros(OCCUPATIONS))
    )


# Shapes and errors


def test_scalars_rows_and_tables_agree() -> None:
    point = some(5)
    flat = factor(point)
    table = factor(
        point,
        potential=point["potential"].reshape(2, 3, OCCUPATIONS),
        wage=point["wage"].reshape(2, 3),
        occupation=point["occupation"].reshape(2, 3),
    )
    one = factor(
        point,
        potential=point["potential"][4],
        wage=point["wage"][4],
        occupation=point["occupation"][4],
    )
    assert table.shape == (2, 3)
    assert one.shape == ()
    np.testing.assert_allclose(table.ravel(), flat, rtol=1e-12)
    np.testing.assert_allclose(one, flat[4], rtol=1e-12)
    for function in (choice_probabilities, expected_wages):
        rows = np.asarray(function(**chooser(point)))
        shaped = function(
            **(chooser(point) | {"potential": point["potential"].reshape(2, 3, OCCUPATIONS)})
        )
        assert shaped.shape == (2, 3, OCCUPATIONS)
        np.testing.assert_allclose(np.asarray(shaped).reshape(rows.shape), rows, rtol=1e-12)


def test_no_rows_are_no_error() -> None:
    empty = log_choice_probability(
        np.zeros((0, 3)), np.zeros(0), np.zeros(0, int), wage_shock_scale=0.4, taste_scale=0.3
    )
    assert empty.shape == (0,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wage": np.zeros((ROWS, 1))}, r"\(N, 1\) and \(N,\) do not mix"),
        ({"occupation": np.zeros((ROWS, 1), int)}, r"disagree"),
        ({"potential": np.zeros((ROWS, 1, OCCUPATIONS))}, r"disagree"),
        ({"wage": np.zeros(ROWS - 1)}, r"disagree"),
        ({"potential": np.zeros((ROWS, 1)), "amenity": None}, r"at least two occupations"),
        ({"potential": np.float64(1.0), "amenity": None}, r"at least two occupations"),
        ({"amenity": np.zeros(OCCUPATIONS + 1)}, r"one per occupation, \(3,\)"),
        ({"amenity": np.zeros((ROWS, OCCUPATIONS))}, r"one per occupation"),
        ({"occupation": np.zeros(ROWS)}, r"integer indices"),
        ({"occupation": np.array([0, 1, 3, 0, 1, 0])}, r"row 2.*\n.*integers from 0 to 2"),
        ({"occupation": np.array([0, -1, 2, 0, -1, 0])}, r"row 1: 2 occupation indices"),
        ({"taste_scale": 0.0}, r"taste_scale is 0.0"),
        ({"taste_scale": float("nan")}, r"taste_scale is nan"),
        ({"wage_shock_scale": -0.1}, r"wage_shock_scale is -0.1"),
        ({"wage_shock_scale": float("inf")}, r"positive, finite"),
        ({"wage_shock_scale": np.full(ROWS, 0.4)}, r"wage_shock_scale has shape \(6,\)"),
    ],
)
def test_wrong_arguments_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        factor(some(1), **changes)


@pytest.mark.parametrize("function", [choice_probabilities, expected_wages])
def test_moments_refuse_wrong_arguments_too(function: Any) -> None:
    with pytest.raises(ModelError, match="at least two occupations"):
        function(np.zeros((3, 1)), wage_shock_scale=0.4, taste_scale=0.3)
    with pytest.raises(ModelError, match="taste_scale is -1"):
        function(np.zeros((3, 2)), wage_shock_scale=0.4, taste_scale=-1)


def test_double_precision_without_being_asked_for() -> None:
    """A caller who never heard of x64 gets ten digits all the same."""
    point = REFERENCES[0]
    program = f"""
import jax, numpy as np
from taskroy.models.choice import choice_probabilities, expected_wages, log_choice_probability
potential, amenity = np.array({point["potential"]}), np.array({point["amenity"]})
scales = dict(wage_shock_scale={point["wage_shock_scale"]}, taste_scale={point["taste_scale"]})
p = log_choice_probability(
    potential, {point["wage"]}, {point["occupation"]}, amenity=amenity, **scales)
assert isinstance(p, np.ndarray) and p.dtype == np.float64
assert abs(float(p) - {point["log_probability"]}) < 1e-10 * max(1, abs({point["log_probability"]}))
total = choice_probabilities(potential, **scales)
assert total.dtype == np.float64 and abs(total.sum() - 1) < 1e-10
assert expected_wages(potential, **scales).dtype == np.float64
assert not jax.config.jax_enable_x64
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
