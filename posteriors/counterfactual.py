"""Scenarios, propagated through the posterior: who wins, who loses, and how sure we are.

For every posterior draw of θ and skills, the worlds before and after give choice probabilities and
expected wages in closed form (model.md, sections 3 and 6); nothing is simulated. The population is
the panel's workers, each with weight one. Shocks after the change are drawn anew. Layout of the
result: ``docs/posterior.md``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from operator import itemgetter

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax import Array
from numpy.typing import NDArray

from taskroy.errors import ModelError
from taskroy.models.learning import Learning
from taskroy.models.prices import CONVERGED
from taskroy.models.scenario import AnyStep, Automation, Scenario, steps_of
from taskroy.models.scenario_tasks import (
    automated_shares,
    check_scenario,
    expand,
    shares_of,
)
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.draw_summaries import QUANTILES, DrawSummaries
from taskroy.posteriors.effects import DIMENSIONS, WIDE, effects
from taskroy.posteriors.flows import GROUPS
from taskroy.posteriors.inequality import MEASURES
from taskroy.posteriors.skill_groups import QUARTERS
from taskroy.posteriors.winners import PERCENTILES
from taskroy.progress import Progress, Silent

_BLOCK = 100
# Of held shocks: scenarios that are compared share them, and a repetition has the same.
_SEED = 1
# Not a number by right: the productivity of machines where there are none.
_MAY_BE_MISSING = frozenset({"productivity_threshold"})


def counterfactual(
    posterior: xr.DataTree,
    scenarios: Sequence[Automation | Scenario],
    *,
    held_shocks: int = 0,
    progress: Progress | None = None,
) -> xr.DataTree:
    """Run scenarios on every draw of a posterior.

    Parameters
    ----------
    posterior
        A tree made by :func:`taskroy.fit`.
    scenarios
        One or more, with different names. One that automates each of several tasks becomes as many.
    held_shocks
        Sets of shocks, the same before and after, with which each worker's moves are simulated for
        every draw besides what is in closed form; 0 for none. All scenarios have the same ones.
    progress
        Told how far it is.

    Returns
    -------
    DataTree
        The posterior with the group ``counterfactual``, dimension ``scenario`` first.

    Raises
    ------
    ModelError
        For scenarios without or with the same name, tasks or labels that do not exist, an
        occupation left without labour, prices that do not converge, held shocks where experience
        pays, or results that are not finite.

    Warns
    -----
    NothingChanges
        For a scenario whose steps change nothing.
    """
    constants = posterior["constant_data"].to_dataset()
    exposure = _exposure(constants)
    alone = expand(scenarios, exposure)
    names = [scenario.name for scenario in alone]
    if not names or len(set(names)) < len(names):
        raise ModelError(
            f"The scenarios are named {names}.", expected="one or more, each with its own name"
        )
    for scenario in alone:
        check_scenario(
            scenario,
            exposure,
            constants["task_weights"].to_numpy(),
            constants["occupation_title"].to_numpy(),
            experience="experience_return" in posterior["posterior"],
        )
    tell = progress or Silent()
    if held_shocks:
        _require_static(alone, posterior)
    with jax.enable_x64(True):
        compute = _Compiled(posterior, held_shocks)
        results = [_run(posterior, scenario, exposure, compute, tell) for scenario in alone]
    joined = xr.concat(results, pd.Index(names, name="scenario"), join="exact")
    tree = xr.DataTree.from_dict(
        {
            **{k: v.to_dataset() for k, v in posterior.children.items() if k != "counterfactual"},
            "counterfactual": joined,
        }
    )
    tree.attrs = dict(posterior.attrs)
    tree.attrs["scenarios"] = json.dumps([s.model_dump(mode="json") for s in alone])
    return tree


class _Compiled:
    """Effects of many draws, compiled once for scenarios that differ only in their tasks."""

    def __init__(self, posterior: xr.DataTree, held_shocks: int) -> None:
        constants = posterior["constant_data"].to_dataset()
        self._technology = Technology.from_task_weights(
            jnp.asarray(constants["task_weights"].to_numpy()),
            jnp.asarray(constants["labor_share"].to_numpy()),
        )
        self._shock = posterior.attrs["model"]["shock"]
        self._members = _members(constants)
        self._held_shocks = held_shocks
        self._programs: dict[tuple[AnyStep, ...], Callable[..., dict[str, Array]]] = {}

    def steps(self, steps: Sequence[AnyStep]) -> Callable[..., dict[str, Array]]:
        """Return the effects of such steps as a function of their shares, and of numbered draws."""
        form, number = tuple(step.form for step in steps), self._held_shocks
        where = {"shock": self._shock, "members": self._members}

        def of_draw(shares: Array, index: Array, draw: Parameters) -> dict[str, Array]:
            key = jax.random.fold_in(jax.random.key(_SEED), index)
            held = (key, number) if number else None
            return effects(draw, form, self._technology, shares, **where, held=held)

        def of_draws(shares: Array, index: Array, draws: Parameters) -> dict[str, Array]:
            return jax.lax.map(lambda numbered: of_draw(shares, *numbered), (index, draws))

        if form not in self._programs:
            self._programs[form] = jax.jit(of_draws)
        return self._programs[form]


def _require_static(scenarios: Sequence[Automation | Scenario], posterior: xr.DataTree) -> None:
    steps = [step for scenario in scenarios for step in steps_of(scenario)]
    learns = any(isinstance(step, Learning) for step in steps)
    if learns or "experience_return" in posterior["posterior"]:
        raise ModelError(
            "Shocks are not held where experience in an occupation pays.",
            expected="held_shocks = 0: the long run has forgotten the shocks of one year",
            remedy="set held_shocks = 0, or leave out returns to experience",
        )


def _exposure(constants: xr.Dataset) -> pd.DataFrame:
    return pd.DataFrame(
        constants["exposure"].to_numpy(), list(constants.task.values), constants.exposure_label
    )


def _members(constants: xr.Dataset) -> Array | None:
    """Return each worker's weight in each group of people; a group's weights sum to one."""
    if "member" not in constants:
        return None
    weight = constants["member"].to_numpy().astype(np.float64)
    if "worker_weight" in constants:
        weight = weight * constants["worker_weight"].to_numpy()
    return jnp.asarray(weight / weight.sum(1, keepdims=True))


def _run(
    posterior: xr.DataTree,
    scenario: Automation | Scenario,
    exposure: pd.DataFrame,
    compute: _Compiled,
    progress: Progress,
) -> xr.Dataset:
    draws, constants = posterior["posterior"].to_dataset(), posterior["constant_data"].to_dataset()
    run = partial(compute.steps(steps_of(scenario)), jnp.asarray(shares_of(scenario, exposure)))
    with DrawSummaries.collecting() as wide:
        results = _over_draws(run, _parameters(draws), wide, scenario.name, progress)
        summaries = {
            f"{name}_{key}": variable
            for name, dimensions in WIDE.items()
            for key, variable in wide.summaries(name, dimensions).items()
        }
    shape = (draws.sizes["chain"], draws.sizes["draw"])
    variables = {
        name: (("chain", "draw", *DIMENSIONS.get(name, ())), x.reshape(shape + x.shape[1:]))
        for name, x in results.items()
    }
    share = automated_shares(scenario, exposure)
    summaries["worker_gain_probability"] = summaries.pop("worker_change_positive")
    del summaries["flow_positive"]  # shares of workers, positive always
    return xr.Dataset(
        {
            **variables,
            **summaries,
            "automated_share": ("task", share),
            "occupation_exposure": ("occupation", constants["task_weights"].to_numpy() @ share),
        },
        {
            "occupation": constants["occupation"].to_numpy(),
            "origin": constants["occupation"].to_numpy(),
            "destination": constants["occupation"].to_numpy(),
            "task": constants["task"].to_numpy(),
            "worker": draws["worker"].to_numpy(),
            "quantile": list(QUANTILES),
            "group": list(GROUPS),
            "measure": list(MEASURES),
            "percentile": list(PERCENTILES),
            "skill_quarter": list(QUARTERS),
            **({"people": constants["people"].to_numpy()} if "people" in constants else {}),
        },
    )


def _parameters(draws: xr.Dataset) -> Parameters:
    """Stack chains and draws into one leading dimension."""
    values = {"amenity": xr.zeros_like(draws["intercept"]), **draws.data_vars}

    def flat(name: str) -> Array:
        array = values[name].to_numpy().astype(np.float64)
        return jnp.asarray(array.reshape(-1, *array.shape[2:]))

    return Parameters(**{name: flat(name) for name in Parameters._fields if name in values})


def _over_draws(
    run: Callable[[Array, Parameters], dict[str, Array]],
    parameters: Parameters,
    wide: DrawSummaries,
    scenario: str,
    progress: Progress,
) -> dict[str, NDArray[np.float64]]:
    """Return what is kept draw by draw; the rest goes to `wide`."""
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
            wide.add(name, part.pop(name))
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
