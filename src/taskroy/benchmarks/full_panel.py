"""The joint gradient at the size of the NLSY97."""

from __future__ import annotations

import jax

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.densities import conditions, joint_density, quadrature, quick_look
from taskroy.benchmarks.panels import simulated_panel
from taskroy.benchmarks.peak_memory import peak_megabytes
from taskroy.benchmarks.timing import loop, times
from taskroy.data.load import load_panel
from taskroy.data.panel import Panel
from taskroy.data.task_table import TaskTable
from taskroy.data.task_weights import task_weights
from taskroy.models.settings import ModelSettings

_SEED = 1
# 8,050 workers are seen for 7.66 of at most 15 years on average.
_FULL = {"workers": 8050, "years": 15, "occupations": 93, "tasks": 37}
_OBSERVED_SHARE = 61_686 / (8050 * 15)
_QUICK = {"workers": 30, "years": 4, "occupations": 6, "tasks": 3}
_REPEATS, _ROUNDS = 2, 5
_SETTINGS = ModelSettings(covariance="factor")


def run(effort: Effort) -> list[Row]:
    """Time it in both precisions."""
    panel, tasks = _data(effort)
    loops, sizes = {}, {}
    for precision in ("float64", "float32"):
        with jax.enable_x64(precision == "float64"):
            where = conditions(panel, tasks, _SETTINGS)
            found = quick_look(where)
            loops[precision] = loop(*joint_density(found), _REPEATS)
            sizes[precision] = where.sizes | quadrature(found)
            del where, found
    took = times(loops, _ROUNDS)
    peak = peak_megabytes()
    return [
        Row(
            "joint gradient, skills whitened",
            sizes[precision],
            _SEED,
            precision,
            {
                "seconds": took[precision].seconds,
                "cpu_seconds": took[precision].cpu_seconds,
                "megabytes": each.megabytes,
                "megabytes_of_process": peak,
            },
            f"{panel.source}; three factors and a diagonal; of the process: its peak from its "
            "start, both precisions and all preparation included",
        )
        for precision, each in loops.items()
    ]


def _data(effort: Effort) -> tuple[Panel, TaskTable]:
    if effort.panel is None:
        size = _QUICK if effort.quick else _FULL
        panel, _, table = simulated_panel(**size, seed=_SEED, observed_share=_OBSERVED_SHARE)
        return panel, table
    tasks = task_weights("minor", "gwa")
    panel = load_panel("nlsy97", path=effort.panel, occupations=tasks.occupations)
    return panel, tasks.select(panel.occupations)
