"""Effective draws of θ a second: unseen wages sampled, skills whitened, skills integrated out.

On a small simulated panel, and on that of the default study. Where PyMC is installed (``pip install
taskroy[bench]``), its NUTS on the first of these ways, too, on the small panel.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from typing import Literal

import arviz_stats
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from numpyro.infer import MCMC, NUTS
from numpyro.infer.initialization import init_to_value

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.densities import Conditions, conditions
from taskroy.benchmarks.panels import simulated_panel
from taskroy.benchmarks.plain_model import plain
from taskroy.data.panel import Panel
from taskroy.data.task_table import TaskTable
from taskroy.inference.pilot import FIRST_GRID, starting_values
from taskroy.inference.routes import sample_posterior
from taskroy.inference.settings import InferenceSettings
from taskroy.models.roy import roy_model
from taskroy.models.settings import ModelSettings
from taskroy.stages import load_data
from taskroy.study import Study

_SEED = 1
_SIZE = {"workers": 150, "years": 8, "occupations": 6, "tasks": 3}
_QUICK_SIZE = {"workers": 30, "years": 4, "occupations": 3, "tasks": 2}
_FULL, _QUICK = (300, 600), (20, 50)
# PyMC's warm-up counts against the limit, so PyMC is run on the small panel alone.
_SIMULATED = "simulated"
# Acceptance wanted of all: the usual one.
_ACCEPTANCE = 0.8
# Seconds after which a plain model is drawn from no longer (NumPyro's: once it is warm), and draws
# between two looks at the clock.
_LIMIT, _BLOCK = 240.0, 100
#: What is compared: the parameters that every way samples, (chain, draw, …).
_PARAMETERS = (
    *("wage_shock_scale", "taste_scale", "mean_potential", "amenity", "amenity_scale"),
    *("intercept_scale", "skill_sd", "coefficient"),
)


def run(effort: Effort) -> Iterator[Row]:
    """Sample in each way, one chain, the same warm-up and acceptance wanted."""
    warmup, draws = _QUICK if effort.quick else _FULL
    note = "compilation, pilot and warm-up included in the seconds; gradients of kept draws only"
    for name, panel, table in _panels(effort):
        with jax.enable_x64(True):
            where = conditions(panel, table, ModelSettings())
            found = {
                "unseen wages sampled": _plainly(where, warmup, draws),
                **(_by_pymc(where, warmup, draws) if name == _SIMULATED else {}),
                "skills whitened": _by_route(where, "nuts", warmup, draws, effort),
                "skills integrated out": _by_route(where, "nuts-marginal", warmup, draws, effort),
            }
        plain = found["unseen wages sampled"]["least_effective_per_second"]
        for what, measured in found.items():
            times = {"times_plain": measured["least_effective_per_second"] / plain}
            label = f"{name}: NUTS, {what}"
            yield Row(label, where.sizes, _SEED, "float64", measured | times, note)


def _panels(effort: Effort) -> Iterator[tuple[str, Panel, TaskTable]]:
    size = _QUICK_SIZE if effort.quick else _SIZE
    panel, _, table = simulated_panel(**size, seed=_SEED)
    yield _SIMULATED, panel, table
    if not effort.quick:
        yield "default study", *load_data(Study.default())


def _plainly(where: Conditions, warmup: int, draws: int) -> dict[str, float]:
    model = partial(
        roy_model,
        where.economy,
        where.settings,
        FIRST_GRID,
        log_wage=where.log_wage,
        occupation=where.occupation,
    )
    start = starting_values(where.economy, where.settings)
    shape = (*where.log_wage.shape, start["mean_potential"].shape[0])
    start |= {"skill_standard": jnp.zeros_like(start.pop("skill_whitened"))}
    start |= {"shock": jnp.zeros(shape)}
    kernel = NUTS(
        plain(model),
        init_strategy=init_to_value(values=start),
        max_tree_depth=10,
        target_accept_prob=_ACCEPTANCE,
    )
    block = min(_BLOCK, draws)
    sampler = MCMC(kernel, num_warmup=warmup, num_samples=block, progress_bar=False)
    fields = ("num_steps", "diverging")
    began = time.perf_counter()
    sampler.run(jax.random.key(_SEED), extra_fields=fields)
    kept, warm = [_kept(sampler)], time.perf_counter()
    while len(kept) * block < draws and time.perf_counter() - warm < _LIMIT:
        sampler.post_warmup_state = sampler.last_state
        sampler.run(sampler.last_state.rng_key, extra_fields=fields)
        kept.append(_kept(sampler))
    elapsed = time.perf_counter() - began
    sites = {k: np.concatenate([part[k] for part in kept], axis=1) for k in kept[0]}
    steps, diverging = sites.pop("num_steps"), sites.pop("diverging")
    return _summary(sites, steps, diverging, elapsed)


def _by_pymc(where: Conditions, warmup: int, draws: int) -> dict[str, dict[str, float]]:
    """Return the row of PyMC, where it is installed."""
    if find_spec("pymc") is None:
        return {}
    from taskroy.benchmarks.pymc_model import sample_by_pymc

    began = time.perf_counter()
    found = sample_by_pymc(where, _PARAMETERS, warmup, draws, _LIMIT, _SEED)
    return {"unseen wages sampled, PyMC": _summary(*found, time.perf_counter() - began)}


def _kept(sampler: MCMC) -> dict[str, np.ndarray]:
    sites = sampler.get_samples(group_by_chain=True)
    some = {k: np.asarray(v) for k, v in sites.items() if k in _PARAMETERS}
    fields = sampler.get_extra_fields(group_by_chain=True)
    return some | {k: np.asarray(v) for k, v in fields.items() if k in ("num_steps", "diverging")}


def _by_route(
    where: Conditions,
    method: Literal["nuts", "nuts-marginal"],
    warmup: int,
    draws: int,
    effort: Effort,
) -> dict[str, float]:
    settings = InferenceSettings(
        method=method,
        chains=1,
        warmup=warmup,
        draws=draws,
        target_accept=_ACCEPTANCE,
        seed=_SEED,
    )
    began = time.perf_counter()
    found = sample_posterior(
        where.economy,
        where.log_wage,
        where.occupation,
        where.settings,
        settings,
        jax.random.key(_SEED),
        effort.progress,
    )
    elapsed = time.perf_counter() - began
    sites = {k: v for k, v in found.sites.items() if k in _PARAMETERS}
    return _summary(sites, found.statistics["n_steps"], found.statistics["diverging"], elapsed)


def _summary(
    sites: dict[str, np.ndarray], steps: np.ndarray, diverging: np.ndarray, elapsed: float
) -> dict[str, float]:
    sizes = {
        name: xr.DataArray(v, dims=("chain", "draw", *(f"d{i}" for i in range(v.ndim - 2))))
        for name, v in sites.items()
    }
    effective = np.concatenate(
        [np.ravel(arviz_stats.ess(v, method="bulk")) for v in sizes.values()]
    )
    least, median = float(effective.min()), float(np.median(effective))
    gradients = float(np.sum(steps))
    return {
        "draws": float(steps.shape[1]),
        "least_effective": least,
        "median_effective": median,
        "seconds": elapsed,
        "least_effective_per_second": least / elapsed,
        "least_effective_per_1000_gradients": 1000 * least / gradients,
        "median_effective_per_1000_gradients": 1000 * median / gradients,
        "steps_per_draw": gradients / steps.size,
        "divergences": float(np.sum(diverging)),
    }
