"""The pilot: a quick look at the posterior that places everything the samplers need.

It finds starting values, expands the choice factor around them, and sizes the quadrature grids to
the panel at hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.errors import FitError
from taskroy.inference.low_rank_expansion import LowRankExpansion, low_rank
from taskroy.inference.replace_skills import WHITENED, whitened
from taskroy.inference.seen import Seen, generative
from taskroy.inference.skill_posterior import (
    ChoiceExpansion,
    laplace,
    no_expansion,
)
from taskroy.inference.theta import Theta, careers, theta_at
from taskroy.inference.variational import approximate
from taskroy.inference.whiten_levels import Levels, levels_near
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress

_STEPS = 600
# Derivatives find modes and curvatures: on 545 workers twice the step moved the log marginal
# likelihood by 0.006 in all.
_COARSE_STEP = 1.4
# From the wages' own centre, far from where the choices pull, Newton needs some steps.
_NEWTON_STEPS = 8
_LEVEL_DRAWS = 2000
FIRST_GRID = Grid(nodes=96, terms=24, knots=112)


def starting_values(economy: Economy, settings: ModelSettings) -> dict[str, Array]:
    """Return values from which every term of the density is finite: wages alike everywhere."""
    occupations, tasks = economy.technology.task_weights.shape
    return {
        "wage_shock_scale": jnp.asarray(0.4),
        "taste_scale": jnp.asarray(0.25),
        "mean_potential": jnp.full(occupations, economy.wage_level),
        "amenity": jnp.zeros(occupations),
        "experience_return": jnp.asarray(0.1),
        "coefficient": jnp.zeros(economy.design.shape[-1]),
        "skill_sd": jnp.full(tasks, settings.priors.skill_sd.median),
        WHITENED: jnp.zeros((economy.observed.shape[0], tasks)),
    }


def check_start(careers: Careers, career: Array, worker: Any, year: Any, titles: Any) -> None:
    """Raise a FitError that names the first worker-year whose density is not finite.

    Parameters
    ----------
    careers, career
        The distribution of careers at the start, and the career seen.
    worker, year
        Labels, (N,) and (N, T).
    titles
        Occupation codes.
    """
    for term, factor in zip(
        ("wage", "choice"), jax.jit(Careers.factors)(careers, career), strict=True
    ):
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
    careers: Careers,
    career: Array,
    task_weights: Float[Array, "O K"],
    deviation: Float[Array, "N K"],
) -> ChoiceExpansion:
    """Expand each worker's log choice factor to second order in potential wages.

    It is concave in them, so the curvature is positive semidefinite. Second derivatives of the
    series that the factor is computed with are of no use: for the most and the least able workers,
    at the ends of its domain, they are noise. Each order of ψ has a series of its own.

    Parameters
    ----------
    careers
        At each worker's skills.
    career
        What was seen, (N, T, 2): log wage, occupation.
    task_weights
        A, (O, K).
    deviation
        The skills, s − s̄, (N, K), log-wage units.
    """
    unit = jnp.eye(len(task_weights), dtype=careers.potential.dtype)

    def log_choice(potential: Array) -> Array:
        return careers.replace(potential=potential).factors(career)[1].sum()

    def gradient(potential: Array) -> Array:
        return careers.replace(potential=potential).expand_choice(career, unit)[0]

    @jax.jit
    def expand(potential: Array) -> ChoiceExpansion:
        def along(direction: Array) -> Array:
            tangent = jnp.broadcast_to(direction, potential.shape)
            return -jax.jvp(gradient, (potential,), (tangent,))[1]

        cross = jnp.moveaxis(jax.lax.map(along, task_weights.T), 0, 1)
        curvature = careers.expand_choice(career, task_weights)[1]
        # At mean skills by the one and from there to these by the other, which agree but for noise.
        average = potential + careers.amenity - deviation @ task_weights.T
        slope = jax.grad(log_choice)(potential) @ task_weights
        slope += jnp.einsum("nko,no->nk", cross, average)
        slope += (curvature @ deviation[..., None])[..., 0]
        value, vector = jnp.linalg.eigh(0.5 * (curvature + curvature.mT))
        positive = (vector * jnp.maximum(value, 0.0)[:, None]) @ vector.mT
        return ChoiceExpansion(slope, cross, positive)

    return expand(careers.potential)


class Pilot(NamedTuple):
    """What the pilot found.

    ``values`` are medians of the sites of θ, ``expansion`` is of the choice factor at each
    worker's mode there, ``grid`` is sized to the panel and ``coarse`` is that of derivatives;
    ``careers`` is the distribution of careers at those modes and ``levels`` what the data say of
    the levels of occupations. ``low_rank`` is the expansion made cheap to whiten with, where there
    are many tasks.
    """

    values: dict[str, Array]
    expansion: ChoiceExpansion
    grid: Grid
    coarse: Grid
    careers: Careers
    levels: Levels
    low_rank: LowRankExpansion | None = None

    @property
    def whitening(self) -> ChoiceExpansion | LowRankExpansion:
        """What whitens skills."""
        return self.expansion if self.low_rank is None else self.low_rank


def pilot(
    known: Seen, settings: ModelSettings, tolerance: float, key: Array, progress: Progress
) -> Pilot:
    """Fit variationally, skills whitened for wages only, and look around at its medians.

    Parameters
    ----------
    known
        What was seen.
    settings
        Variant of the model.
    tolerance
        Error in the log P of a worker-year that grids are sized for.
    key
        Random key.
    progress
        Told how far it is.
    """
    values, levels = first_fit(known, settings, key, progress)
    unknown = no_expansion(known.economy)
    return pilot_at(values, known, settings, tolerance, unknown, levels)


def first_fit(
    known: Seen, settings: ModelSettings, key: Array, progress: Progress | None
) -> tuple[dict[str, Array], Levels]:
    """Return medians of a variational fit, and what it says of levels; arguments as for `pilot`.

    With no `progress` it can be traced, as in :func:`~taskroy.inference.variational.approximate`.
    """
    model, unknown = generative(known, settings, FIRST_GRID), no_expansion(known.economy)
    start = starting_values(known.economy, settings)
    still = start[WHITENED]
    units = settings.priors.skill_sd.median * jnp.eye(still.shape[1]), start["wage_shock_scale"]
    guide_key, level_key = jax.random.split(key)
    guide = approximate(
        whitened(model, known, low_rank(unknown, known, still, *units) or unknown),
        guide_key,
        start,
        steps=_STEPS,
        progress=progress,
        name="pilot fit",
    )
    values = guide.median()
    return values, levels_near(model, values, guide.sample(level_key, _LEVEL_DRAWS))


def pilot_at(
    values: dict[str, Array],
    known: Seen,
    settings: ModelSettings,
    tolerance: float,
    expansion: ChoiceExpansion,
    levels: Levels,
) -> Pilot:
    """Look around at given values of θ: modes, expansion, grids.

    `expansion` is where the search for modes starts, `levels` are kept; the rest as for `pilot`.
    """
    there, found, lean = look_around(values, known, settings, expansion)
    steps = (step_for(tolerance), _COARSE_STEP)
    grid, coarse = (fitting_grid(there, known.career, step) for step in steps)
    return Pilot(values, found, grid, coarse, there, levels, lean)


def look_around(
    values: dict[str, Array], known: Seen, settings: ModelSettings, expansion: ChoiceExpansion
) -> tuple[Careers, ChoiceExpansion, LowRankExpansion | None]:
    """Return careers at every worker's mode given θ, and what is expanded there."""

    @jax.jit
    def at_modes(values: dict[str, Array], expansion: ChoiceExpansion) -> tuple[Theta, Array]:
        theta = theta_at(generative(known, settings, FIRST_GRID), values)
        start = expansion.gaussian(theta, known).centre
        modes = laplace(theta, known, start, settings, FIRST_GRID, steps=_NEWTON_STEPS)
        return theta, modes.gaussian.centre

    theta, modes = at_modes(values, expansion)
    there = careers(theta, known, modes, settings, FIRST_GRID)
    weights = known.economy.technology.task_weights
    found = expand_choice(there, known.career, weights, modes @ theta.skill_scale_tril.T)
    lean = low_rank(found, known, modes, theta.skill_scale_tril, theta.wage_shock_scale)
    return there, found, lean


def step_for(tolerance: float) -> float:
    """Return the step of the trapezoid rule for an error in log P.

    e^-e^c is analytic within π/2 of the real line, so the error falls as e^(−π²/step). The
    factor of 15 is a first guess: before every fit the error is measured, and the grid refined.
    """
    return np.pi**2 / np.log(15.0 / tolerance)


def fitting_grid(careers: Careers, career: Array, step: float) -> Grid:
    """Size the quadrature grid to the widest integrand and a step."""
    if careers.shock == "worker":
        return FIRST_GRID
    width = float(careers.node_width(career))
    # A tenth more than at the pilot, for draws that spread wages wider.
    nodes = int(np.ceil(1.1 * width / step / 8)) * 8
    return replace(FIRST_GRID, nodes=int(np.clip(nodes, 32, 512)))
