"""Machines and returns to experience, against careers simulated year by year in plain NumPy."""

from __future__ import annotations

import jax
import numpy as np

from taskroy.models.scenario import Automation, Learning
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.effects import effects

A = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
LS = np.array([0.6, 0.7, 0.5])
SHARE, Z, RHO, NU, RETURNS = np.array([0.5, 0.1, 0.0]), 1.5, 0.3, 0.25, 0.3
WORKERS, CAREERS, YEARS, BURN_IN = 8, 4000, 50, 35
SKILL = np.random.default_rng(8).normal(2.0, 0.4, (WORKERS, 3))
INTERCEPT, AMENITY = np.array([0.1, 0.0, -0.1]), np.array([0.05, 0.0, -0.05])


def simulated(
    wages: np.ndarray, returns: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return years in and wages from each occupation, (careers, O), all workers together."""
    years, earned = np.zeros((2, CAREERS, 3))
    for wage in wages:
        last = np.full(CAREERS, -1)
        for year in range(YEARS):
            paid = wage + returns * (np.arange(3) == last[:, None])
            paid = paid + RHO * rng.standard_normal(paid.shape)
            last = (paid + AMENITY + NU * rng.gumbel(size=paid.shape)).argmax(1)
            if year >= BURN_IN:
                held = last[:, None] == np.arange(3)
                years, earned = years + held, earned + held * paid
    return years, earned


def mean_wage(years: np.ndarray, earned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean log wages by occupation and their standard errors, over independent careers."""
    mean = earned.sum(0) / years.sum(0)
    return mean, (earned - mean * years).std(0) / np.sqrt(CAREERS) / years.mean(0)


def test_employment_and_wages_are_those_of_simulated_careers() -> None:
    """Six numbers within 4.5 standard errors (7e-6 each): a false alarm once in 20,000 seeds."""
    draw = Parameters(
        skill=SKILL,
        skill_mean=SKILL.mean(0),
        intercept=INTERCEPT,
        amenity=AMENITY,
        wage_shock_scale=np.array(RHO),
        taste_scale=np.array(NU),
    )
    steps = (Automation(productivity=Z), Learning(returns=RETURNS))
    shares = np.stack([SHARE, np.zeros(3)])
    with jax.enable_x64(True):
        technology = Technology.from_task_weights(A, LS)
        found = effects(draw, steps, technology, shares, shock="occupation")
    left = 1 - A @ SHARE  # LS'/LS
    after = A * (1 - SHARE) / left[:, None]
    intercept = (INTERCEPT + A @ SHARE * Z) / left

    rng = np.random.default_rng(5)
    old = mean_wage(*simulated(INTERCEPT + SKILL @ A.T, 0.0, rng))
    years, earned = simulated(intercept + SKILL @ after.T, RETURNS, rng)
    new = mean_wage(years, earned)
    change = np.asarray(found["log_wage_change"])
    assert (np.abs(new[0] - old[0] - change) < 4.5 * np.hypot(new[1], old[1])).all()
    share = years / (WORKERS * (YEARS - BURN_IN))
    error = share.std(0) / np.sqrt(CAREERS)
    employment = np.asarray(found["employment_after"])
    assert (np.abs(share.mean(0) - employment) < 4.5 * error).all()
    # What experience pays is not lost in the noise.
    assert np.abs(employment - np.asarray(found["employment_before"])).max() > 50 * error.max()
