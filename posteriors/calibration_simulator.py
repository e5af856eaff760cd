"""A simulator for calibration, in plain NumPy: parameters from the prior, then workers' careers.

It is written from the equations (model.md, sections 1, 2 and 5) and shares no code with the model:
settings come as plain numbers, and each distribution is drawn in a way of its own. Worker i in
occupation o and year t::

    s_i   = s̄ + L·e_i,  Σ = LLᵀ,  e ~ N(0, I)
    w_iot = μ_o + A_o·s_i + x_it·β + ε_iot,  ε ~ N(0, ϱ²), by occupation or by worker
    held  = argmax_o (w_iot + κ_o + ν·Gumbel_iot)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

_WEIGHTS = ((0.8, 0.2), (0.55, 0.45), (0.3, 0.7), (0.1, 0.9))
_LABOR_SHARE = (0.7, 0.6, 0.65, 0.6)
_AUTOMATED = (0.1, 0.4)
_WAGE_LEVEL = 2.5
# Of what all data sets share; their own random numbers have the seed of the run.
_SEED, _SEEN = 20261122, 0.9


@dataclass(frozen=True)
class Setting:
    """What all data sets share, known to simulator and model alike.

    Attributes
    ----------
    task_weights, labor_share
        A_oτ (O, K), rows sum to one, and LS_o (O,).
    design, observed
        Covariates x_it (N, T, P), and who is seen when (N, T).
    wage_level
        Around which the prior centres mean potential wages, log-wage units.
    automated
        φ_τ, the share of each task that the scenario automates, (K,).
    """

    task_weights: Float[np.ndarray, "O K"]
    labor_share: Float[np.ndarray, " O"]
    design: Float[np.ndarray, "N T P"]
    observed: Bool[np.ndarray, "N T"]
    wage_level: float
    automated: Float[np.ndarray, " K"]


def small_setting(workers: int, years: int) -> Setting:
    """Return four occupations of two tasks, one covariate, and a tenth of worker-years unseen."""
    rng = np.random.default_rng(_SEED)
    design = rng.normal(size=(workers, years, 1))
    observed = rng.random((workers, years)) < _SEEN
    observed[np.arange(workers), rng.integers(years, size=workers)] = True
    return Setting(
        np.array(_WEIGHTS),
        np.array(_LABOR_SHARE),
        design,
        observed,
        _WAGE_LEVEL,
        np.array(_AUTOMATED),
    )


class Truth(NamedTuple):
    """Parameters drawn from the prior, and each worker's skills; names as in model.md's table.

    ``scales`` are those of levels, by name, where the variant of the model has them.
    """

    wage_shock_scale: float
    taste_scale: float
    skill_mean: Float[np.ndarray, " K"]
    skill_cov: Float[np.ndarray, "K K"]
    intercept: Float[np.ndarray, " O"]
    amenity: Float[np.ndarray, " O"]
    coefficient: Float[np.ndarray, " P"]
    skill: Float[np.ndarray, "N K"]
    scales: Mapping[str, float]


class Careers(NamedTuple):
    """Log wages and occupations held, (N, T); where a worker is not seen they mean nothing."""

    log_wage: Float[np.ndarray, "N T"]
    occupation: Int[np.ndarray, "N T"]


def simulate(
    setting: Setting, model: Mapping[str, Any], rng: np.random.Generator
) -> tuple[Truth, Careers]:
    """Draw parameters from the prior, workers' skills, and their careers.

    Parameters
    ----------
    setting
        What is known.
    model
        Variant and numbers of the priors, by name as in the ``[model]`` part of a study.
    rng
        Random numbers.
    """
    truth = _draw_truth(setting, model, rng)
    return truth, _draw_careers(setting, truth, model["shock"], rng)


def known_intercept(setting: Setting) -> Float[np.ndarray, " O"]:
    """Return Σ_τ (α_oτ/LS_o)·log α_oτ over all tasks, that of the machines included."""
    share = setting.labor_share[:, None]
    alpha = np.concatenate([setting.task_weights * share, 1 - share], axis=1)
    logs = np.log(np.where(alpha > 0, alpha, 1.0))
    return (alpha * logs).sum(1) / setting.labor_share


def _draw_truth(setting: Setting, model: Mapping[str, Any], rng: np.random.Generator) -> Truth:
    priors, scales = model["priors"], dict[str, float]()
    tasks = setting.task_weights.shape[1]
    level = setting.wage_level - known_intercept(setting).mean()
    skill_mean = level + priors["skill_mean"]["sd"] * rng.standard_normal(tasks)
    intercept = _draw_intercept(setting, model, scales, rng)
    amenity = _draw_amenity(len(intercept), model, scales, rng)
    skill_cov = _draw_covariance(tasks, model, scales, rng)
    workers = len(setting.observed)
    values, vectors = np.linalg.eigh(skill_cov)
    root = vectors * np.sqrt(values)
    return Truth(
        _log_normal(priors["wage_shock_scale"], rng),
        _log_normal(priors["taste_scale"], rng),
        skill_mean,
        skill_cov,
        intercept,
        amenity,
        priors["coefficient"]["sd"] * rng.standard_normal(setting.design.shape[-1]),
        skill_mean + rng.standard_normal((workers, tasks)) @ root.T,
        scales,
    )


def _draw_intercept(
    setting: Setting, model: Mapping[str, Any], scales: dict[str, float], rng: np.random.Generator
) -> Float[np.ndarray, " O"]:
    known, priors, weights = known_intercept(setting), model["priors"], setting.task_weights
    if model["intercept"] == "known":
        return known
    scales["intercept_scale"] = scale = _half_normal(priors["intercept_scale"], rng)
    noise = scale * rng.standard_normal(len(known))
    if model["intercept"] == "pooled":
        return known + priors["intercept_constant"]["sd"] * rng.standard_normal() + noise
    return noise - weights @ np.linalg.lstsq(weights, noise)[0]  # what the weights do not explain


def _draw_amenity(
    occupations: int, model: Mapping[str, Any], scales: dict[str, float], rng: np.random.Generator
) -> Float[np.ndarray, " O"]:
    if model["amenities"] == "none":
        return np.zeros(occupations)
    scales["amenity_scale"] = scale = _half_normal(model["priors"]["amenity_scale"], rng)
    value = scale * rng.standard_normal(occupations)
    return value - value.mean()


def _draw_covariance(
    tasks: int, model: Mapping[str, Any], scales: dict[str, float], rng: np.random.Generator
) -> Float[np.ndarray, "K K"]:
    priors = model["priors"]
    sd = np.array([_log_normal(priors["skill_sd"], rng) for _ in range(tasks)])
    if model["covariance"] == "lkj":
        return _draw_correlation(tasks, priors["skill_corr"]["concentration"], rng) * np.outer(
            sd, sd
        )
    scales["loading_scale"] = _half_normal(priors["loading_scale"], rng)
    covariance = np.diag(sd**2)
    for _ in range(model["factors"]):
        size = scales["loading_scale"] / math.sqrt(model["factors"])
        loading = size * rng.standard_normal(tasks)
        covariance += np.outer(loading, loading)
    return covariance


def _draw_correlation(
    tasks: int, concentration: float, rng: np.random.Generator
) -> Float[np.ndarray, "K K"]:
    """Draw from LKJ by partial correlations (Lewandowski, Kurowicka and Joe 2009, section 2.4)."""
    partial, whole = np.zeros((tasks, tasks)), np.eye(tasks)
    beta = concentration + (tasks - 1) / 2
    for k in range(tasks - 1):
        beta -= 0.5
        for i in range(k + 1, tasks):
            value = partial[k, i] = 2 * rng.beta(beta, beta) - 1
            for j in range(k - 1, -1, -1):
                a, b = partial[j, i], partial[j, k]
                value = value * np.sqrt((1 - a**2) * (1 - b**2)) + a * b
            whole[k, i] = whole[i, k] = value
    return whole


def _draw_careers(setting: Setting, truth: Truth, shock: str, rng: np.random.Generator) -> Careers:
    potential = truth.intercept + truth.skill @ setting.task_weights.T
    common = setting.design @ truth.coefficient
    shape = (*common.shape, len(truth.intercept))
    shocks = rng.standard_normal(shape if shock == "occupation" else (*common.shape, 1))
    wage = potential[:, None] + common[..., None] + truth.wage_shock_scale * shocks
    taste = -np.log(rng.exponential(size=shape))  # minus the log of an exponential is Gumbel's
    held = np.argmax(wage + truth.amenity + truth.taste_scale * taste, axis=-1)
    paid = np.take_along_axis(wage, held[..., None], axis=-1)[..., 0]
    # Nobody may look at what was not seen: what stands there is absurd.
    return Careers(
        np.where(setting.observed, paid, 7.0), np.where(setting.observed, held, 0).astype(np.int32)
    )


def _log_normal(prior: Mapping[str, float], rng: np.random.Generator) -> float:
    return float(prior["median"] * np.exp(prior["log_sd"] * rng.standard_normal()))


def _half_normal(prior: Mapping[str, float], rng: np.random.Generator) -> float:
    return float(prior["scale"] * abs(rng.standard_normal()))
