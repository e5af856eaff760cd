"""What the bias of a simulated likelihood does to estimates: the same panels, both estimators.

Each panel is simulated from the same parameters. Ours is where the likelihood with skills
integrated out is highest; the other is simulated maximum likelihood by stochastic ascent, as in
Freund and Mann (2025), with fewer and with more draws a worker. Neither has a prior.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.densities import Conditions, conditions
from taskroy.benchmarks.marginal_maximum import Sizes, flat, maximizer
from taskroy.benchmarks.panels import simulated_panel
from taskroy.inference.checkpoint import InMemory
from taskroy.inference.problem import Problem
from taskroy.inference.route_call import Call
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.simulated_mle import maximize_simulated_likelihood
from taskroy.models.settings import ModelSettings
from taskroy.progress import Silent

_SEED = 1
_PANELS, _QUICK_PANELS = 20, 1
_SIZES = {"workers": 150, "years": 10, "occupations": 6, "tasks": 3}
_QUICK_SIZES = {"workers": 20, "years": 3, "occupations": 3, "tasks": 2}
_TRUTH: dict[str, Any] = {"taste_scale": 0.26, "wage_shock_scale": 0.43}
_DRAWS, _QUICK_DRAWS = (30, 300), (4,)
_STEPS, _QUICK_STEPS = 500, 20
type _Estimator = Callable[[Conditions, dict[str, Any], Problem], dict[str, float]]


def run(effort: Effort) -> list[Row]:
    """Estimate every panel by every estimator; say bias and spread of each parameter."""
    sizes = _QUICK_SIZES if effort.quick else _SIZES
    number = _QUICK_PANELS if effort.quick else _PANELS
    draws = _QUICK_DRAWS if effort.quick else _DRAWS
    with jax.enable_x64(True):
        estimators = {"skills integrated out": _ours(sizes)} | {
            f"simulated maximum likelihood, {n:,} draws": _simulated(n, effort) for n in draws
        }
        found: dict[str, list[dict[str, float]]] = {name: [] for name in estimators}
        effort.progress.start("panels", number)
        for panel_number in range(number):
            panel, truth, table = simulated_panel(**sizes, seed=_SEED + panel_number, **_TRUTH)
            where = conditions(panel, table, ModelSettings())
            first = _first_look(where)
            for name, estimator in estimators.items():
                began = time.perf_counter()
                estimated = estimator(where, truth, first)
                found[name].append(estimated | {"seconds": time.perf_counter() - began})
            effort.progress.advance(panel_number + 1)
        effort.progress.finish()
    wanted = _named(_TRUTH["taste_scale"], _TRUTH["wage_shock_scale"], _skill_sd(truth))
    sizes = sizes | {"panels": number}
    return [_row(name, each, wanted, sizes) for name, each in found.items()]


def _first_look(where: Conditions) -> Problem:
    settings = InferenceSettings(seed=_SEED)
    key = jax.random.key(_SEED)
    call = Call(where.seen, where.settings, settings, key, Silent(), InMemory())
    return call.first_look(key)


def _ours(sizes: dict[str, int]) -> _Estimator:
    maximize = maximizer(Sizes(sizes["occupations"], sizes["tasks"]))

    def estimate(where: Conditions, truth: dict[str, Any], first: Problem) -> dict[str, float]:
        theta = maximize(where.seen, flat(truth)).theta
        tril = np.asarray(theta.skill_scale_tril)
        sd = np.sqrt(np.diag(tril @ tril.T))
        return _named(float(theta.taste_scale), float(theta.wage_shock_scale), sd)

    return estimate


def _simulated(draws: int, effort: Effort) -> _Estimator:
    steps = _QUICK_STEPS if effort.quick else _STEPS
    settings = InferenceSettings(
        method="simulated-mle", simulation_draws=draws, simulation_steps=steps, seed=_SEED
    )

    def estimate(where: Conditions, truth: dict[str, Any], first: Problem) -> dict[str, float]:
        found = maximize_simulated_likelihood(
            *(first.generative(), where.seen, first.pilot.values, where.settings, settings),
            jax.random.key(_SEED),
            Silent(),
        )
        nu, rho, sd = (
            np.asarray(found.values[name])
            for name in ("taste_scale", "wage_shock_scale", "skill_sd")
        )
        return _named(float(nu), float(rho), sd)

    return estimate


def _skill_sd(truth: dict[str, Any]) -> np.ndarray:
    return np.sqrt(np.diag(truth["skill_cov"]))


def _named(nu: float, rho: float, skill_sd: np.ndarray) -> dict[str, float]:
    return {"nu": nu, "rho": rho, "mean_skill_sd": float(np.mean(skill_sd))}


def _row(
    name: str, each: list[dict[str, float]], wanted: dict[str, float], sizes: dict[str, int]
) -> Row:
    measured = {}
    for parameter, true in wanted.items():
        values = np.array([estimated[parameter] for estimated in each])
        measured[f"bias_of_{parameter}"] = float(values.mean() - true)
        measured[f"sd_of_{parameter}"] = float(values.std())
    measured["seconds_a_panel"] = float(np.median([estimated["seconds"] for estimated in each]))
    truth = ", ".join(f"{parameter} {true:.3g}" for parameter, true in wanted.items())
    note = (
        f"truth: {truth}; seconds with compilation; ours starts at the truth, which does not "
        "decide where a maximum is, the other at the medians of a pilot, which is not timed"
    )
    return Row(name, sizes, _SEED, "float64", measured, note)
