"""The quadrature where draws are: its error there, and one that does.

A grid is sized where a first fit ends. What it has to integrate is in units of the taste scale ν,
so it is too coarse for draws of a ν far below, or of skills far wider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array
from jaxtyping import Int
from numpyro import handlers

from taskroy.inference.accuracy import GridError, grid_error
from taskroy.inference.pilot import look_around
from taskroy.inference.problem import Problem, generated_values
from taskroy.inference.target import Grids
from taskroy.models.careers import Careers

_MEASURED = 8
_HEADROOM, _MARGIN = 2.0, 10.0


def error_at_draws(problem: Problem, draws: Mapping[str, Any]) -> GridError[float]:
    """Return the largest errors that the problem's grid makes at some of the posterior's draws.

    They are eight, evenly spaced by rank of ν, the smallest and the largest among them.

    Parameters
    ----------
    problem
        Whose grid.
    draws
        All latent sites of the generative model, constrained, leading dimension D; arrays, or what
        gives rows for an array of indices.
    """
    if problem.settings.shock == "worker":
        return GridError(0.0, 0.0)
    some = _by_taste_scale(draws, _MEASURED)
    chosen = {k: v[some] for k, v in draws.items()}
    measure = jax.jit(grid_error)
    found = np.array(
        [
            measure(careers, problem.known.career)
            for careers in _careers(problem.generative(), chosen, np.arange(len(some)))
        ]
    )
    largest = np.abs(found).argmax(axis=0)
    return GridError(*(float(found[row, i]) for i, row in enumerate(largest)))


def joint_grids(
    problem: Problem, draws: dict[str, Array], tolerance: float, margin: float = _MARGIN
) -> Grids:
    """Return the problem's grids, refined to do at eight of some draws.

    They are chosen as by `error_at_draws`: what is integrated is widest at the smallest ν, but
    series want most terms where skills are wide.

    Parameters
    ----------
    problem
        Whose grids, and whose posterior.
    draws
        Constrained values of the sites of `problem.joint`, leading dimension D.
    tolerance
        Largest error wanted in the log P of a worker-year.
    margin
        How many times better than that, where half of it is not met: draws to come may lie further
        still. One asks for the tolerance and no more.
    """
    if problem.settings.shock == "worker":
        return problem.grids
    for there in _careers(problem.joint, draws, _by_taste_scale(draws, _MEASURED)):
        problem = _refined_at(problem, there, tolerance, margin)
    return problem.grids


def marginal_grids(problem: Problem, draws: dict[str, Array], tolerance: float) -> Grids:
    """Return what `joint_grids` does, for draws of the sites of `problem.marginal`.

    Skills are at their modes there; the grid of derivatives is refined too.
    """
    if problem.settings.shock == "worker":
        return problem.grids
    (i,) = _by_taste_scale(draws, 1)
    at = partial(generated_values, problem.marginal, problem.sites(skills=False))
    values = jax.jit(at)({k: v[i] for k, v in draws.items()})
    pilot = problem.pilot
    there, expansion, _ = look_around(values, problem.known, problem.settings, pilot.expansion)
    moved = replace(problem, pilot=pilot._replace(values=values, expansion=expansion))
    return _refined_at(moved, there, tolerance, _MARGIN).ready_for_laplace().grids


def _refined_at(problem: Problem, there: Careers, tolerance: float, margin: float) -> Problem:
    at = replace(problem, pilot=problem.pilot._replace(careers=there))
    # Half of the tolerance where draws are to come: some of them lie further still.
    finer = at.refined(tolerance / min(margin, _HEADROOM))
    return at if finer.grids == at.grids else finer.refined(tolerance / margin)


def _by_taste_scale(draws: Mapping[str, Any], number: int) -> Int[np.ndarray, " M"]:
    """Return some draws, evenly spaced by rank of ν, the smallest first."""
    order = np.argsort(np.asarray(draws["taste_scale"]))
    places = np.linspace(0, len(order) - 1, min(number, len(order)))
    return order[places.astype(int)]


def _careers(
    model: Callable[[], Any], draws: Mapping[str, Any], some: Int[np.ndarray, " M"]
) -> Iterator[Careers]:
    """Give the distribution of careers at some draws of a model's sites, one after the other."""

    @jax.jit
    def careers(values: dict[str, Array]) -> Careers:
        fixed = handlers.substitute(handlers.seed(model, 0), data=values)
        found: Careers = handlers.trace(fixed).get_trace()["career"]["fn"]
        return found

    for i in some:
        yield careers({k: v[i] for k, v in draws.items()})
