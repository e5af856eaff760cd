"""Automation, propagated through the posterior: who wins, who loses, and how sure we are.

For every posterior draw of θ and skills, the technology before and after gives choice
probabilities and expected wages in closed form (model.md, sections 3 and 6); nothing is simulated.
The population is the panel's workers, each with weight one. Shocks after automation are drawn
anew. Layout of the result: ``docs/posterior.md``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax import Array
from jaxtyping import Float

from taskroy.errors import ModelError
from taskroy.models.choice_grid import Grid, choice_moments
from taskroy.models.scenario import Automation
from taskroy.models.technology import Technology
from taskroy.progress import Progress, Silent

# Right to about 1e-9 in probabilities (tests/posteriors/test_counterfactual.py).
_GRID = Grid(nodes=72, terms=28, knots=200)
_BLOCK = 100
_QUANTILES = (0.05, 0.5, 0.95)


class Parameters(NamedTuple):
    """One posterior draw: what the economy needs to be solved."""

    skill: Float[Array, "N K"]
    skill_mean: Float[Array, " K"]
    intercept: Float[Array, " O"]
    amenity: Float[Array, " O"]
    wage_shock_scale: Float[Array, ""]
    taste_scale: Float[Array, ""]


class Equilibrium(NamedTuple):
    """Choices and wages of every worker under one technology.

    ``potential`` m_io, ``probability`` P(o | s_i), ``shock`` E[ε_o·1(ô = o) | s_i]: (N, O) each.
    """

    potential: Float[Array, "N O"]
    probability: Float[Array, "N O"]
    shock: Float[Array, "N O"]

    @property
    def expected_wage(self) -> Float[Array, " N"]:
        """E_i[w], over the worker's choices and shocks, (N,)."""
        return (self.probability * self.potential + self.shock).sum(1)


def solve(
    parameters: Parameters,
    task_weights: Float[Array, "O K"],
    intercept: Float[Array, " O"],
    *,
    shock: str,
    grid: Grid = _GRID,
) -> Equilibrium:
    """Solve workers' choices in closed form, given task weights and intercepts."""
    potential = intercept + parameters.skill @ task_weights.T
    worth = (potential + parameters.amenity) / parameters.taste_scale
    if shock == "worker":
        return Equilibrium(potential, jax.nn.softmax(worth, axis=1), jnp.zeros_like(worth))
    rho, nu = parameters.wage_shock_scale, parameters.taste_scale
    probability, stein = choice_moments(worth, rho / nu, grid)
    return Equilibrium(potential, probability, rho**2 / nu * stein)


def threshold_productivity(
    parameters: Parameters,
    before: Equilibrium,
    technology: Technology,
    share: Float[Array, " K"],
) -> Float[Array, " K"]:
    """Return z_τ − log r at which the mean incumbent is indifferent, (K,).

    Automating φ_τ of task τ changes the log wage of worker i in occupation o, at given shocks, by
    (φ_τ·α_oτ/LS'_o)·(z_τ − log r + m_io − s_iτ). This is the z that makes the mean of that over
    workers and the occupations they hold (so weighted by employment) zero, task by task.
    """
    kept = technology.labor_share - technology.alpha @ share
    # How much of each job the task is after automation, times the probability of holding it.
    weight = before.probability @ (technology.alpha / kept[:, None])
    held_wage = (before.probability * before.potential) @ (technology.alpha / kept[:, None])
    total = weight.sum(0)
    gap = (weight * parameters.skill - held_wage).sum(0)
    # A task that no occupation has is automated nowhere: any productivity will do.
    return jnp.where(total > 0, gap / jnp.where(total > 0, total, 1.0), 0.0)


def change_of_draw(
    parameters: Parameters,
    technology: Technology,
    share: Float[Array, " K"],
    productivity: float | None,
    *,
    shock: str,
) -> dict[str, Array]:
    """Return every effect of one automation at one posterior draw.

    Parameters
    ----------
    parameters
        The draw.
    technology
        Before automation.
    share
        φ_τ, (K,).
    productivity
        z − log r, or None for the threshold.
    shock
        ``"occupation"`` or ``"worker"``.

    Returns
    -------
    dict
        Variables of docs/posterior.md, by occupation (O,), scalar, or ``worker_change`` (N,).
    """
    weights = technology.task_weights
    before = solve(parameters, weights, parameters.intercept, shock=shock)
    machine = (
        threshold_productivity(parameters, before, technology, share)
        if productivity is None
        else jnp.full(share.shape, productivity)
    )
    automated, intercept = technology.automate(share, machine, parameters.intercept)
    new_weights = automated.task_weights
    after = solve(parameters, new_weights, intercept, shock=shock)

    def mean_in_occupation(state: Equilibrium, x: Array) -> Array:
        """Mean of x (N, O or N, O, K) over those who hold each occupation."""
        weight = state.probability if x.ndim == 2 else state.probability[..., None]
        return (weight * x).sum(0) / weight.sum(0)

    # E[w_o | ô = o] before and after, and E[w'_o | ô = o]: new wages, old choices.
    old_shock = before.shock.sum(0) / before.probability.sum(0)
    wage_before = mean_in_occupation(before, before.potential) + old_shock
    wage_stayed = mean_in_occupation(before, after.potential) + old_shock
    wage_after = mean_in_occupation(after, after.potential) + after.shock.sum(
        0
    ) / after.probability.sum(0)
    skill = before.probability.T @ parameters.skill / before.probability.sum(0)[:, None]
    shift = new_weights - weights
    worker_change = after.expected_wage - before.expected_wage
    winner = (worker_change > 0).astype(worker_change.dtype)
    loser = (worker_change < 0).astype(worker_change.dtype)
    employment = before.probability.sum(0)
    return {
        "log_wage_change": wage_after - wage_before,
        "productivity": intercept - parameters.intercept,
        "task_shift": shift @ parameters.skill_mean,
        "selection": (shift * (skill - parameters.skill_mean)).sum(1),
        "resorting": wage_after - wage_stayed,
        "incumbent_change": wage_stayed - wage_before,
        "employment_before": employment / employment.sum(),
        "employment_after": after.probability.sum(0) / after.probability.sum(),
        "mean_change": worker_change.mean(),
        "winners": winner.mean(),
        "losers": loser.mean(),
        "winners_by_occupation": winner @ before.probability / employment,
        "worker_change_by_occupation": worker_change @ before.probability / employment,
        "productivity_threshold": machine,
        "worker_change": worker_change,
    }


_BY_OCCUPATION = (
    "log_wage_change",
    "productivity",
    "task_shift",
    "selection",
    "resorting",
    "incumbent_change",
    "employment_before",
    "employment_after",
    "winners_by_occupation",
    "worker_change_by_occupation",
)


def counterfactual(
    posterior: xr.DataTree,
    scenarios: Sequence[Automation],
    *,
    progress: Progress | None = None,
) -> xr.DataTree:
    """Run scenarios on every draw of a posterior.

    Parameters
    ----------
    posterior
        A tree made by :func:`taskroy.fit`.
    scenarios
        One or more, with different names.
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
        occupation left without labour, or results that are not finite.
    """
    names = [scenario.name for scenario in scenarios]
    if not names or len(set(names)) < len(names):
        raise ModelError(
            f"The scenarios are named {names}.", expected="one or more, each with its own name"
        )
    tell = progress or Silent()
    with jax.enable_x64(True):
        results = [_run(posterior, scenario, tell) for scenario in scenarios]
    joined = xr.concat(results, pd.Index(names, name="scenario"), join="exact")
    tree = xr.DataTree.from_dict(
        {
            **{k: v.to_dataset() for k, v in posterior.children.items() if k != "counterfactual"},
            "counterfactual": joined,
        }
    )
    tree.attrs = dict(posterior.attrs)
    tree.attrs["scenarios"] = json.dumps([s.model_dump(mode="json") for s in scenarios])
    return tree


def _run(posterior: xr.DataTree, scenario: Automation, progress: Progress) -> xr.Dataset:
    draws, constants = posterior["posterior"].to_dataset(), posterior["constant_data"].to_dataset()
    exposure = pd.DataFrame(
        constants["exposure"].to_numpy(), list(constants.task.values), constants.exposure_label
    )
    share = scenario.shares(exposure)
    technology = Technology.from_task_weights(
        jnp.asarray(constants["task_weights"].to_numpy()),
        jnp.asarray(constants["labor_share"].to_numpy()),
    )
    _check_labour_is_left(technology, share, constants, scenario.name)
    fixed = None if scenario.productivity == "threshold" else float(scenario.productivity)
    step: Callable[[Parameters], dict[str, Array]] = partial(
        change_of_draw,
        technology=technology,
        share=jnp.asarray(share),
        productivity=fixed,
        shock=posterior.attrs["model"]["shock"],
    )
    results = _over_draws(jax.jit(partial(jax.lax.map, step)), _parameters(draws), progress)
    wrong = sorted(k for k, v in results.items() if not np.isfinite(v).all())
    if wrong:
        raise ModelError(
            f"'{wrong[0]}' is not finite in some draws.",
            where=f"scenario '{scenario.name}'",
            expected="finite wages in every occupation and draw",
            remedy="automate a smaller share, or look at the posterior's checks",
        )
    return _dataset(results, draws, constants, share)


def _parameters(draws: xr.Dataset) -> Parameters:
    """Stack chains and draws into one leading dimension."""
    zeros = xr.zeros_like(draws["intercept"])

    def flat(name: str) -> Array:
        values = draws.get(name, zeros).to_numpy().astype(np.float64)
        return jnp.asarray(values.reshape(-1, *values.shape[2:]))

    return Parameters(*(flat(name) for name in Parameters._fields))


def _over_draws(
    run: Callable[[Parameters], dict[str, Array]], parameters: Parameters, progress: Progress
) -> dict[str, np.ndarray]:
    total = len(parameters.taste_scale)
    progress.start("counterfactual", total)
    parts = []
    for first in range(0, total, _BLOCK):
        # The last block is filled up with its last draw, so that one shape compiles once.
        index = np.minimum(np.arange(first, first + _BLOCK), total - 1)
        part = run(Parameters(*(x[index] for x in parameters)))
        parts.append({k: np.asarray(v)[: total - first] for k, v in part.items()})
        progress.advance(min(first + _BLOCK, total))
    progress.finish()
    return {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}


def _check_labour_is_left(
    technology: Technology, share: np.ndarray, constants: xr.Dataset, scenario: str
) -> None:
    left = 1 - np.asarray(technology.task_weights) @ share
    if (left <= 1e-9).any():
        title = str(constants["occupation_title"].to_numpy()[left.argmin()])
        raise ModelError(
            f"Automation leaves '{title}' without labour, so it has no wage.",
            where=f"scenario '{scenario}'",
            expected="some weight on tasks that stay with workers in every occupation",
            remedy="automate a share below one, or fewer tasks",
        )


def _dataset(
    results: dict[str, np.ndarray], draws: xr.Dataset, constants: xr.Dataset, share: np.ndarray
) -> xr.Dataset:
    shape = (draws.sizes["chain"], draws.sizes["draw"])
    worker = results.pop("worker_change")
    variables: dict[str, Any] = {}
    for name, values in results.items():
        extra = ("occupation",) if name in _BY_OCCUPATION else ()
        extra = ("task",) if name == "productivity_threshold" else extra
        variables[name] = (("chain", "draw", *extra), values.reshape(shape + values.shape[1:]))
    weights = constants["task_weights"].to_numpy()
    variables |= {
        "worker_change_mean": ("worker", worker.mean(0)),
        "worker_change_sd": ("worker", worker.std(0)),
        "worker_gain_probability": ("worker", (worker > 0).mean(0)),
        "worker_change_quantile": (("quantile", "worker"), np.quantile(worker, _QUANTILES, axis=0)),
        "automated_share": ("task", share),
        "occupation_exposure": ("occupation", weights @ share),
    }
    return xr.Dataset(
        variables,
        {
            "occupation": constants["occupation"].to_numpy(),
            "task": constants["task"].to_numpy(),
            "worker": draws["worker"].to_numpy(),
            "quantile": list(_QUANTILES),
        },
    )
