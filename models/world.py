"""The economy at one posterior draw: what scenarios change, and how workers then choose.

A worker's potential log wage is m_io = μ_o + A_o·s_i + b_io, with b the premium that wage setting
adds (zero under competition). Given it, choices and expected wages are in closed form
(:mod:`taskroy.models.choice_outcomes`). Where experience pays they are those of the long run, in
which a worker has long forgotten where he began (:mod:`taskroy.models.experience_outcomes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.models.choice_grid import Grid
from taskroy.models.choice_outcomes import choice_outcomes
from taskroy.models.continuation import continuation
from taskroy.models.experience_outcomes import long_run, long_run_logit
from taskroy.models.technology import Technology

Shock = Literal["occupation", "worker"]

#: Right to about 1e-8 in probabilities and in welfare (tests/models/test_choice_outcomes.py).
GRID = Grid(nodes=72, terms=28, knots=200)
# What is to come turns on a steeper function of worths: 28 terms would be off by up to 3e-5 of ν.
_GRID_AHEAD = Grid(nodes=96, terms=64, knots=400)


class Parameters(NamedTuple):
    """One posterior draw: what the economy needs to be solved.

    ``discount``, β, is the same in all draws.
    """

    skill: Float[Array, "N K"]
    skill_mean: Float[Array, " K"]
    intercept: Float[Array, " O"]
    amenity: Float[Array, " O"]
    wage_shock_scale: Float[Array, ""]
    taste_scale: Float[Array, ""]
    experience_return: Float[Array, ""] | None = None
    discount: Float[Array, ""] | float | None = None


class World(NamedTuple):
    """What scenarios change, at one draw.

    ``intercept`` is μ_o with occupation prices in it, ``skill`` s_i, ``premium`` b_io,
    ``experience_return`` Δ, None where experience does not count; all in log-wage units.
    ``discount`` is β, how much next year's experience counts in a choice.
    """

    technology: Technology
    intercept: Float[Array, " O"]
    skill: Float[Array, "N K"]
    premium: Float[Array, "N O"]
    amenity: Float[Array, " O"]
    wage_shock_scale: Float[Array, ""]
    taste_scale: Float[Array, ""]
    experience_return: Float[Array, ""] | None = None
    discount: float = 0.0

    @classmethod
    def at(cls, draw: Parameters, technology: Technology) -> World:
        """Return the world of a draw before any scenario."""
        return cls(
            technology=technology,
            intercept=jnp.asarray(draw.intercept),
            skill=jnp.asarray(draw.skill),
            premium=jnp.zeros((len(draw.skill), len(draw.intercept)), draw.skill.dtype),
            amenity=jnp.asarray(draw.amenity),
            wage_shock_scale=jnp.asarray(draw.wage_shock_scale),
            taste_scale=jnp.asarray(draw.taste_scale),
            experience_return=draw.experience_return,
            discount=float(draw.discount or 0.0),
        )

    @property
    def productivity(self) -> Float[Array, "N O"]:
        """What competition would pay: μ_o + A_o·s_i, log-wage units, (N, O)."""
        return self.intercept + self.skill @ self.technology.task_weights.T

    @property
    def potential(self) -> Float[Array, "N O"]:
        """m_io, log-wage units, (N, O)."""
        return self.productivity + self.premium


class Equilibrium(NamedTuple):
    """Choices and wages of every worker in one world.

    ``potential`` m_io, ``probability`` P(o | s_i), ``shock`` E[ε_o·1(ô = o) | s_i], what experience
    pays included: (N, O) each. ``welfare`` is E[max_o (w + κ + u) | s_i], in log-wage units, (N,):
    of a year, whatever choices look ahead to.
    """

    potential: Float[Array, "N O"]
    probability: Float[Array, "N O"]
    shock: Float[Array, "N O"]
    welfare: Float[Array, " N"]

    @property
    def earned(self) -> Float[Array, "N O"]:
        """E[w_o·1(ô = o) | s_i], log-wage units, (N, O)."""
        return self.probability * self.potential + self.shock

    @property
    def expected_wage(self) -> Float[Array, " N"]:
        """E_i[w], over the worker's choices and shocks, log-wage units, (N,)."""
        return self.earned.sum(1)


def solve(world: World, shock: Shock, *, grid: Grid = GRID) -> Equilibrium:
    """Solve workers' choices in closed form.

    Parameters
    ----------
    world
        Technology, intercepts, skills and scales.
    shock
        Whether wage shocks are by occupation or by worker.
    grid
        Sizes of the quadrature.
    """
    potential, nu = world.potential, world.taste_scale
    worth = (potential + world.amenity) / nu
    if world.experience_return is not None:
        return _solve_long_run(world, world.experience_return, worth, shock, grid)
    if shock == "worker":
        welfare = nu * (jax.nn.logsumexp(worth, axis=1) + np.euler_gamma)
        return Equilibrium(potential, jax.nn.softmax(worth, axis=1), jnp.zeros_like(worth), welfare)
    rho = world.wage_shock_scale
    found = choice_outcomes(worth, rho / nu, grid)
    return Equilibrium(potential, found.probability, rho**2 / nu * found.stein, nu * found.worth)


def _solve_long_run(
    world: World, gain: Array, worth: Array, shock: Shock, grid: Grid
) -> Equilibrium:
    rho, nu = world.wage_shock_scale, world.taste_scale
    ahead = worth_ahead(world, worth, shock, grid)
    if shock == "worker":
        found = long_run_logit(worth + ahead, gain / nu)
    else:
        found = long_run(worth + ahead, rho / nu, gain / nu, grid)
    extra = rho**2 / nu * found.stein + gain * found.stay
    welfare = nu * (found.worth - (found.probability * ahead).sum(1))
    return Equilibrium(world.potential, found.probability, extra, welfare)


def worth_ahead(
    world: World, worth: Float[Array, "N O"], shock: Shock, grid: Grid
) -> Float[Array, "N O"]:
    """Return what to hold an occupation is worth from next year on, in units of ν, (N, O).

    Parameters
    ----------
    world
        Of whose scales, return to experience and discount factor; zero without the last two.
    worth
        (m_io + κ_o)/ν.
    shock, grid
        As for `solve`.
    """
    gain, nu = world.experience_return, world.taste_scale
    if gain is None or world.discount == 0:
        return jnp.zeros_like(worth)
    ratio = None if shock == "worker" else world.wage_shock_scale / nu
    return continuation(worth, ratio, gain / nu, world.discount, grid.at_least(_GRID_AHEAD))


@dataclass(frozen=True)
class Economy:
    """A world, and its equilibrium once that is asked for.

    Attributes
    ----------
    world
        The world.
    shock
        Whether wage shocks are by occupation or by worker.
    """

    world: World
    shock: Shock

    @cached_property
    def equilibrium(self) -> Equilibrium:
        """Choices and wages of every worker."""
        return solve(self.world, self.shock)
