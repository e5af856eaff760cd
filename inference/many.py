"""The posteriors of many data sets of one economy, by one computation: for calibration.

A fit spends more time on compiling than on sampling where panels are small. Here the whole way
from careers to draws, by ``nuts``, is one function of the careers and a key, compiled once and run
on every data set. What a fit chooses by looking (the grid) is chosen once, for all of them, and the
error that it makes on each is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from math import ceil
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int
from numpyro.infer.hmc import HMCState

from taskroy.errors import FitError
from taskroy.inference.accuracy import largest_error
from taskroy.inference.density import density_of
from taskroy.inference.nuts import (
    BLOCK,
    Sites,
    advance_block,
    begin,
    learn_metric,
    learns_after,
    nuts_kernel,
)
from taskroy.inference.pilot import FIRST_GRID, Pilot, first_fit, look_around, pilot
from taskroy.inference.pooled_metric import Moments, no_moments
from taskroy.inference.problem import Problem, generated_values
from taskroy.inference.seen import Seen, seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.skill_posterior import no_expansion
from taskroy.inference.spread_chains import compile_for_chains
from taskroy.inference.variational import STARTING_STEPS, approximate
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress, Silent

# Of other data sets than the one it is sized to.
_WIDER = 1.3


class ManyDraws(NamedTuple):
    """Draws from the posterior of each of S data sets.

    ``kept`` is what was kept of each draw, a pytree whose arrays are (S, chain, draw, …);
    ``diverging`` and ``steps`` are (S, chain, draw); ``grid_error`` is the largest error of the
    quadrature in the log P of a worker-year of each data set, (S,).
    """

    kept: Any
    diverging: np.ndarray
    steps: np.ndarray
    grid_error: np.ndarray


def parameters(sites: Sites) -> Sites:
    """Keep θ of a draw, and not the workers' skills."""
    return {k: v for k, v in sites.items() if k != "skill_deviation"}


def sample_many(
    economy: Economy,
    log_wage: Float[Array, "S N T"],
    occupation: Int[Array, "S N T"],
    model: ModelSettings,
    inference: InferenceSettings,
    key: Array,
    *,
    keep: Callable[[Sites], Any] = parameters,
    at_once: int | None = None,
    progress: Progress = Silent(),  # noqa: B008  (has no state)
) -> ManyDraws:
    """Draw from the posterior of each data set by ``nuts``.

    Parameters
    ----------
    economy
        What all data sets share, wage level included: the prior is the same for all.
    log_wage, occupation
        What was seen in each, padded.
    model
        Variant of the model and priors.
    inference
        Effort, tolerance and route, which is ``nuts``.
    key
        Random key.
    keep
        What to keep of a draw's constrained sites, ``skill_deviation`` among them.
    at_once
        Data sets given to the computation together, which a CPU's devices take in turn and others
        side by side; by default one for each device.
    progress
        Told how many data sets are done.

    Returns
    -------
    ManyDraws
        In the precision that JAX is set to: `inference.precision` is for whole fits.

    Raises
    ------
    FitError
        If another route is asked for.
    """
    if inference.method != "nuts":
        raise FitError(
            f"Many data sets at once are not fitted by '{inference.method}'.",
            expected="method = 'nuts'",
        )
    number, at_once = len(log_wage), at_once or jax.local_device_count()
    grid, coarse = _grids(economy, log_wage[0], occupation[0], model, inference, key)

    def one(inputs: tuple[Array, Array, Array]) -> tuple[Any, Array, Array, Array]:
        log_wage, occupation, key = inputs
        known = seen(economy, log_wage, occupation)
        return _posterior(known, model, inference, grid, coarse, keep, key)

    keys = jax.random.split(key, number)
    some = np.minimum(np.arange(at_once), number - 1)
    example = (log_wage[some], occupation[some], keys[some])
    program = compile_for_chains(one, example, at_once)
    progress.start("data sets", number)
    parts = []
    for first in range(0, number, at_once):
        # The last batch is filled up with repetitions: one shape, one compilation.
        batch = np.minimum(np.arange(first, first + at_once), number - 1)
        found = program.run((log_wage[batch], occupation[batch], keys[batch]))
        parts.append(jax.tree.map(np.asarray, found))
        progress.advance(min(first + at_once, number), "")
    progress.finish()
    return ManyDraws(*jax.tree.map(lambda *x: np.concatenate(x)[:number], *parts))


def _grids(
    economy: Economy,
    log_wage: Array,
    occupation: Array,
    model: ModelSettings,
    inference: InferenceSettings,
    key: Array,
) -> tuple[Grid, Grid]:
    """Size grids to one data set, and make them wider."""
    if model.shock == "worker":  # the choice is a logit, without a grid
        return FIRST_GRID, FIRST_GRID
    known = seen(economy, log_wage, occupation)
    found = pilot(known, model, inference.tolerance, key, Silent())
    found = found.refined(known, inference.tolerance)
    return _wider(found.grid), _wider(found.coarse)


def _wider(grid: Grid) -> Grid:
    sizes = {name: 8 * ceil(_WIDER * size / 8) for name, size in asdict(grid).items()}
    return Grid(**sizes)


def _posterior(
    known: Seen,
    model: ModelSettings,
    inference: InferenceSettings,
    grid: Grid,
    coarse: Grid,
    keep: Callable[[Sites], Any],
    key: Array,
) -> tuple[Any, Array, Array, Array]:
    """Draw from one posterior: what a fit does, as one function that can be traced."""
    pilot_key, guide_key, start_key, chain_key = jax.random.split(key, 4)
    values, levels = first_fit(known, model, pilot_key, None)
    there, expansion = look_around(values, known, model, no_expansion(known.economy))
    error = largest_error(there.replace(grid=grid), known.career)
    problem = Problem(known, model, Pilot(values, expansion, grid, coarse, there, levels))
    guide = approximate(
        problem.joint,
        guide_key,
        problem.start(),
        steps=STARTING_STEPS,
        learning_rate=0.01,
        progress=None,
    )
    density = density_of(problem.joint)
    starts = jax.vmap(density.to_real)(guide.sample(start_key, inference.chains))
    block = (guide.parameter_sites, guide.parameter_gaussian().covariance_matrix)
    draws, statistics = _chains(density.potential, starts, chain_key, inference, *block)
    names = problem.sites(skills=True)

    def kept(point: Sites) -> Any:
        return keep(generated_values(problem.joint, names, density.from_real(point)))

    every = jax.lax.map(lambda chain: jax.lax.map(kept, chain), draws)
    return every, statistics["diverging"], statistics["n_steps"], error


def _chains(
    potential: Callable[[Sites], Array],
    starts: Sites,
    key: Array,
    inference: InferenceSettings,
    dense: tuple[str, ...],
    covariance: Array,
) -> tuple[Sites, dict[str, Array]]:
    """Run the chains of :func:`taskroy.inference.nuts.run_chains`, each block one after the other.

    Returns unconstrained sites and statistics, (chain, draw, …).
    """
    kernel = nuts_kernel(potential, inference, dense, {dense: covariance})
    height, slope = jax.lax.map(jax.value_and_grad(potential), starts)
    state = begin(kernel, starts, height, slope, key, inference)

    def block(
        carried: tuple[HMCState, Moments], done: Array
    ) -> tuple[tuple[HMCState, Moments], dict[str, Array]]:
        state, drawn = jax.lax.map(partial(advance_block, kernel), carried[0])
        sites = {k: drawn[k] for k in starts}
        after = jax.lax.cond(
            learns_after(done, inference.warmup),
            lambda state, moments: learn_metric(state, moments, sites),
            lambda state, moments: (state, moments),
            *(state, carried[1]),
        )
        return after, drawn

    total = inference.warmup + inference.draws
    ends = jnp.arange(BLOCK, total + BLOCK, BLOCK)
    _, blocks = jax.lax.scan(block, (state, no_moments(state)), ends)

    def joined(x: Array) -> Array:
        chains = jnp.moveaxis(x, 0, 1)
        return chains.reshape(len(chains), -1, *x.shape[3:])[:, inference.warmup : total]

    draws = {k: joined(v) for k, v in blocks.items()}
    return {k: draws.pop(k) for k in starts}, draws
