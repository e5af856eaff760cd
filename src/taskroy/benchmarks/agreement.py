"""Do all routes to the posterior give the same one? On the default study, in posterior sds."""

from __future__ import annotations

import time
from typing import Literal

import jax
import numpy as np

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.densities import Conditions, conditions
from taskroy.benchmarks.panels import simulated_panel
from taskroy.inference.routes import sample_posterior
from taskroy.inference.settings import InferenceSettings
from taskroy.models.settings import ModelSettings
from taskroy.stages import load_data
from taskroy.study import Study

_SEED = 1
_QUICK_SIZE = {"workers": 20, "years": 3, "occupations": 3, "tasks": 2}
type _Route = Literal["nuts", "nuts-marginal", "svi"]


def run(effort: Effort) -> list[Row]:
    """Sample by each route, and compare means and sds of every parameter with the reference's."""
    with jax.enable_x64(True):
        if effort.quick:
            panel, _, table = simulated_panel(**_QUICK_SIZE, seed=_SEED)
            settings = InferenceSettings(chains=2, warmup=30, draws=30, svi_steps=50, seed=_SEED)
            model = ModelSettings(shock="worker", amenities="none", intercept="known")
        else:
            study = Study.default()
            panel, table = load_data(study)
            model, settings = study.model, study.inference
        where = conditions(panel, table, model)
        reference, seconds = _draws(where, settings, "nuts", effort)
        rows = [_row(where, "nuts, other half of the draws", *_halves(reference), seconds)]
        routes: tuple[_Route, ...] = ("nuts-marginal", "svi")
        for route in routes:
            found, seconds = _draws(where, settings, route, effort)
            rows.append(_row(where, route, found, reference, seconds))
    return rows


def _draws(
    where: Conditions, settings: InferenceSettings, route: _Route, effort: Effort
) -> tuple[np.ndarray, float]:
    """Return draws of every number of θ, (chain, draw, D), and the seconds they took."""
    began = time.perf_counter()
    # SVI draws cost next to nothing, and their noise should not be what is compared.
    number = settings.draws * (settings.chains if route == "svi" else 1)
    found = sample_posterior(
        where.economy,
        where.log_wage,
        where.occupation,
        where.settings,
        settings.model_copy(update={"method": route, "draws": number}),
        jax.random.key(_SEED),
        effort.progress,
    )
    sites = {k: v for k, v in found.sites.items() if k not in ("skill_deviation", "skill_mean")}
    flat = [sites[k].reshape(*sites[k].shape[:2], -1) for k in sorted(sites)]
    draws = np.concatenate(flat, axis=-1)
    # Upper triangles of Cholesky factors are zero, and the first entry one.
    return draws[..., draws.std((0, 1)) > 0], time.perf_counter() - began


def _halves(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half = draws.shape[1] // 2
    return draws[:, :half], draws[:, half:]


def _row(
    where: Conditions, route: str, found: np.ndarray, reference: np.ndarray, seconds: float
) -> Row:
    sd = reference.std((0, 1))
    gap = np.abs(found.mean((0, 1)) - reference.mean((0, 1))) / sd
    ratio = found.std((0, 1)) / sd
    measured = {
        "largest_gap_of_means_in_sds": float(gap.max()),
        "median_gap_of_means_in_sds": float(np.median(gap)),
        "smallest_ratio_of_sds": float(ratio.min()),
        "largest_ratio_of_sds": float(ratio.max()),
        "parameters": float(len(sd)),
        "seconds": seconds,
    }
    note = "against nuts, whose own noise is the first row; compilation included in the seconds"
    return Row(f"posterior by {route}", where.sizes, _SEED, "float64", measured, note)
