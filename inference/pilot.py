"""The pilot: a quick look at the posterior that places everything the samplers need.

It finds starting values, expands the choice factor around them for the whitening, and sizes the
quadrature grid to the panel at hand.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int
from numpyro import handlers

from taskroy.errors import FitError
from taskroy.inference.variational import approximate
from taskroy.inference.whiten import ChoiceExpansion, no_expansion, whitened
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress

_STEPS = 600
_STEP = 0.7
FIRST_GRID = Grid(nodes=96, terms=24, knots=112)


def starting_values(economy: Economy, settings: ModelSettings) -> dict[str, Array]:
    """Return values from which every term of the density is finite: wages alike everywhere."""
    occupations, tasks = economy.technology.task_weights.shape
    return {
        "wage_shock_scale": jnp.asarray(0.4),
        "taste_scale": jnp.asarray(0.25),
        "mean_potential": jnp.full(occupations, economy.wage_level),
        "amenity": jnp.zeros(occupations),
        "coefficient": jnp.zeros(economy.design.shape[-1]),
        "skill_sd": jnp.full(tasks, settings.priors.skill_sd.median),
        "skill_whitened": jnp.zeros((economy.observed.shape[0], tasks)),
    }


def careers_at(
    economy: Economy,
    settings: ModelSettings,
    grid: Grid,
    log_wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    values: dict[str, Array],
) -> tuple[Careers, Array]:
    """Return the distribution of careers at given values of θ and skills, and the career seen."""

    @jax.jit
    def build(
        economy: Economy, log_wage: Array, occupation: Array, values: dict[str, Array]
    ) -> tuple[Careers, Array]:
        fixed = handlers.substitute(roy_model, data=values)
        trace = handlers.trace(handlers.seed(fixed, 0)).get_trace(
            economy, settings, grid, log_wage=log_wage, occupation=occupation
        )
        return trace["career"]["fn"], trace["career"]["value"]

    return build(economy, log_wage, occupation, values)


def check_start(careers: Careers, career: Array, worker: Any, year: Any, titles: Any) -> None:
    """Raise a FitError that names the first worker-year whose density is not finite.

    Parameters
    ----------
    careers, career
        From :func:`careers_at`.
    worker, year
        Labels, (N,) and (N, T).
    titles
        Occupation codes.
    """
    for term, factor in zip(("wage", "choice"), careers.factors(career), strict=True):
        wrong = np.argwhere(~np.isfinite(np.asarray(factor)))
        if len(wrong):
            i, t = wrong[0]
            held = titles[int(career[i, t, 1])]
            raise FitError(
                f"The {term} term of {len(wrong)} worker-years is not finite at the start.",
                where=f"worker {worker[i]}, year {year[i, t]}, occupation {held}, log wage "
                f"{float(career[i, t, 0]):.6g}",
                expected="finite log density everywhere",
                remedy="look at this worker's wages; a wage in another unit than the rest "
                "makes a choice impossibly improbable",
            )


def expand_choice(
    careers: Careers, career: Array, task_weights: Float[Array, "O K"]
) -> ChoiceExpansion:
    """Expand each worker's log choice factor to second order in potential wages.

    It is concave in them, so the curvature is positive semidefinite.
    """

    def log_choice(potential: Array) -> Array:
        moved = Careers(
            potential,
            careers.common,
            careers.amenity,
            careers.wage_shock_scale,
            careers.taste_scale,
            observed=careers.observed,
            shock=careers.shock,
            grid=careers.grid,
        )
        return moved.factors(career)[1].sum()

    gradient = jax.grad(log_choice)

    @jax.jit
    def expand(potential: Array) -> ChoiceExpansion:
        def along(direction: Array) -> Array:
            tangent = jnp.broadcast_to(direction, potential.shape)
            return -jax.jvp(gradient, (potential,), (tangent,))[1]

        cross = jnp.moveaxis(jax.lax.map(along, task_weights.T), 0, 1)
        worth = potential + careers.amenity
        slope = gradient(potential) @ task_weights + jnp.einsum("nko,no->nk", cross, worth)
        curvature = cross @ task_weights
        return ChoiceExpansion(slope, cross, 0.5 * (curvature + curvature.mT))

    return expand(careers.potential)


class Pilot(NamedTuple):
    """What the pilot found.

    ``values`` are medians of θ and whitened skills' deviations; ``expansion`` is of the choice
    factor there; ``grid`` is sized to the panel.
    """

    values: dict[str, Array]
    expansion: ChoiceExpansion
    grid: Grid


def pilot(
    economy: Economy,
    settings: ModelSettings,
    log_wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    key: Array,
    progress: Progress,
) -> Pilot:
    """Fit variationally, skills whitened for wages only, and look around at its medians."""
    fit_key, median_key = jax.random.split(key)
    model = partial(
        roy_model, economy, settings, FIRST_GRID, log_wage=log_wage, occupation=occupation
    )
    first = whitened(model, economy, log_wage, occupation, no_expansion(economy))
    start = starting_values(economy, settings)
    found = approximate(first, fit_key, start, steps=_STEPS, progress=progress, name="pilot fit")
    draws = found.sample(median_key, 64)
    values = {name: jnp.median(draw, axis=0) for name, draw in draws.items()}
    fixed = handlers.substitute(handlers.seed(first, 0), data=values)
    values["skill_deviation"] = handlers.trace(fixed).get_trace()["skill_deviation"]["value"]
    careers, career = careers_at(economy, settings, FIRST_GRID, log_wage, occupation, values)
    expansion = expand_choice(careers, career, economy.technology.task_weights)
    return Pilot(values, expansion, fitting_grid(careers, career))


def fitting_grid(careers: Careers, career: Array) -> Grid:
    """Size the quadrature grid so that its step is at most 0.7, about 1e-6 in log P."""
    if careers.shock == "worker":
        return FIRST_GRID
    width = float(careers.node_width(career))
    # A tenth more than at the pilot, for draws that spread wages wider.
    nodes = int(np.ceil(1.1 * width / _STEP / 8)) * 8
    return replace(FIRST_GRID, nodes=int(np.clip(nodes, 48, 512)))
