"""The technology and its automation: identities, hand-made formulas, and who gains."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taskroy.errors import ModelError
from taskroy.models.technology import Technology

O, K = 3, 4  # noqa: E741
LAWS = settings(max_examples=40, deadline=None, derandomize=True)


class Case(NamedTuple):
    """An economy and a worker."""

    technology: Technology
    intercept: np.ndarray
    skill: np.ndarray
    productivity: np.ndarray

    @property
    def alpha(self) -> np.ndarray:
        return np.asarray(self.technology.alpha)

    @property
    def wage(self) -> np.ndarray:
        """m_o, written out."""
        share = self.alpha.sum(1)
        return self.intercept + (self.alpha * self.skill).sum(1) / share


@st.composite
def cases(draw: st.DrawFn) -> Case:
    weight = st.floats(0.05, 1.0)
    weights = draw(arrays(float, (O, K), elements=weight))
    weights = weights / weights.sum(1, keepdims=True)
    labor_share = draw(arrays(float, O, elements=st.floats(0.2, 1.0)))
    level = st.floats(-3.0, 3.0, allow_subnormal=False)
    return Case(
        Technology.from_task_weights(weights, labor_share),
        draw(arrays(float, O, elements=level)),
        draw(arrays(float, K, elements=level)),
        draw(arrays(float, K, elements=level)),
    )


shares = arrays(float, K, elements=st.floats(0.0, 0.9))


@LAWS
@given(cases())
def test_task_weights_sum_to_one(case: Case) -> None:
    np.testing.assert_allclose(case.technology.task_weights.sum(1), 1.0, rtol=1e-14)


@LAWS
@given(cases())
def test_automating_nothing_changes_nothing(case: Case) -> None:
    after, intercept = case.technology.automate(np.zeros(K), case.productivity, case.intercept)
    np.testing.assert_array_equal(after.alpha, case.technology.alpha)
    np.testing.assert_array_equal(after.labor_share, case.technology.labor_share)
    np.testing.assert_array_equal(intercept, case.intercept)


@LAWS
@given(cases(), shares, shares)
def test_one_after_the_other_is_both_at_once(
    case: Case, first: np.ndarray, second: np.ndarray
) -> None:
    once, between = case.technology.automate(first, case.productivity, case.intercept)
    twice, after = once.automate(second, case.productivity, between)
    both = 1 - (1 - first) * (1 - second)
    joint, intercept = case.technology.automate(both, case.productivity, case.intercept)
    np.testing.assert_allclose(twice.alpha, joint.alpha, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(twice.labor_share, joint.labor_share, rtol=1e-12)
    np.testing.assert_allclose(after, intercept, rtol=1e-12, atol=1e-12)


@LAWS
@given(cases(), shares)
def test_a_worker_gains_by_what_machines_beat_him(case: Case, share: np.ndarray) -> None:
    # LS'·Δm = Σ_τ φ_τ α_τ (z_τ + m − s_τ): who is worth as much as the machine is indifferent.
    after, intercept = case.technology.automate(share, case.productivity, case.intercept)
    change = np.asarray(intercept + after.task_weights @ case.skill) - case.wage
    edge = case.productivity + case.wage[:, None] - case.skill
    expected = (share * case.alpha * edge).sum(1)
    np.testing.assert_allclose(after.labor_share * change, expected, rtol=1e-11, atol=1e-12)


@LAWS
@given(cases(), st.integers(0, K - 1), st.integers(0, O - 1))
def test_the_worker_at_the_threshold_is_indifferent(case: Case, task: int, occupation: int) -> None:
    productivity = case.productivity.copy()
    productivity[task] = case.skill[task] - case.wage[occupation]
    after, intercept = case.technology.automate(np.eye(K)[task], productivity, case.intercept)
    wage = np.asarray(intercept + after.task_weights @ case.skill)
    np.testing.assert_allclose(wage[occupation], case.wage[occupation], rtol=1e-11, atol=1e-12)
    assert (np.asarray(after.task_weights)[:, task] == 0).all()


@LAWS
@given(cases())
def test_intercept_by_hand(case: Case) -> None:
    # μ_o = Σ over labour tasks and the composite machine of (α/LS)·log α, with z = log r.
    by_hand = []
    for alpha in case.alpha:
        labor_share = alpha.sum()
        machine = 1 - labor_share
        terms = [*alpha, machine] if machine > 1e-12 else [*alpha]
        by_hand.append(sum(a * np.log(a) for a in terms) / labor_share)
    np.testing.assert_allclose(case.technology.intercept, by_hand, rtol=1e-9, atol=1e-9)


def test_tasks_that_an_occupation_never_does() -> None:
    technology = Technology(np.array([[0.5, 0.0], [0.2, 0.4]]), np.array([0.5, 0.6]))
    expected = [np.log(0.5) * 2, (0.2 * np.log(0.2) + 0.8 * np.log(0.4)) / 0.6]
    np.testing.assert_allclose(technology.intercept, expected)
    gradient = jax.grad(
        lambda a: Technology.from_task_weights(a, technology.labor_share).intercept.sum()
    )(technology.task_weights)
    assert np.isfinite(gradient).all()


def test_without_labour_there_is_no_wage() -> None:
    technology = Technology(
        np.array([[0.3, 0.3], [0.0, 0.7], [0.4, 0.2]]), np.array([0.6, 0.7, 0.6])
    )
    with pytest.raises(ModelError, match=r"occupation 1: .*without labour(.|\n)*To do: automate"):
        technology.automate(np.array([0.0, 1.0]), np.zeros(2), np.zeros(3))


@pytest.mark.parametrize("share", [[-0.1, 0.0], [0.0, 1.1], [np.nan, 0.0]])
def test_shares_outside_the_unit_interval_are_refused(share: list[float]) -> None:
    technology = Technology(np.array([[0.3, 0.3]]), np.array([0.6]))
    with pytest.raises(ModelError, match=r"shares in \[0, 1\]"):
        technology.automate(np.array(share), np.zeros(2), np.zeros(1))


@pytest.mark.parametrize(
    ("alpha", "labor_share", "message"),
    [
        (
            [[0.3, 0.3], [0.5, 0.1]],
            [0.6, 0.5],
            r"occupation 1: .*sum to 0.6, the labour share is 0.5",
        ),
        ([[0.7, -0.1], [0.5, 0.1]], [0.6, 0.6], r"occupation 0: .*\n.*none negative"),
        ([[0.0, 0.0], [0.5, 0.1]], [0.0, 0.6], r"occupation 0: .*labour share is 0"),
        ([[0.6, 0.6], [0.5, 0.1]], [1.2, 0.6], r"occupation 0: .*labour share is 1.2"),
        ([[np.nan, 0.6], [0.5, 0.1]], [0.6, 0.6], r"occupation 0"),
        ([[0.5, 0.1]], [[0.6]], r"labor_share \(1, 1\)"),
        ([[0.5, 0.1]], [0.6, 0.6], r"labor_share \(2,\)"),
        ([0.5, 0.1], [0.6], r"alpha has shape \(2,\)"),
    ],
)
def test_impossible_technologies_are_refused(
    alpha: list[list[float]], labor_share: list[float], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        Technology(np.array(alpha), np.array(labor_share))


def test_task_weights_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ModelError, match=r"sum to 0\.54, the labour share is 0\.6"):
        Technology.from_task_weights(np.array([[0.5, 0.4]]), np.array([0.6]))


def test_jit_and_vmap(small_technology: Technology) -> None:
    share = np.array([0.1, 0.0, 0.5])

    def after(technology: Technology, productivity: jax.Array) -> tuple[jax.Array, jax.Array]:
        changed, intercept = technology.automate(share, productivity, technology.intercept)
        return changed.task_weights, intercept

    productivity = jnp.linspace(-1.0, 1.0, 6).reshape(2, 3)
    many = jax.jit(jax.vmap(after, in_axes=(None, 0)))(small_technology, productivity)
    for i in range(2):
        weights, intercept = after(small_technology, productivity[i])
        np.testing.assert_allclose(many[0][i], weights, rtol=1e-14)
        np.testing.assert_allclose(many[1][i], intercept, rtol=1e-13)


@pytest.mark.parametrize(
    "shapes",
    [((3, 1), (3,), (4,)), ((3,), (3, 1), (4,)), ((3,), (3,), (4, 1)), ((3,), (3,), (3,))],
    ids=str,
)
def test_shapes_that_do_not_fit_are_refused(
    shapes: tuple[tuple[int, ...], ...], small_technology: Technology
) -> None:
    share, productivity, intercept = (np.zeros(shape) for shape in shapes)
    with pytest.raises(ModelError, match="shapes"):
        small_technology.automate(share, productivity, intercept)
