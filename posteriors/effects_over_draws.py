"""Effects of one scenario, draw by draw, in blocks: never all at once in memory."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array
from numpy.typing import NDArray

from taskroy.errors import ModelError
from taskroy.models.prices import CONVERGED
from taskroy.models.world import Parameters
from taskroy.posteriors.draw_summaries import DrawSummaries
from taskroy.posteriors.effects import BY_PEOPLE, WIDE
from taskroy.progress import Progress

_BLOCK = 100
# Not numbers by right: the productivity of machines where there are none, and what becomes of those
# who are skilled at what is automated where nothing is.
_MAY_BE_MISSING = frozenset({"productivity_threshold", *BY_PEOPLE})


def parameters_of(draws: xr.Dataset) -> Parameters:
    """Stack chains and draws into one leading dimension.

    Parameters
    ----------
    draws
        Group ``posterior``.
    """
    values = {"amenity": xr.zeros_like(draws["intercept"]), **draws.data_vars}

    def flat(name: str) -> Array:
        array = values[name].to_numpy().astype(np.float64)
        return jnp.asarray(array.reshape(-1, *array.shape[2:]))

    return Parameters(**{name: flat(name) for name in Parameters._fields if name in values})


def over_draws(
    run: Callable[[Array, Parameters], dict[str, Array]],
    parameters: Parameters,
    scenario: str,
    progress: Progress,
    *,
    wide: DrawSummaries | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return the effects of a scenario that are kept draw by draw.

    Parameters
    ----------
    run
        Effects of numbered draws, compiled (:mod:`taskroy.posteriors.scenario_programs`).
    parameters
        The draws, from `parameters_of`.
    scenario
        Its name, for messages.
    progress
        Told how far it is.
    wide
        Collects the effects that are not kept draw by draw; None drops them.

    Returns
    -------
    dict
        With a leading dimension of draws.

    Raises
    ------
    ModelError
        For prices that do not converge, or results that are not finite.
    """
    total = len(parameters.taste_scale)
    block = min(_BLOCK, total)
    progress.start("counterfactual", total)
    parts = []
    for first in range(0, total, block):
        # The last block is filled up with its last draw, so that one shape compiles once.
        index = np.minimum(np.arange(first, first + block), total - 1)
        found = run(jnp.asarray(index), jax.tree.map(itemgetter(index), parameters))
        part = {k: np.asarray(v)[: total - first] for k, v in found.items()}
        _check_numbers(part, scenario)
        for name in WIDE:
            rows = part.pop(name)
            if wide is not None:
                wide.add(name, rows)
        parts.append(part)
        progress.advance(min(first + block, total))
    progress.finish()
    return {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}


def _check_numbers(results: dict[str, NDArray[np.float64]], scenario: str) -> None:
    residual = results["price_residual"]
    apart = ~(residual <= CONVERGED)
    if apart.any():
        raise ModelError(
            f"Occupation prices do not converge in {apart.sum()} of {len(apart)} draws: the "
            f"largest excess is {np.max(residual):.2g} in log prices.",
            where=f"scenario '{scenario}'",
            expected=f"{CONVERGED:g} or less in every draw",
            remedy="allow more iterations, or a larger elasticity",
        )
    wrong = sorted(
        k for k, v in results.items() if k not in _MAY_BE_MISSING and not np.isfinite(v).all()
    )
    if wrong:
        raise ModelError(
            f"'{wrong[0]}' is not finite in some draws.",
            where=f"scenario '{scenario}'",
            expected="finite wages in every occupation and draw",
            remedy="automate a smaller share, or look at the posterior's checks",
        )
