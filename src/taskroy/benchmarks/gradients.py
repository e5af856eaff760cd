"""A value and gradient of the two densities that NUTS may sample, on the embedded panel."""

from __future__ import annotations

import jax

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.densities import (
    conditions,
    joint_density,
    long_look,
    marginal_density,
    quadrature,
    quick_look,
)
from taskroy.benchmarks.timing import loop, times
from taskroy.data.load import load_panel
from taskroy.data.task_weights import task_weights
from taskroy.models.settings import ModelSettings

_SEED = 1
_QUICK_WORKERS = 40
_REPEATS, _ROUNDS = 20, 7


def run(effort: Effort) -> list[Row]:
    """Time both, taking turns."""
    tasks = task_weights("wagepan", "gwa-category")
    workers = _QUICK_WORKERS if effort.quick else None
    panel = load_panel("wagepan", occupations=tasks.occupations, workers=workers, seed=_SEED)
    with jax.enable_x64(True):
        where = conditions(panel, tasks.select(panel.occupations), ModelSettings())
        found = (
            quick_look(where)
            if effort.quick
            else long_look(where, jax.random.key(_SEED), effort.progress)
        )
        loops = {
            "joint": loop(*joint_density(found), _REPEATS),
            "marginal": loop(*marginal_density(found), _REPEATS),
        }
        took = times(loops, _ROUNDS)
    sizes = where.sizes | quadrature(found)
    words = {"joint": "joint gradient, skills whitened", "marginal": "skills integrated out"}
    return [
        Row(
            words[name],
            sizes,
            _SEED,
            "float64",
            {
                "seconds": took[name].seconds,
                "cpu_seconds": took[name].cpu_seconds,
                "times_joint": took[name].seconds / took["joint"].seconds,
                "times_joint_cpu": took[name].cpu_seconds / took["joint"].cpu_seconds,
                "megabytes": loops[name].megabytes,
            },
            "value and gradient of the log posterior density, the default panel",
        )
        for name in loops
    ]
