"""The problem that a route solves: the posterior of one panel, with a pilot's look at it.

Its methods give models, in NumPyro's sense, of that one posterior: as it is generated, with skills
whitened, and of θ alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import Mesh
from jaxtyping import Int
from numpyro import handlers

from taskroy.inference.accuracy import accurate_for_derivatives, accurate_grid
from taskroy.inference.batches import WeighWorkers
from taskroy.inference.draw_skills import SkillProblem
from taskroy.inference.latent_sites import latent_sites
from taskroy.inference.low_rank_expansion import LowRankExpansion
from taskroy.inference.pilot import Pilot, pilot_at
from taskroy.inference.replace_skills import (
    WHITENED,
    integrated,
    integrated_by_importance,
    whitened,
)
from taskroy.inference.seen import Seen, generative
from taskroy.inference.skill_posterior import ChoiceExpansion
from taskroy.inference.small_matrices import inverse_of
from taskroy.inference.theta import theta_at
from taskroy.inference.whiten_levels import SUFFIX, whiten_levels
from taskroy.inference.worker_mesh import split_workers
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings


@dataclass(frozen=True)
class Problem:
    """A panel, a model, and what the pilot found.

    Attributes
    ----------
    known
        What was seen.
    settings
        Variant of the model and priors.
    pilot
        Values, expansion, whitening of levels, grids.
    mesh
        Devices among which workers are split; None for one that has them all.
    """

    known: Seen
    settings: ModelSettings
    pilot: Pilot
    mesh: Mesh | None = None

    def generative(self) -> Callable[[], Any]:
        """Return the generative model, conditioned on what was seen."""
        return generative(self.known, self.settings, self.pilot.grid)

    def joint(self) -> Any:
        """Run the model of θ and whitened skills."""
        part, expansion = self._split(self.known, self.pilot.whitening)
        white = whiten_levels(generative(part, self.settings, self.pilot.grid), self.pilot.levels)
        return whitened(white, part, expansion)()

    def marginal(self, workers: Int[Array, " B"] | None = None, *, proposals: int = 0) -> Any:
        """Run the model of θ alone; where workers are named, they stand for all.

        With `proposals` of skills for each worker, what Laplace's method misses is counted too.
        """
        part, expansion = self.known, self.pilot.expansion
        if workers is not None:
            part, expansion = part.of(workers), expansion.of(workers)
        part, expansion = self._split(part, expansion)
        white = whiten_levels(generative(part, self.settings, self.pilot.grid), self.pilot.levels)
        fine, coarse = self.pilot.grid, self.pilot.coarse
        if proposals:
            alone = integrated_by_importance(
                white, part, expansion, self.settings, (fine, coarse), proposals
            )
        else:
            alone = integrated(white, part, expansion, self.settings, coarse)
        return WeighWorkers(alone, len(self.known.career) / len(part.career))()

    def _split[E: (ChoiceExpansion, ChoiceExpansion | LowRankExpansion)](
        self, part: Seen, expansion: E
    ) -> tuple[Seen, E]:
        if self.mesh is None:
            return part, expansion
        split = partial(split_workers, mesh=self.mesh)
        return part.map_workers(split), expansion.map_workers(split)

    def start(self) -> dict[str, Array]:
        """Return values of the sites of `joint`, hence of `marginal`, to start from."""
        levels = self.pilot.levels
        values = {k: v for k, v in self.pilot.values.items() if k not in levels}
        values |= {k + SUFFIX: jnp.zeros_like(v.score) for k, v in levels.items()}
        return values | {WHITENED: jnp.zeros_like(self.pilot.expansion.slope)}

    @property
    def parameters(self) -> int:
        """Of how many numbers θ is, unconstrained."""
        return sum(latent_sites(self.marginal).unconstrained_sizes().values())

    def skills(self) -> SkillProblem:
        """Return what it takes to find workers' skills."""
        found = self.pilot
        return SkillProblem(
            self.generative(), self.known, found.expansion, self.settings, found.grid, found.coarse
        )

    @property
    def grids(self) -> tuple[Grid, Grid]:
        """The quadratures of the density, and of derivatives."""
        return self.pilot.grid, self.pilot.coarse

    def with_grids(self, grids: tuple[Grid, ...]) -> Problem:
        """Return the problem with other quadratures."""
        grid, coarse = grids
        return replace(self, pilot=self.pilot._replace(grid=grid, coarse=coarse))

    def refined(self, tolerance: float) -> Problem:
        """Return the problem with a quadrature whose error at the pilot is within a tolerance."""
        found = self.pilot
        grid, _ = accurate_grid(found.careers, self.known.career, found.grid, tolerance)
        return self.with_grids((grid, found.coarse))

    def ready_for_laplace(self) -> Problem:
        """Return the problem with a coarse grid that derivatives of log determinants allow."""
        found, known = self.pilot, self.known

        @jax.jit
        def covariance(values: dict[str, Array], expansion: ChoiceExpansion) -> Array:
            theta = theta_at(self.generative(), values)
            inverse = inverse_of(expansion.gaussian(theta, known).factor)
            return theta.skill_scale_tril @ inverse @ theta.skill_scale_tril.T

        metric = covariance(found.values, found.expansion)
        weights = known.economy.technology.task_weights
        coarse = accurate_for_derivatives(
            found.careers, known.career, weights, metric, found.coarse
        )
        return replace(self, pilot=found._replace(coarse=coarse))

    def looked_at_from(self, values: dict[str, Array], tolerance: float) -> Problem:
        """Return the problem expanded at other values of θ's sites, its quadrature refined."""
        again = pilot_at(
            values, self.known, self.settings, tolerance, self.pilot.expansion, self.pilot.levels
        )
        return replace(self, pilot=again).refined(tolerance)

    def sites(self, *, skills: bool) -> tuple[str, ...]:
        """Return the latent sites of the generative model, with or without skills."""
        names = latent_sites(self.generative()).supports
        return tuple(k for k in names if skills or k != "skill_deviation")


def generated_values(
    model: Callable[[], Any], names: tuple[str, ...], values: dict[str, Array]
) -> dict[str, Array]:
    """Return the generative model's sites, given those of a model that replaces some of them."""
    fixed = handlers.substitute(handlers.seed(model, 0), data=values)
    trace = handlers.trace(fixed).get_trace()
    return {k: trace[k]["value"] for k in names}


def generated_values_of_draws(
    model: Callable[[], Any], names: tuple[str, ...], draws: dict[str, Array]
) -> dict[str, Array]:
    """Return `generated_values` of every draw; constrained sites, leading dimension D."""
    each = jax.vmap(partial(generated_values, model, names))
    found: dict[str, Array] = jax.jit(each)(draws)
    return found
