"""Effects of scenarios at many draws, as programs that scenarios of one form share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax import Array

from taskroy.models.prices import Root
from taskroy.models.scenario import AnyStep, Automation, Scenario, steps_of
from taskroy.models.scenario_tasks import automated_shares, shares_of
from taskroy.models.step import Told
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.effects import effects
from taskroy.posteriors.skill_groups import QUARTILES, SkillGroups, members_by_skill

# Of held shocks: scenarios that are compared share them, and a repetition has the same.
_SEED = 1


class ScenarioPrograms:
    """Effects of many draws, compiled once for scenarios that differ only in their tasks."""

    def __init__(
        self, posterior: xr.DataTree, held_shocks: int, groups: SkillGroups | None = None
    ) -> None:
        constants = posterior["constant_data"].to_dataset()
        self._technology = Technology.from_task_weights(
            jnp.asarray(constants["task_weights"].to_numpy()),
            jnp.asarray(constants["labor_share"].to_numpy()),
        )
        self._shock = posterior.attrs["model"]["shock"]
        self._members = _members(constants)
        self._weight = _worker_weight(constants, posterior["posterior"].sizes["worker"])
        self._tasks = list(map(str, constants["task"].to_numpy()))
        self._groups = groups or SkillGroups((), QUARTILES)
        self._held_shocks = held_shocks
        self._programs: dict[tuple[AnyStep, ...], Callable[..., dict[str, Array]]] = {}

    def run(
        self, scenario: Automation | Scenario, exposure: pd.DataFrame
    ) -> Callable[[Array, Parameters], dict[str, Array]]:
        """Return a scenario's effects as a function of numbered draws.

        Parameters
        ----------
        scenario
            Checked.
        exposure
            Labels of the tasks.
        """
        by = self._groups.weights(self._tasks, automated_shares(scenario, exposure))
        steps = self.steps(steps_of(scenario))
        return partial(steps, jnp.asarray(shares_of(scenario, exposure)), jnp.asarray(by))

    def steps(self, steps: Sequence[AnyStep]) -> Callable[..., dict[str, Array]]:
        """Return the effects of such steps.

        They are a function of the steps' shares, of the weights of tasks in the skills that workers
        are grouped by, and of numbered draws.
        """
        form, number = tuple(step.form for step in steps), self._held_shocks
        technology, shock = self._technology, self._shock

        def of_draw(
            shares: Array, by: Array, nearby: Told, index: Array, draw: Parameters
        ) -> dict[str, Array]:
            key = jax.random.fold_in(jax.random.key(_SEED), index)
            return effects(
                draw,
                form,
                technology,
                shares,
                shock=shock,
                members=self._all_members(draw, by),
                held=(key, number) if number else None,
                nearby=nearby,
            )

        def of_draws(shares: Array, by: Array, index: Array, draws: Parameters) -> dict[str, Array]:
            """Let each draw's search for prices start from those of the draw before."""

            def of_next(
                nearby: Told, numbered: tuple[Array, Parameters]
            ) -> tuple[Told, dict[str, Array]]:
                found = of_draw(shares, by, nearby, *numbered)
                return {name: found[name] for name in nearby}, found

            none = Root.unknown(draws.intercept.shape[1])
            first = {"log_price": none.point, "price_residual": none.residual}
            return jax.lax.scan(of_next, first, (index, draws))[1]

        if form not in self._programs:
            self._programs[form] = jax.jit(of_draws)
        return self._programs[form]

    def _all_members(self, draw: Parameters, by: Array) -> Array | None:
        """Return weights in the groups that the panel names, then in those by skill."""
        if not self._groups.by:
            return self._members
        skilled = members_by_skill(draw.skill, by, self._weight, self._groups.percentiles)
        return skilled if self._members is None else jnp.concatenate([self._members, skilled])


def _members(constants: xr.Dataset) -> Array | None:
    """Return each worker's weight in each group of people; a group's weights sum to one."""
    if "member" not in constants:
        return None
    member = constants["member"].to_numpy()
    weight = member * np.asarray(_worker_weight(constants, member.shape[1]))
    return jnp.asarray(weight / weight.sum(1, keepdims=True))


def _worker_weight(constants: xr.Dataset, workers: int) -> Array:
    weighted = "worker_weight" in constants
    return jnp.asarray(constants["worker_weight"].to_numpy() if weighted else np.ones(workers))
