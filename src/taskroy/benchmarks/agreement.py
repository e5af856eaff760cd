"""Do all routes to the posterior give the same one? On three panels, in posterior sds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.panels import simulated_panel
from taskroy.data.panel import Panel
from taskroy.data.task_table import TaskTable
from taskroy.inference.settings import InferenceSettings
from taskroy.models.scenario import Automation, Scenario
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.counterfactual import counterfactual
from taskroy.posteriors.fit import fit
from taskroy.stages import load_data
from taskroy.study import Study

_SEED = 1
_SMALL = {"workers": 120, "years": 8, "occupations": 6, "tasks": 3}
_QUICK_SIZE = {"workers": 20, "years": 3, "occupations": 3, "tasks": 2}
#: Simulated panels: the published estimates, and choices that wages all but decide.
_PUBLISHED = "ν 0.26, ϱ 0.43"
_TRUTHS: dict[str, dict[str, Any]] = {
    _PUBLISHED: {"taste_scale": 0.26, "wage_shock_scale": 0.43},
    "ν 0.08, ϱ 0.30": {"taste_scale": 0.08, "wage_shock_scale": 0.30},
}
_HEADLINE = ("winners", "mean_change")
# Of more than about a thousand draws the noise of a mean is small beside what is compared.
_DRAWS = 3200
type _Route = Literal["nuts", "nuts-marginal", "svi"]
_ALL: tuple[_Route, ...] = ("nuts-marginal", "svi")


class _Case(NamedTuple):
    name: str
    panel: Panel
    tasks: TaskTable
    model: ModelSettings
    inference: InferenceSettings
    scenario: Sequence[Automation | Scenario]
    routes: tuple[_Route, ...] = ("svi",)


def run(effort: Effort) -> Iterator[Row]:
    """Sample by each route, and compare each number of θ, and the headline, with ``nuts``."""
    for case in _cases(effort):
        reference, seconds = _numbers(case, "nuts", effort)
        half = reference.sizes["draw"] // 2
        first, second = (reference.isel(draw=s) for s in (slice(half), slice(half, None)))
        yield _row(case, "nuts, one half of the draws against the other", first, second, {})
        for route in case.routes:
            found, took = _numbers(case, route, effort)
            time_spent = {"seconds": took, "seconds_of_nuts": seconds}
            yield _row(case, f"{route} against nuts", found, reference, time_spent)


def _cases(effort: Effort) -> Iterator[_Case]:
    if effort.quick:
        inference = InferenceSettings(chains=2, warmup=30, draws=30, svi_steps=50, seed=_SEED)
        model = ModelSettings(shock="worker", amenities="none", intercept="known")
        panel, _, table = simulated_panel(**_QUICK_SIZE, seed=_SEED)
        yield _Case("simulated", panel, table, model, inference, (Automation(),), _ALL)
        return
    study = Study.default()
    panel, table = load_data(study)
    yield _Case("default study", panel, table, study.model, study.inference, study.scenario)
    for name, truth in _TRUTHS.items():
        panel, _, table = simulated_panel(**_SMALL, seed=_SEED, **truth)
        yield _Case(
            f"simulated, {name}",
            *(panel, table, ModelSettings(), study.inference),
            (Automation(exposure="human_beta"),),
            # On the default study it takes an hour.
            _ALL if name == _PUBLISHED else ("svi",),
        )


def _numbers(case: _Case, route: _Route, effort: Effort) -> tuple[xr.Dataset, float]:
    """Return draws of θ and of the headline, and the seconds that the fit took."""
    # SVI draws cost little, and their noise should not be what is compared.
    draws = min(_DRAWS, 100) if effort.quick else _DRAWS
    update = {"method": route} | ({"draws": draws} if route == "svi" else {})
    began = time.perf_counter()
    posterior = fit(
        case.panel,
        case.tasks,
        model=case.model,
        inference=case.inference.model_copy(update=update),
        progress=effort.progress,
    )
    took = time.perf_counter() - began
    headline = counterfactual(posterior, case.scenario)["counterfactual"].to_dataset()
    theta = posterior["posterior"].to_dataset().drop_vars("skill")
    return xr.merge([theta, headline[list(_HEADLINE)]]), took


def _row(
    case: _Case, what: str, found: xr.Dataset, reference: xr.Dataset, seconds: dict[str, float]
) -> Row:
    gap, ratio = distances(found, reference)
    theta = [k for k in gap if k.split("[")[0] not in _HEADLINE]
    worst = max(theta, key=lambda k: gap[k])
    ratios = [ratio[k] for k in theta]
    headline = {
        f"{kind}_of_{name}": max(v for k, v in each.items() if k.split("[")[0] == name)
        for name in _HEADLINE
        for kind, each in (("gap", gap), ("ratio", ratio))
    }
    frame = case.panel.frame
    occupations, tasks = case.tasks.weights.shape
    return Row(
        f"{case.name}: {what}",
        {
            "workers": frame["worker"].nunique(),
            "years": frame["year"].nunique(),
            "occupations": occupations,
            "tasks": tasks,
        },
        _SEED,
        "float64",
        {
            "largest_gap_of_means_in_sds": gap[worst],
            "median_gap_of_means_in_sds": float(np.median([gap[k] for k in theta])),
            "smallest_ratio_of_sds": min(ratios),
            "largest_ratio_of_sds": max(ratios),
            "parameters": float(len(theta)),
            **headline,
            **seconds,
        },
        f"largest gap: {worst}; compilation and preparation included in the seconds",
    )


def distances(
    found: xr.Dataset, reference: xr.Dataset
) -> tuple[dict[str, float], dict[str, float]]:
    """Return gaps of means in sds of the reference, and ratios of sds, of every scalar."""
    gap, ratio = {}, {}
    sample = ("chain", "draw")
    for name, there in reference.items():
        here, sd = found[name], there.std(sample)
        gaps = abs(here.mean(sample) - there.mean(sample)) / sd
        ratios = here.std(sample) / sd
        for index in np.ndindex(sd.shape):
            # What is known, such as the diagonal of a correlation, is not compared.
            if float(sd.values[index]) > 1e-9:
                label = f"{name}[{', '.join(map(str, index))}]" if index else str(name)
                gap[label] = float(gaps.values[index])
                ratio[label] = float(ratios.values[index])
    return gap, ratio
