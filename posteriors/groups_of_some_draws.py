"""What is computed of some draws, with the fit: five groups of a posterior tree.

``log_prior`` and ``log_likelihood`` are as ArviZ knows them; ``new_worker`` says how what was seen
compares with what the same draws predict; ``laplace`` what Laplace's method misses. In
``redrawn_skills`` skills are drawn once more at the same θ: two independent draws of all skills at
each of many θ tell how much of the posterior variance of anything is due to skills and how much to
θ (:mod:`taskroy.posteriors.uncertainty_split`). All need careers, of which a tree holds none; and
each draw takes as long as a step of the sampler, hence some (docs/posterior.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np
import xarray as xr
from jax import Array

from taskroy.inference.checkpoint import MakeRoom, Room
from taskroy.inference.drawn_skills import DrawnSkills
from taskroy.inference.draws import Draws
from taskroy.inference.problem import Problem
from taskroy.inference.second_look import SecondLook, look_again
from taskroy.inference.seen import Seen
from taskroy.models.settings import ModelSettings
from taskroy.posteriors.forward_draws import below_observed
from taskroy.posteriors.room import values_in
from taskroy.posteriors.some_draws import SomeDraws
from taskroy.progress import Progress

CAREER = "career"
BELOW = "mean_log_wage_below"
REDRAWN = "redrawn_skills"


def groups_of_some_draws(
    known: Seen,
    model: ModelSettings,
    draws: Draws,
    posterior: Mapping[str, np.ndarray],
    coordinates: Mapping[str, Any],
    key: Array,
    progress: Progress,
    room: MakeRoom,
) -> dict[str, xr.Dataset]:
    """Look again at evenly spaced draws of θ.

    Parameters
    ----------
    known, model
        What was seen, and the variant of the model.
    draws, posterior
        Of the route, and completed (chain, draw, …): mean skills are drawn after the others.
    coordinates
        Of workers and tasks.
    key
        Random key.
    progress
        Told how far it is.
    room
        Makes room for skills.

    Returns
    -------
    dict
        ``log_prior``: a variable for each site of θ (chain, draw). ``log_likelihood``: ``career``
        (chain, draw, worker), of each worker's whole career, skills integrated out.
        ``new_worker``: ``mean_log_wage_below``, by worker too, whether somebody new with his
        covariates and years has a lower mean log wage. ``laplace``, where skills were integrated
        out: ``log_correction``, what of the log likelihood Laplace's method misses.
        ``redrawn_skills``: ``skill`` (chain, draw, worker, task), of mean skills as in the
        posterior, in single precision, which is finer than any posterior. The coordinate ``draw``
        says which draws of the posterior they are of.
    """
    problem = Problem(known, model, draws.pilot)
    some = SomeDraws.of(problem, draws, posterior)
    mean = np.asarray(posterior["skill_mean"])[:, some.kept]
    redrawn = room(REDRAWN, (*mean.shape[:2], *known.weights.shape[::2]), np.float32)
    found = _look_again(
        look_again(problem.skills(), some.sites, jax.random.fold_in(key, 1), progress),
        mean.reshape(-1, 1, mean.shape[-1]),
        DrawnSkills(redrawn),
    )
    below = below_observed(
        *(known.economy, model, draws.pilot.grid, some.sites, known.career),
        jax.random.fold_in(key, 2),
    )

    def named(values: Mapping[str, np.ndarray], *dimensions: str) -> xr.Dataset:
        coords = {name: coordinates[name] for name in dimensions}
        return some.dataset(values, *dimensions).assign_coords(coords)

    of_laplace = {"laplace": named({"log_correction": found.correction})}
    return (of_laplace if draws.skill_log_weights is not None else {}) | {
        "log_prior": named(found.prior),
        "log_likelihood": named({CAREER: found.likelihood}, "worker"),
        "new_worker": named({BELOW: below}, "worker"),
        REDRAWN: _named_skills(some, redrawn, coordinates),
    }


def _named_skills(some: SomeDraws, redrawn: Room, coordinates: Mapping[str, Any]) -> xr.Dataset:
    skill = (("chain", "draw", "worker", "task"), values_in(redrawn))
    coords = {name: coordinates[name] for name in ("worker", "task")}
    return some.dataset({}).assign(skill=skill).assign_coords(coords)


def _look_again(looks: Iterator[SecondLook], mean: np.ndarray, redrawn: DrawnSkills) -> SecondLook:
    """Gather all but skills, which are written where there is room, as levels."""
    parts, done = [], 0
    for part in looks:
        count = len(part.deviation)
        redrawn.write(done, part.deviation + mean[done : done + count])
        parts.append(part._replace(deviation=None))
        done += count
    found: SecondLook = jax.tree.map(lambda *p: np.concatenate(p), *parts)
    return found
