"""Occupation prices from first principles: production, profits and simulated workers, no model."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize, root

from taskroy.models.scenario import Automation, Bargaining, Learning, Prices, Scenario, play
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters

A = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.0, 0.4, 0.6]])
LS = np.array([0.8, 0.5, 0.65])
ALPHA = A * LS[:, None]
Z, RHO, NU = 1.4, 0.3, 0.25
AMENITY = np.array([0.05, 0.0, -0.05])
SKILL = np.random.default_rng(3).normal(2.0, 0.5, (12, 3))
# Labour does the first task before, machines of log productivity Z after.
LABOUR = {"before": [0, 1, 2], "after": [1, 2]}


def log_output(o: int, when: str, log_price: float, skill: np.ndarray) -> np.ndarray:
    """Return log y at the machines that pay best, m = α·P·y/r with r = 1; skills (…, K)."""
    by_hand = LABOUR[when]
    machines = [(1 - LS[o], 0.0)]
    machines += [(ALPHA[o, k], Z) for k in range(3) if k not in by_hand and A[o, k]]
    total = share(o, when)
    done = [ALPHA[o, k] * (skill[..., k] + np.log(ALPHA[o, k] / total)) for k in by_hand if A[o, k]]
    rented = sum(a * (z + np.log(a) + log_price) for a, z in machines)
    return (sum(done) + rented) / total


def share(o: int, when: str) -> float:
    return float(ALPHA[o, LABOUR[when]].sum())


def test_a_price_moves_the_log_wage_by_one_over_the_labour_share() -> None:
    """Whoever employs the worker rents what is best for him, by numerical search."""
    o, skill = 0, SKILL[0]
    alpha = np.array([1 - LS[o], ALPHA[o, 0]])
    by_hand = sum(
        ALPHA[o, k] * (skill[k] + np.log(ALPHA[o, k] / share(o, "after"))) for k in (1, 2)
    )

    def left(log_price: float) -> float:
        def loss(log_machines: np.ndarray) -> float:
            log_y = by_hand + alpha @ (np.array([0.0, Z]) + log_machines)
            return float(np.exp(log_machines).sum() - np.exp(log_price + log_y))

        return -float(minimize(loss, [0.0, 0.0], options={"gtol": 1e-10}).fun)

    for price in (-0.2, 0.0, 0.3):
        value = price + float(log_output(o, "after", price, skill))
        assert np.log(left(price)) == pytest.approx(np.log(share(o, "after")) + value, abs=1e-8)
    change = np.log(left(0.3) / left(0.0))
    assert change == pytest.approx(0.3 / share(o, "after"), abs=1e-8)


def with_experience(wage: np.ndarray, beside: np.ndarray, returns: float) -> np.ndarray:
    """Return what is earned in each occupation, a mean over years; wages (year, …, O)."""
    place, earned = np.full(wage.shape[1:], 1 / 3), []
    for now in wage:
        # Rows: the occupation held the year before.
        paid = now[..., None, :] + returns * np.eye(3)
        worth = np.exp((paid + beside[:, None, :]) / NU)
        held = place[..., None] * worth / worth.sum(-1, keepdims=True)
        place = held.sum(-2)
        earned.append((held * np.exp(paid)).sum(-2))
    return np.mean(earned[15:], axis=0)


def simulated_prices(
    sigma: float, bargained: float, returns: float, rng: np.random.Generator
) -> np.ndarray:
    """Clear markets for what simulated workers make; taste shocks are integrated out (a logit).

    Where experience pays afterwards, workers go on choosing for 40 years, of which 25 are counted.
    """
    shock = RHO * rng.standard_normal((400, len(SKILL), 3))
    careers = RHO * rng.standard_normal((40, 60, len(SKILL), 3))

    def log_wage(when: str, price: np.ndarray) -> np.ndarray:
        made = [log_output(o, when, price[o], SKILL) for o in range(3)]
        return np.stack([np.log(share(o, when)) + price[o] + made[o] for o in range(3)], -1)

    gain = log_wage("after", np.zeros(3)) - log_wage("before", np.zeros(3))
    kept = (bargained - 1) * np.maximum(0, gain)

    def made(when: str, price: np.ndarray) -> np.ndarray:
        of_labour = np.array([share(o, when) for o in range(3)])
        beside = AMENITY + (kept if when == "after" else 0)
        if returns and when == "after":
            earned = with_experience(log_wage(when, price) + careers, beside, returns)
        else:
            wage = log_wage(when, price) + shock
            worth = np.exp((wage + beside) / NU)
            earned = worth / worth.sum(-1, keepdims=True) * np.exp(wage)
        return (earned / of_labour * np.exp(-price)).mean(0).sum(0)

    old = made("before", np.zeros(3))
    weight = (old / old.sum()) ** (1 / sigma)  # so that all prices are one before

    def excess(price: np.ndarray) -> np.ndarray:
        new, power = made("after", price), 1 - 1 / sigma
        if power == 0:
            total = np.log(old.sum()) + (old / old.sum()) @ np.log(new / old)
        else:
            total = np.log((weight * new**power).sum()) / power
        return price - np.log(weight) - (total - np.log(new)) / sigma

    found = root(excess, np.zeros(3), tol=1e-10)
    assert found.success
    return np.asarray(found.x)


@pytest.mark.parametrize(
    ("sigma", "bargained", "returns"),
    [(0.5, 1.0, 0.0), (1.0, 1.0, 0.0), (3.0, 0.6, 0.0), (0.7, 0.6, 0.3)],
)
def test_prices_are_those_of_simulated_markets(
    sigma: float, bargained: float, returns: float
) -> None:
    """Twenty simulations of 4,800 workers; beyond 5.5 standard errors, t of 19, in 4 of 10,000."""
    technology = Technology.from_task_weights(jnp.asarray(A), jnp.asarray(LS))
    steps: list[Any] = [Automation(tasks=("first",), productivity=Z)]
    steps += [Bargaining(share=bargained)] if bargained < 1 else []
    steps += [Learning(returns=returns)] if returns else []
    steps += [Prices(elasticity=sigma)]
    draw = Parameters(
        skill=SKILL,
        skill_mean=SKILL.mean(0),
        intercept=technology.intercept,
        amenity=AMENITY,
        wage_shock_scale=np.asarray(RHO),
        taste_scale=np.asarray(NU),
    )
    exposure = pd.DataFrame({"human_beta": np.zeros(3)}, index=["first", "second", "third"])
    shares = shares_of(Scenario(name="s", step=tuple(steps)), exposure)
    told = play(steps, draw, technology, jnp.asarray(shares), "occupation")[2]
    ours = np.asarray(told["log_price"])
    rng = np.random.default_rng(11)
    found = np.stack([simulated_prices(sigma, bargained, returns, rng) for _ in range(20)])
    error = found.std(0, ddof=1) / np.sqrt(len(found))
    assert np.abs(ours).max() > 20 * error.max()  # prices are told from none
    assert (np.abs(found.mean(0) - ours) < 5.5 * error).all()
