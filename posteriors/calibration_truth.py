"""Every calibrated quantity at the truth, in plain NumPy: no code is shared with the model.

Where shocks are by occupation, what is compared across occupations is w_o + κ_o + ν·u_o, a sum of a
normal and a Gumbel variable. Its distribution function F is tabulated, and choices follow by
integrals over the best offer y, on a grid::

    P(o)          = ∫ f(y − v_o)·Π_{j≠o} F(y − v_j) dy,   v = m + κ
    E[ε_o·1(o)]   = ∫ h(y − v_o)·Π_{j≠o} F(y − v_j) dy,   h(x) = E[ε·f(x | ε)]
    P(o | w)      = ∫ g(u)·Π_{j≠o} F(w + κ_o + ν·u − v_j) du

The model integrates otherwise (model.md, section 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from taskroy.posteriors.calibration_simulator import Careers, Setting, Truth

_SHOCKS = np.linspace(-8.0, 8.0, 201)
_SHOCK_WEIGHTS = np.exp(-0.5 * _SHOCKS**2) / np.exp(-0.5 * _SHOCKS**2).sum()
_TABLE, _OFFERS, _TASTES = 1500, 500, np.linspace(-4.5, 28.0, 326)


class Choices(NamedTuple):
    """Of each worker before shocks are seen: P(o), E[w·1(o)], and E[max_o (w + κ + u)]."""

    probability: Float[np.ndarray, "N O"]
    earned: Float[np.ndarray, "N O"]
    welfare: Float[np.ndarray, " N"]


def true_quantities(
    setting: Setting, truth: Truth, careers: Careers, model: Mapping[str, Any]
) -> dict[str, Float[np.ndarray, "..."]]:
    """Return every calibrated quantity at the truth, by name; arrays where there are several.

    Parameters
    ----------
    setting, truth, careers
        What is known, what was drawn, and what was seen.
    model
        Variant, as for `simulate`: what it holds fixed is left out.
    """
    shock, fixed = model["shock"], set()
    if model["intercept"] == "known":
        fixed.add("intercept")
    if model["amenities"] == "none":
        fixed.add("amenity")
    sd = np.sqrt(np.diag(truth.skill_cov))
    lower = np.tril_indices(len(sd), -1)
    parameters = {
        "wage_shock_scale": truth.wage_shock_scale,
        "taste_scale": truth.taste_scale,
        **truth.scales,
        "mean_potential": truth.intercept + setting.task_weights @ truth.skill_mean,
        "intercept": truth.intercept,
        "amenity": truth.amenity,
        "skill_mean": truth.skill_mean,
        "skill_sd": sd,
        "skill_corr": (truth.skill_cov / np.outer(sd, sd))[lower],
        "coefficient": truth.coefficient,
    }
    return {
        **{k: np.asarray(v) for k, v in parameters.items() if k not in fixed},
        "skill_of_first": truth.skill[0],
        "log_likelihood": np.asarray(_log_likelihood(setting, truth, careers, shock)),
        **_scenario(setting, truth, shock),
    }


class _Offers:
    """The distribution of ϱε + νu, a normal and a Gumbel shock together, tabulated."""

    def __init__(self, rho: float, nu: float) -> None:
        self.low, self.high = -8 * rho - 4.5 * nu, 8 * rho + 30 * nu
        x = np.linspace(self.low, self.high, _TABLE)
        shock = rho * _SHOCKS
        left = np.exp(-(x[:, None] - shock) / nu)
        below = np.exp(-left)
        density = left * below / nu
        self._below = CubicSpline(x, below @ _SHOCK_WEIGHTS)
        self._density = CubicSpline(x, density @ _SHOCK_WEIGHTS)
        self._shock_density = CubicSpline(x, (density * shock) @ _SHOCK_WEIGHTS)

    def below(self, x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return F(x)."""
        return np.clip(self._below(np.clip(x, self.low, self.high)), 0.0, 1.0)

    def density(self, x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return f(x)."""
        return self._density(np.clip(x, self.low, self.high))

    def shock_density(self, x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return h(x)."""
        return self._shock_density(np.clip(x, self.low, self.high))


def _log_likelihood(setting: Setting, truth: Truth, careers: Careers, shock: str) -> float:
    """Log density of wages and choices, given parameters and skills."""
    worker, year = np.nonzero(setting.observed)
    held, wage = careers.occupation[worker, year], careers.log_wage[worker, year]
    common = (setting.design @ truth.coefficient)[worker, year]
    potential = (truth.intercept + truth.skill @ setting.task_weights.T)[worker]
    rows = np.arange(len(held))
    gap = (wage - common - potential[rows, held]) / truth.wage_shock_scale
    total = -0.5 * gap**2 - np.log(truth.wage_shock_scale * np.sqrt(2 * np.pi))
    worth, nu = potential + truth.amenity, truth.taste_scale
    if shock == "worker":
        chance = _logit(worth, nu)[rows, held]
    else:
        u = _TASTES
        gumbel = np.exp(-u - np.exp(-u))
        best = (wage - common + truth.amenity[held])[:, None] + nu * u
        others = _Offers(truth.wage_shock_scale, nu).below(best[..., None] - worth[:, None])
        others[rows, :, held] = 1.0
        chance = np.trapezoid(gumbel * others.prod(-1), u, axis=1)
    return float((total + np.log(chance)).sum())


def _scenario(setting: Setting, truth: Truth, shock: str) -> dict[str, Float[np.ndarray, "..."]]:
    """Effects of automation where the mean incumbent of each task is indifferent to it."""
    alpha, phi = setting.task_weights * setting.labor_share[:, None], setting.automated
    mu, skill = truth.intercept, truth.skill
    potential = mu + skill @ setting.task_weights.T
    before = _choices(potential, truth, shock)

    kept = setting.labor_share - alpha @ phi
    weight = np.einsum("no,ok->nok", before.probability, alpha / kept[:, None])
    gap = skill[:, None, :] - potential[:, :, None]
    machine = (weight * gap).sum((0, 1)) / weight.sum((0, 1))

    moved = alpha * phi
    weights = (alpha - moved) / kept[:, None]
    intercept = setting.labor_share / kept * mu + moved @ machine / kept
    after = _choices(intercept + skill @ weights.T, truth, shock)
    change = (after.earned - before.earned).sum(1)
    return {
        "winners": np.asarray((change > 0).mean()),
        "mean_change": np.asarray(change.mean()),
        "welfare_change": np.asarray((after.welfare - before.welfare).mean()),
        "employment_after": after.probability.mean(0),
        "log_wage_change": _mean_wage(after) - _mean_wage(before),
    }


def _mean_wage(choices: Choices) -> Float[np.ndarray, " O"]:
    """Mean log wage of those who hold each occupation."""
    return choices.earned.sum(0) / choices.probability.sum(0)


def _choices(potential: Float[np.ndarray, "N O"], truth: Truth, shock: str) -> Choices:
    worth, nu, rho = potential + truth.amenity, truth.taste_scale, truth.wage_shock_scale
    if shock == "worker":
        chance = _logit(worth, nu)
        best = worth.max(1)
        total = np.exp((worth - best[:, None]) / nu).sum(1)
        return Choices(chance, chance * potential, best + nu * (np.log(total) + np.euler_gamma))
    offers = _Offers(rho, nu)
    low, high = worth.min() + offers.low, worth.max() + offers.high
    y = np.linspace(low, high, _OFFERS)
    gap = y[:, None, None] - worth
    below = offers.below(gap)
    others = np.stack([np.delete(below, o, axis=2).prod(2) for o in range(worth.shape[1])], axis=2)
    chance = np.trapezoid(offers.density(gap) * others, y, axis=0)
    shocks = np.trapezoid(offers.shock_density(gap) * others, y, axis=0)
    welfare = high - np.trapezoid(below.prod(2), y, axis=0)
    return Choices(chance, chance * potential + shocks, welfare)


def _logit(worth: Float[np.ndarray, "N O"], nu: float) -> Float[np.ndarray, "N O"]:
    odds = np.exp((worth - worth.max(1, keepdims=True)) / nu)
    return odds / odds.sum(1, keepdims=True)
