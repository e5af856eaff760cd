"""A program for test_worker_mesh: densities and a short chain, as JSON, on the devices it is given.

Usage: on_devices.py SHOCK DEVICES [COORDINATOR PROCESSES PROCESS].
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from few_careers import few_careers
from taskroy.inference.chains import run_chains
from taskroy.inference.density import density_of
from taskroy.inference.problem import Problem
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.target import Target
from taskroy.inference.worker_mesh import everywhere, own_copy, worker_mesh
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings
from taskroy.progress import Silent

# Of seven workers, whom no number of devices but one divides.
YEARS = (3, 1, 2, 3, 2, 3, 2)
GRID = Grid(nodes=32, terms=16, knots=96)
START = {
    "wage_shock_scale": 0.4,
    "taste_scale": 0.3,
    "skill_mean": [2.0, 2.5],
    "skill_sd": [1.5, 0.8],
    "skill_corr_cholesky": [[1.0, 0.0], [0.6, 0.8]],
    "coefficient": [0.2],
}


def problem(shock: Any) -> Problem:
    settings = ModelSettings(shock=shock, intercept="known", amenities="none")
    return replace(few_careers(settings, GRID, YEARS), mesh=worker_mesh())


def draws(found: Problem, start: dict[str, Any]) -> dict[str, Any]:
    density = density_of(found.joint)
    point = density.to_real(start)
    chains = run_chains(
        Target(lambda _: density.potential),
        {k: jnp.stack([v, v + 0.01]) for k, v in point.items()},
        jax.random.key(1),
        InferenceSettings(chains=2, warmup=20, draws=30, max_tree_depth=4),
        dense=tuple(point),
        inverse_mass={tuple(point): 0.01 * jnp.eye(sum(v.size for v in point.values()))},
        progress=Silent(),
        mesh=found.mesh,
    )
    return {k: v.tolist() for k, v in chains.sites.items()}


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", int(sys.argv[2]))
    if len(sys.argv) > 3:
        jax.distributed.initialize(sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    found = problem(sys.argv[1])
    start = {k: jnp.asarray(v) for k, v in START.items()}
    start["skill_whitened"] = jnp.full((len(YEARS), 2), 0.1)
    answer: dict[str, Any] = {"devices": len(jax.devices())}
    # Where a chain is run too, one density does: compiling takes all the time.
    chain = sys.argv[1] == "worker"
    for name in ("joint",) if chain else ("joint", "marginal"):
        density = density_of(partial(getattr(Problem, name), found))
        point = density.to_real(start)
        both = jax.value_and_grad(density.potential)
        if found.mesh is None:
            height, slope = jax.jit(both)(point)
        else:
            height, slope = own_copy(jax.jit(both, out_shardings=everywhere(found.mesh))(point))
        answer[name] = [float(height), *(np.asarray(slope[k]).ravel().tolist() for k in point)]
    if chain:
        answer["draws"] = draws(found, start)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
