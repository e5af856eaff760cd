"""Effects of scenarios at many draws, as programs that scenarios of one form share."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.stages import Wrapped
from numpy.typing import NDArray

from taskroy.models.broyden import Root
from taskroy.models.scenario import AnyStep
from taskroy.models.step import Told
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.check_effects import TELLING
from taskroy.posteriors.draw_blocks import Block
from taskroy.posteriors.effects import effects
from taskroy.posteriors.scenario_questions import Common, Question
from taskroy.posteriors.skill_groups import members_by_skill

# Of held shocks: scenarios that are compared share them, and a repetition has the same.
_SEED = 1


class ScenarioPrograms:
    """Effects of many draws, compiled once for scenarios that differ only in their tasks."""

    def __init__(self, common: Common) -> None:
        with jax.enable_x64(True):
            self._technology = Technology.from_task_weights(
                jnp.asarray(common.task_weights), jnp.asarray(common.labor_share)
            )
            self._members = None if common.members is None else jnp.asarray(common.members)
            self._weight = jnp.asarray(common.worker_weight)
            by_weight = common.headline_weight
            self._headline_weight = None if by_weight is None else jnp.asarray(by_weight)
        self._shock, self._discount = common.shock, common.discount
        self._groups = common.groups
        self._held_shocks = common.held_shocks
        self._programs: dict[tuple[tuple[AnyStep, ...], tuple[str, ...] | None], Wrapped] = {}

    def effects(self, question: Question, block: Block) -> dict[str, NDArray[np.float64]]:
        """Return the effects of a scenario at the draws of a block, in double precision."""
        with jax.enable_x64(True):
            given = (question.shares, question.by, block.index, block.draws)
            found = self.steps(question.steps, question.only)(*jax.tree.map(jnp.asarray, given))
            return {name: np.asarray(values) for name, values in found.items()}

    def steps(self, steps: Sequence[AnyStep], only: tuple[str, ...] | None = None) -> Wrapped:
        """Return the effects of such steps; of them `only` some, and what tells of faults.

        They are a function of the steps' shares, of the weights of tasks in the skills that workers
        are grouped by, and of numbered draws.
        """
        form, number = tuple(step.form for step in steps), self._held_shocks
        technology, shock, discount = self._technology, self._shock, self._discount

        def of_draw(
            shares: Array, by: Array, nearby: Told, index: Array, draw: Parameters
        ) -> dict[str, Array]:
            key = jax.random.fold_in(jax.random.key(_SEED), index)
            return effects(
                draw._replace(discount=discount),
                form,
                technology,
                shares,
                shock=shock,
                members=self._all_members(draw, by),
                weight=self._headline_weight,
                held=(key, number) if number else None,
                nearby=nearby,
            )

        def of_draws(shares: Array, by: Array, index: Array, draws: Parameters) -> dict[str, Array]:
            """Let each draw's search for prices start from those of the draw before."""

            def of_next(
                nearby: Told, numbered: tuple[Array, Parameters]
            ) -> tuple[Told, dict[str, Array]]:
                found = of_draw(shares, by, nearby, *numbered)
                kept = found if only is None else {k: found[k] for k in {*only, *TELLING}}
                return {name: found[name] for name in nearby}, kept

            none = Root.unknown(draws.intercept.shape[1])
            first = {"log_price": none.point, "price_residual": none.residual}
            return jax.lax.scan(of_next, first, (index, draws))[1]

        if (form, only) not in self._programs:
            self._programs[form, only] = jax.jit(of_draws)
        return self._programs[form, only]

    def _all_members(self, draw: Parameters, by: Array) -> Array | None:
        """Return weights in the groups that the panel names, then in those by skill."""
        if not self._groups.by:
            return self._members
        skilled = members_by_skill(draw.skill, by, self._weight, self._groups.percentiles)
        return skilled if self._members is None else jnp.concatenate([self._members, skilled])
