"""The long run where experience pays: against simulated careers, and its limits."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.models.choice_grid import Grid
from taskroy.models.choice_outcomes import choice_outcomes, efficiency
from taskroy.models.experience_outcomes import (
    LongRun,
    long_run,
    long_run_efficiency,
    long_run_logit,
)

GRID = Grid(nodes=72, terms=28, knots=200)
# One worker for whom one occupation is out of the question.
VALUE = np.array([[0.3, -0.5, 1.2, 0.0], [1.0, 1.1, 0.9, -6.0]])
BONUS = 1.5
NU = 0.25


def units(ratio: float, bonus: float) -> np.ndarray:
    values = (jnp.asarray(x) for x in (VALUE, ratio, NU, NU * bonus))
    return np.asarray(long_run_efficiency(*values, GRID))


def found(ratio: float, bonus: float) -> LongRun:
    if ratio == 0:
        return long_run_logit(jnp.asarray(VALUE), jnp.asarray(bonus))
    return long_run(jnp.asarray(VALUE), jnp.asarray(ratio), jnp.asarray(bonus), GRID)


@pytest.mark.parametrize("ratio", [0.4, 1.7])
def test_without_a_return_it_is_the_static_choice(ratio: float) -> None:
    static = choice_outcomes(jnp.asarray(VALUE), jnp.asarray(ratio), GRID)
    ours = found(ratio, 0.0)
    np.testing.assert_allclose(ours.probability, static.probability, rtol=1e-7)
    np.testing.assert_allclose(ours.stein, static.stein, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.worth, static.worth, atol=1e-8)
    # Who draws anew each year is where he was by chance.
    np.testing.assert_allclose(ours.stay, static.probability**2, rtol=1e-6, atol=1e-12)
    y, r, shift = (jnp.asarray(x) for x in (VALUE, ratio, ratio**2 * NU))
    np.testing.assert_allclose(units(ratio, 0.0), efficiency(y, r, shift, GRID), rtol=1e-6)


def test_with_small_wage_shocks_it_is_the_logit() -> None:
    small, logit = found(1e-3, BONUS), found(0, BONUS)
    np.testing.assert_allclose(small.probability, logit.probability, atol=2e-6)
    np.testing.assert_allclose(small.stay, logit.stay, atol=2e-6)
    np.testing.assert_allclose(small.worth, logit.worth, atol=2e-6)
    produced = logit.probability + np.expm1(BONUS * NU) * logit.stay
    np.testing.assert_allclose(units(1e-3, BONUS), produced, atol=2e-6)


def test_a_logit_without_a_return_is_the_softmax() -> None:
    share = np.exp(VALUE) / np.exp(VALUE).sum(1, keepdims=True)
    np.testing.assert_allclose(found(0, 0.0).probability, share, rtol=1e-12)


@pytest.mark.parametrize("ratio", [0, 1.7])
def test_simulated_careers_go_there(ratio: float) -> None:
    """Means over 3,000 careers, started 40 years before: a false alarm in 4,000 of a case.

    34 comparisons, within 4.5 standard errors over independent careers (7e-6 each).
    """
    careers, years, burn_in, occupations = 3000, 60, 40, VALUE.shape[1]
    rng, ours = np.random.default_rng(2), found(ratio, BONUS)._asdict()
    if ratio:
        ours["units"] = units(ratio, BONUS)
    for worker, value in enumerate(VALUE):
        last = np.full(careers, -1)
        kept: list[dict[str, Any]] = []
        for year in range(years):
            shock = rng.normal(size=(careers, occupations))
            here = np.arange(occupations) == last[:, None]
            worth = value + BONUS * here + ratio * shock + rng.gumbel(size=shock.shape)
            held = worth.argmax(1)
            member = held[:, None] == np.arange(occupations)
            if year >= burn_in:
                shares = {"probability": member, "stay": member & here}
                made = np.exp(NU * (ratio * shock + BONUS * here)) * member
                others = {"stein": shock * member, "worth": worth.max(1), "units": made}
                kept.append(shares | others)
            last = held
        scale = {"stein": ratio}
        for name in kept[0]:
            if ratio == 0 and name in ("stein", "units"):  # shocks of the worker do not choose
                continue
            each = np.mean([year[name] for year in kept], axis=0)
            error = each.std(0) / np.sqrt(careers)
            wanted = np.asarray(ours[name])[worker] * scale.get(name, 1.0)
            assert (np.abs(each.mean(0) - wanted) <= 4.5 * error + 1e-4).all(), name
