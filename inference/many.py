"""The posteriors of many data sets of one economy, by one computation: for calibration.

A fit spends more time on compiling than on sampling where panels are small. Here the whole way
from careers to draws is one function of the careers and a key, compiled once and run on every data
set (:mod:`taskroy.inference.many_routes`). What a fit chooses by looking (the grid) is chosen once,
for all of them, and the error that it makes on each is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from math import ceil
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from taskroy.errors import FitError
from taskroy.inference.known_variants import require_known
from taskroy.inference.many_routes import METHODS, Posterior, each, posterior
from taskroy.inference.nuts import Sites
from taskroy.inference.pilot import FIRST_GRID, pilot
from taskroy.inference.problem import Problem
from taskroy.inference.seen import Seen, seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.spread_chains import compile_for_chains
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress, Silent

# Of other data sets than the one it is sized to.
_WIDER = 1.3


class ManyDraws(NamedTuple):
    """Draws from the posterior of each of S data sets.

    ``kept`` is what was kept of each draw that thinning left, a pytree whose arrays are (S, chain,
    draw, …); ``diverging`` and ``steps`` are of every draw, (S, chain, draw); ``grid_error`` is the
    largest error of the quadrature in the log P of a worker-year of each data set, (S,).
    """

    kept: Any
    diverging: np.ndarray
    steps: np.ndarray
    grid_error: np.ndarray


type Keep = Callable[[Sites, Seen, Array], Any]


def parameters(sites: Sites, known: Seen, key: Array) -> Sites:
    """Keep θ of a draw, and not the workers' skills."""
    return {k: v for k, v in sites.items() if k != "skill_deviation"}


class Fits(NamedTuple):
    """Fits of data sets of one size, compiled for a batch of them."""

    run_batch: Callable[[tuple[Array, Array, Array]], Any]
    at_once: int

    def run(
        self,
        log_wage: Float[Array, "S N T"],
        occupation: Int[Array, "S N T"],
        keys: Array,
        progress: Progress,
    ) -> ManyDraws:
        """Draw from the posterior of each data set, each with a random key of its own."""
        number = len(log_wage)
        progress.start("data sets", number)
        parts = []
        for first in range(0, number, self.at_once):
            # The last batch is filled up with repetitions: one shape, one compilation.
            batch = np.minimum(np.arange(first, first + self.at_once), number - 1)
            found = self.run_batch((log_wage[batch], occupation[batch], keys[batch]))
            parts.append(jax.tree.map(np.asarray, found))
            progress.advance(min(first + self.at_once, number), "")
        progress.finish()
        return ManyDraws(*jax.tree.map(lambda *x: np.concatenate(x)[:number], *parts))


def compile_fits(
    economy: Economy,
    model: ModelSettings,
    inference: InferenceSettings,
    grids: tuple[Grid, Grid],
    *,
    keep: Keep = parameters,
    thin: int = 1,
    at_once: int | None = None,
) -> Fits:
    """Compile the way from careers to posterior draws.

    Parameters
    ----------
    economy
        What all data sets share, wage level included: the prior is the same for all.
    model
        Variant of the model and priors.
    inference
        Effort and route: one of ``nuts``, ``nuts-marginal`` and ``svi``.
    grids
        Of the quadrature of the density, and of derivatives.
    keep
        What to keep of a draw: a function of its constrained sites, ``skill_deviation`` among them,
        of what was seen, and of a random key.
    thin
        Every how many draws one is kept.
    at_once
        Data sets given to the computation together, which a CPU's devices take in turn and others
        side by side; by default one for each device.

    Raises
    ------
    FitError
        If another route is asked for, or one that does not know the variant.
    """
    if inference.method not in METHODS:
        raise FitError(
            f"Many data sets at once are not fitted by '{inference.method}'.",
            expected=f"method = one of {', '.join(METHODS)}",
        )
    require_known(model, inference.method)
    at_once = at_once or jax.local_device_count()

    def one(inputs: tuple[Array, Array, Array]) -> Posterior:
        log_wage, occupation, key = inputs
        known = seen(economy, log_wage, occupation)
        fit_key, keep_key = jax.random.split(key)
        found = posterior(known, model, inference, grids, thin, fit_key)
        shape = next(iter(found.sites.values())).shape[:2]
        keys = jax.random.split(keep_key, shape)
        kept = each(lambda draw: keep(draw[0], known, draw[1]), (found.sites, keys))
        return found._replace(sites=kept)

    shape = (at_once, *economy.observed.shape)
    example = (
        jnp.zeros(shape, economy.design.dtype),
        jnp.zeros(shape, jnp.int32),
        jax.random.split(jax.random.key(0), at_once),
    )
    return Fits(compile_for_chains(one, example, at_once).run, at_once)


def sample_many(
    economy: Economy,
    log_wage: Float[Array, "S N T"],
    occupation: Int[Array, "S N T"],
    model: ModelSettings,
    inference: InferenceSettings,
    key: Array,
    *,
    keep: Keep = parameters,
    at_once: int | None = None,
    progress: Progress = Silent(),  # noqa: B008  (has no state)
) -> ManyDraws:
    """Draw from the posterior of each data set.

    Parameters
    ----------
    log_wage, occupation
        What was seen in each, padded.
    key
        Random key.
    progress
        Told how many data sets are done.
    economy, model, inference, keep, at_once
        As for `compile_fits`.

    Returns
    -------
    ManyDraws
        In the precision that JAX is set to: `inference.precision` is for whole fits.

    Raises
    ------
    FitError
        If another route is asked for.
    """
    grids = _grids(economy, log_wage[0], occupation[0], model, inference, key)
    fits = compile_fits(economy, model, inference, grids, keep=keep, at_once=at_once)
    keys = jax.random.split(key, len(log_wage))
    return fits.run(log_wage, jnp.asarray(occupation, jnp.int32), keys, progress)


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
    problem = Problem(known, model, found).refined(inference.tolerance)
    if inference.method != "nuts":
        problem = problem.ready_for_laplace()
    return _wider(problem.pilot.grid), _wider(problem.pilot.coarse)


def _wider(grid: Grid) -> Grid:
    sizes = {name: 8 * ceil(_WIDER * size / 8) for name, size in asdict(grid).items()}
    return Grid(**sizes)
