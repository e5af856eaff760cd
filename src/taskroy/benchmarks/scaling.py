"""How the joint gradient's time and memory grow as one dimension of the panel doubles."""

from __future__ import annotations

import jax

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.densities import conditions, joint_density, quadrature, quick_look
from taskroy.benchmarks.panels import simulated_panel
from taskroy.benchmarks.timing import loop, times
from taskroy.models.settings import ModelSettings

_SEED = 1
_BASE = {"workers": 1000, "years": 8, "occupations": 46, "tasks": 18}
_QUICK = {"workers": 20, "years": 3, "occupations": 5, "tasks": 2}
_REPEATS, _ROUNDS = 5, 5
# Covariances by factors: what is advised above ten tasks.
_SETTINGS = ModelSettings(covariance="factor")


def run(effort: Effort) -> list[Row]:
    """Time the base and each doubling, taking turns."""
    base = _QUICK if effort.quick else _BASE
    doubled = {f"{name} doubled": base | {name: 2 * size} for name, size in base.items()}
    loops, sizes = {}, {}
    with jax.enable_x64(True):
        for what, size in {"base": base, **doubled}.items():
            panel, _, table = simulated_panel(**size, seed=_SEED)
            where = conditions(panel, table, _SETTINGS)
            found = quick_look(where)
            loops[what] = loop(*joint_density(found), _REPEATS)
            sizes[what] = where.sizes | quadrature(found)
        took = times(loops, _ROUNDS)
    return [
        Row(
            f"joint gradient, {what}",
            sizes[what],
            _SEED,
            "float64",
            {
                "seconds": took[what].seconds,
                "cpu_seconds": took[what].cpu_seconds,
                "times_base": took[what].seconds / took["base"].seconds,
                "times_base_cpu": took[what].cpu_seconds / took["base"].cpu_seconds,
                "megabytes": each.megabytes,
                "times_base_memory": each.megabytes / loops["base"].megabytes,
            },
            "simulated; three factors and a diagonal; megabytes by XLA's account",
        )
        for what, each in loops.items()
    ]
