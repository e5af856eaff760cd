"""Replications of a calibration: truths, data, fits, and the ranks of truths among draws.

A data set, its fit and its ranks depend on the plan and on the data set's number, and on nothing
else: any part of a run can be done again, alone, and comes out the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from arviz_stats.base import array_stats
from jax import Array
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, PositiveInt

from taskroy.inference.many import Fits, compile_fits
from taskroy.inference.settings import InferenceSettings
from taskroy.models.choice_grid import Grid
from taskroy.models.priors import HalfNormal, LogNormal, Normal, Priors
from taskroy.models.roy import Economy, bases
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology
from taskroy.posteriors.calibration import ranks
from taskroy.posteriors.calibration_quantities import quantities
from taskroy.posteriors.calibration_simulator import (
    Careers,
    Setting,
    Truth,
    simulate,
    small_setting,
)
from taskroy.posteriors.calibration_truth import true_quantities
from taskroy.progress import Progress

#: Tighter than for data: truths from them give panels in which a few dozen workers say something.
PRIORS = Priors(
    wage_shock_scale=LogNormal(median=0.35, log_sd=0.3),
    taste_scale=LogNormal(median=0.25, log_sd=0.3),
    skill_mean=Normal(sd=0.5),
    skill_sd=LogNormal(median=1.0, log_sd=0.4),
    loading_scale=HalfNormal(scale=1.0),
    intercept_scale=HalfNormal(scale=0.2),
    intercept_constant=Normal(sd=0.5),
    amenity_scale=HalfNormal(scale=0.2),
    coefficient=Normal(sd=0.3),
)
# Of all data sets; the error on each is measured.
_GRIDS = (Grid(nodes=64, terms=16, knots=64), Grid(nodes=40, terms=16, knots=64))


class Plan(BaseModel):
    """Everything that a data set's ranks depend on, besides its number and the program.

    Attributes
    ----------
    seed
        Of truths, data and fits.
    model
        Variant and priors, of simulator and fit alike.
    inference
        Route and effort.
    workers, years
        Size of a data set.
    thin
        Every how many draws one is ranked against, so that they are nearly independent.
    chunk
        Data sets in a chunk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 1
    model: ModelSettings = ModelSettings(priors=PRIORS)
    inference: InferenceSettings = InferenceSettings(
        chains=1, warmup=250, draws=400, target_accept=0.8
    )
    workers: PositiveInt = 30
    years: PositiveInt = 4
    thin: PositiveInt = 4
    chunk: PositiveInt = 20

    @property
    def setting(self) -> Setting:
        """What all data sets share."""
        return small_setting(self.workers, self.years)

    @property
    def draws(self) -> int:
        """Draws that a truth is ranked among."""
        return self.inference.draws // self.thin * self._chains

    @property
    def _chains(self) -> int:
        return 1 if self.inference.method == "svi" else self.inference.chains


class Replications(NamedTuple):
    """Of B data sets: truths and their ranks, (B, Q), and what the fits say of themselves.

    ``effective`` is the effective number of the draws ranked against, (B, Q); ``diverging`` the
    share of draws that diverged, ``steps`` their mean number of steps, ``grid_error`` the largest
    error of the quadrature in the log P of a worker-year, (B,) each.
    """

    truth: Float[np.ndarray, "B Q"]
    rank: Int[np.ndarray, "B Q"]
    effective: Float[np.ndarray, "B Q"]
    diverging: Float[np.ndarray, " B"]
    steps: Float[np.ndarray, " B"]
    grid_error: Float[np.ndarray, " B"]


class Calibrator:
    """Fits of a plan's data sets, compiled once.

    Parameters
    ----------
    plan
        What is calibrated.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._setting, self._model = plan.setting, plan.model.model_dump()
        self._names = tuple(_example(plan))
        self._precision = partial(jax.enable_x64, plan.inference.precision == "float64")
        with self._precision():
            self._fits = self._compiled()

    def chunk(self, number: int, progress: Progress) -> Replications:
        """Simulate, fit and rank the data sets of one chunk, counted from 0."""
        first = number * self.plan.chunk
        return self.replicate(range(first, first + self.plan.chunk), progress)

    def replicate(self, numbers: range, progress: Progress) -> Replications:
        """Simulate, fit and rank data sets by their numbers."""
        plan, simulated = self.plan, [self._simulated(i) for i in numbers]
        truth = np.stack(
            [self._flat(true_quantities(self._setting, *one, self._model)) for one in simulated]
        )
        with self._precision():
            key = jax.random.key(plan.seed)
            found = self._fits.run(
                jnp.asarray(np.stack([careers.log_wage for _, careers in simulated])),
                jnp.asarray(np.stack([careers.occupation for _, careers in simulated])),
                jnp.stack([jax.random.fold_in(key, i) for i in numbers]),
                progress,
            )
        draws = found.kept
        rank = [
            ranks(t[None], d.reshape(1, -1, d.shape[-1]), np.random.default_rng([plan.seed, i, 1]))
            for t, d, i in zip(truth, draws, numbers, strict=True)
        ]
        return Replications(
            truth,
            np.concatenate(rank),
            _effective(draws),
            found.diverging.mean((1, 2)),
            found.steps.mean((1, 2)),
            found.grid_error,
        )

    def _simulated(self, number: int) -> tuple[Truth, Careers]:
        return simulate(self._setting, self._model, np.random.default_rng([self.plan.seed, number]))

    def _flat(self, values: Mapping[str, Any]) -> Float[np.ndarray, " Q"]:
        return np.concatenate([np.ravel(values[name]) for name in self._names])

    def _compiled(self) -> Fits:
        plan, setting = self.plan, self._setting
        automated = jnp.asarray(setting.automated)

        def keep(sites: dict[str, Array], known: Any, key: Array) -> Array:
            found = quantities(sites, known, plan.model, _GRIDS[0], automated, key)
            return jnp.concatenate([found[name].reshape(-1) for name in self._names])

        compiled = partial(compile_fits, keep=keep, thin=plan.thin)
        return compiled(economy_of(setting), plan.model, plan.inference, _GRIDS)


def quantity_names(plan: Plan) -> tuple[str, ...]:
    """Return a name for each number that is ranked: ``skill_sd[1]``."""
    names: list[str] = []
    for name, value in _example(plan).items():
        names += [name] if value.ndim == 0 else [f"{name}[{i}]" for i in range(value.size)]
    return tuple(names)


def _example(plan: Plan) -> dict[str, Float[np.ndarray, "..."]]:
    model, setting = plan.model.model_dump(), plan.setting
    truth, careers = simulate(setting, model, np.random.default_rng(plan.seed))
    return true_quantities(setting, truth, careers, model)


def economy_of(setting: Setting) -> Economy:
    """Return the setting as the model's conditions."""
    technology = Technology.from_task_weights(setting.task_weights, setting.labor_share)
    return Economy(
        technology,
        jnp.asarray(setting.design),
        jnp.asarray(setting.observed),
        jnp.asarray(setting.wage_level),
        *bases(setting.task_weights),
    )


def _effective(draws: Float[np.ndarray, "B C D Q"]) -> Float[np.ndarray, "B Q"]:
    found = [array_stats.ess(one, chain_axis=0, draw_axis=1) for one in draws]
    # Of a quantity that never changes there is no effective number: all draws are alike.
    return np.nan_to_num(np.asarray(found), nan=float(np.prod(draws.shape[1:3])))
