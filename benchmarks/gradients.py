"""Time a value and gradient of the two densities that NUTS may sample, on the embedded panel.

    python benchmarks/gradients.py

Prints milliseconds on one device, and the ratio that docs/method.md quotes. Gradients are timed
within one compiled loop, as a sampler calls them.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from numpyro.infer.initialization import init_to_value
from numpyro.infer.util import initialize_model

from taskroy.data.load import load_panel
from taskroy.data.task_weights import task_weights
from taskroy.inference.pilot import pilot
from taskroy.inference.replace_skills import WHITENED, integrated, whitened
from taskroy.inference.skill_posterior import seen
from taskroy.models.roy import economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology
from taskroy.progress import Silent

REPEATS = 20
ROUNDS = 5


def milliseconds(model: Callable[..., Any], start: dict[str, Any]) -> float:
    """Return the best of some rounds, per value and gradient."""
    info = initialize_model(
        jax.random.key(0), model, init_strategy=init_to_value(values=start), validate_grad=False
    )

    def step(x: Any, _: None) -> tuple[Any, Any]:
        value, gradient = jax.value_and_grad(info.potential_fn)(x)
        # Moves by nothing that matters, so that no gradient is the one before.
        return jax.tree.map(lambda a, b: a - 1e-12 * b, x, gradient), value

    run = jax.jit(lambda x: jax.lax.scan(step, x, length=REPEATS)[1])
    point = info.param_info.z
    jax.block_until_ready(run(point))
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        jax.block_until_ready(run(point))
        times.append(time.perf_counter() - began)
    return 1e3 * min(times) / REPEATS


def main() -> None:
    """Time both and print JSON."""
    jax.config.update("jax_enable_x64", True)
    tasks = task_weights("wagepan", "gwa-category")
    panel = load_panel(source="wagepan", occupations=tasks.occupations)
    used = tasks.select(panel.occupations)
    arrays = panel.arrays(used.occupations)
    technology = Technology.from_task_weights(
        jnp.asarray(used.weights.to_numpy()), jnp.asarray(used.labor_share.to_numpy())
    )
    conditions, settings = economy(technology, arrays), ModelSettings()
    log_wage, occupation = jnp.asarray(arrays.log_wage), jnp.asarray(arrays.occupation)
    known = seen(conditions, log_wage, occupation)
    found = pilot(conditions, settings, log_wage, occupation, 1e-4, jax.random.key(0), Silent())
    model = partial(
        roy_model, conditions, settings, found.grid, log_wage=log_wage, occupation=occupation
    )
    skills = {WHITENED: jnp.zeros_like(found.expansion.slope)}
    joint = milliseconds(whitened(model, known, found.expansion), found.values | skills)
    marginal = milliseconds(
        integrated(model, known, found.expansion, settings, found.coarse), found.values
    )
    print(
        json.dumps(
            {
                "machine": f"{platform.machine()}, {jax.local_devices()[0].device_kind}",
                "workers": len(arrays.worker),
                "occupations": len(used.occupations),
                "tasks": len(used.tasks),
                "nodes": found.grid.nodes,
                "terms": found.grid.terms,
                "whitened_ms": round(joint, 2),
                "integrated_ms": round(marginal, 2),
                "ratio": round(marginal / joint, 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
