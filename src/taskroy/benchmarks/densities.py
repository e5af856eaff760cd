"""The densities that NUTS may sample, ready to be timed: as `taskroy.inference.routes` has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from numpyro import handlers
from numpyro.infer.util import potential_energy, unconstrain_fn

from taskroy.benchmarks.timing import ValueAndGradient
from taskroy.data.panel import Panel, PanelArrays
from taskroy.data.task_table import TaskTable
from taskroy.inference.pilot import pilot, pilot_at, starting_values
from taskroy.inference.problem import Problem
from taskroy.inference.replace_skills import WHITENED
from taskroy.inference.seen import Seen, seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.skill_posterior import no_expansion
from taskroy.models.roy import Economy, economy
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology
from taskroy.progress import Progress

#: That of a fit, unless a study says otherwise.
TOLERANCE = InferenceSettings().tolerance


class Conditions(NamedTuple):
    """A panel as the model reads it; JAX's precision decides that of the arrays."""

    economy: Economy
    log_wage: Array
    occupation: Array
    settings: ModelSettings
    arrays: PanelArrays

    @property
    def seen(self) -> Seen:
        """What is known of workers."""
        return seen(self.economy, self.log_wage, self.occupation)

    @property
    def sizes(self) -> dict[str, int]:
        """Workers, years, worker-years, occupations and tasks."""
        workers, years = self.arrays.log_wage.shape
        occupations, tasks = self.economy.technology.task_weights.shape
        return {
            "workers": workers,
            "years": years,
            "worker_years": int(self.arrays.observed.sum()),
            "occupations": occupations,
            "tasks": tasks,
        }


def conditions(panel: Panel, tasks: TaskTable, settings: ModelSettings) -> Conditions:
    """Gather what the model is conditioned on; every occupation of the table counts."""
    arrays = panel.arrays(tasks.occupations)
    technology = Technology.from_task_weights(
        jnp.asarray(tasks.weights.to_numpy()), jnp.asarray(tasks.labor_share.to_numpy())
    )
    return Conditions(
        economy(technology, arrays),
        jnp.asarray(arrays.log_wage),
        jnp.asarray(arrays.occupation),
        settings,
        arrays,
    )


def quick_look(where: Conditions) -> Problem:
    """Return a pilot at plain starting values: modes, expansion and grids, without a fit."""
    values = starting_values(where.economy, where.settings)
    values.pop(WHITENED)
    if where.settings.covariance == "factor":
        tasks, factors = where.economy.technology.task_weights.shape[1], where.settings.factors
        values |= {
            "loading_scale": jnp.asarray(0.5),
            "loading_triangle": jnp.eye(factors),
            "loading_rest": jnp.full((tasks - factors, factors), 0.5),
            "unique_sd": values.pop("skill_sd"),
        }
    expansion = no_expansion(where.economy)
    found = pilot_at(values, where.seen, where.settings, TOLERANCE, expansion, {})
    return Problem(where.seen, where.settings, found)


def long_look(where: Conditions, key: Array, progress: Progress) -> Problem:
    """Return the pilot that a fit starts from."""
    found = pilot(where.seen, where.settings, TOLERANCE, key, progress)
    return Problem(where.seen, where.settings, found)


def joint_density(problem: Problem) -> tuple[ValueAndGradient, Any]:
    """Return the density of θ and whitened skills, and a point; method ``nuts``."""
    return _of(problem.joint, problem.start())


def marginal_density(problem: Problem) -> tuple[ValueAndGradient, Any]:
    """Return the density of θ with skills integrated out, and a point; ``nuts-marginal``."""
    return _of(problem.marginal, problem.start())


def _of(model: Callable[..., Any], start: dict[str, Array]) -> tuple[ValueAndGradient, Any]:
    @jax.jit
    def point() -> dict[str, Array]:
        fixed = handlers.seed(handlers.substitute(model, data=start), 0)
        sites = handlers.trace(fixed).get_trace()
        latent = {
            name: site["value"]
            for name, site in sites.items()
            if site["type"] == "sample" and not site["is_observed"]
        }
        return unconstrain_fn(model, (), {}, latent)

    return jax.value_and_grad(partial(potential_energy, model, (), {})), point()


def quadrature(problem: Problem) -> dict[str, int]:
    """Return the sizes of the pilot's grid."""
    grid = problem.pilot.grid
    return {"nodes": grid.nodes, "terms": grid.terms}
