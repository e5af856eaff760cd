"""What a draw of a scenario costs at the size of the NLSY97, and how often prices are tried."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.panels import cut_table
from taskroy.benchmarks.peak_memory import peak_megabytes
from taskroy.benchmarks.timing import Loop, times
from taskroy.data.task_table import TaskTable
from taskroy.models.broyden import Root
from taskroy.models.scenario import (
    AnyStep,
    Automation,
    Bargaining,
    Learning,
    Prices,
    Scenario,
    play,
)
from taskroy.models.scenario_tasks import shares_of
from taskroy.models.technology import Technology
from taskroy.models.world import Parameters
from taskroy.posteriors.redrawn_headlines import HEADLINES
from taskroy.posteriors.scenario_programs import ScenarioPrograms
from taskroy.posteriors.scenario_questions import Common, Question
from taskroy.posteriors.skill_groups import QUARTILES, SkillGroups
from taskroy.posteriors.some_draws import DRAWS

_SEED = 1
_FULL = {"workers": 8050, "occupations": 93, "tasks": 37, "draws": 10}
_QUICK = {"workers": 20, "occupations": 4, "tasks": 3, "draws": 3}
_ROUNDS = 3


@dataclass(frozen=True)
class Case:
    """Steps whose effects are timed, all of them or `only` some.

    Attributes
    ----------
    steps
        What happens.
    draws
        Of so many at once at the full size.
    only
        Names of effects; None for all.
    """

    steps: tuple[AnyStep, ...]
    draws: int = 10
    only: tuple[str, ...] | None = None

    @property
    def of_a_posterior(self) -> int:
        """Draws that a posterior has of it: skills are drawn again at some of all draws."""
        return 1000 if self.only is None else DRAWS


_BEFORE = (Automation(),)
_CLEARED = (*_BEFORE, Bargaining(share=0.8, elasticity=0.5), Prices())
_CASES = {
    "effects of automation": Case(_BEFORE),
    "effects of automation, prices": Case((*_BEFORE, Prices())),
    "effects of automation, bargaining, prices": Case(_CLEARED),
    "effects of automation at a quantile": Case(
        (Automation(productivity="quantile", quantile=0.5),), draws=4
    ),
    # A chain over occupations for each worker: as dear as ten draws of the others, or more.
    "effects of automation, learning": Case((*_BEFORE, Learning()), draws=1),
    "effects of automation, learning, prices": Case((*_BEFORE, Learning(), Prices()), draws=1),
    "headlines of automation at skills drawn again": Case(_BEFORE, only=HEADLINES),
    "headlines of automation, bargaining, prices at skills drawn again": Case(
        _CLEARED, only=HEADLINES
    ),
}
# Log wages have a standard deviation of 0.4 between workers, three quarters of it known to a draw.
_DEVIATION, _LOG_WAGE, _KNOWN = 0.4, 2.5, 0.75


def run(effort: Effort) -> list[Row]:
    """Time every scenario on the same draws, taking turns."""
    size = _QUICK if effort.quick else _FULL
    table = cut_table(size["occupations"], size["tasks"])
    with jax.enable_x64(True):
        draws = simulated_draws(table, size["workers"], size["draws"])
        common = _common(table, size["workers"])
        programs = ScenarioPrograms(common)
        loops, searched = {}, {}
        for what, case in _CASES.items():
            scenario = Scenario(name=what, step=case.steps)
            some = jax.tree.map(lambda x, n=case.draws: x[:n], draws)
            question = common.question(scenario, table.exposure, case.only)
            loops[what] = _loop(programs, question, some)
            searched[what] = _evaluations(scenario, table, some)
        took = times(loops, _ROUNDS)
    peak = peak_megabytes()
    return [
        Row(
            what,
            size | {"draws": loops[what].repeats},
            _SEED,
            "float64",
            {
                "seconds_a_draw": took[what].seconds,
                "cpu_seconds_a_draw": took[what].cpu_seconds,
                f"minutes_for_{case.of_a_posterior}_draws": took[what].seconds
                * case.of_a_posterior
                / 60,
                "evaluations_of_the_excess_a_draw": searched[what],
                "megabytes": loops[what].megabytes,
                "megabytes_of_process": peak,
            },
            "simulated economy and draws; megabytes by XLA's account; of the process: its peak "
            "from its start, all scenarios and compilation included",
        )
        for what, case in _CASES.items()
    ]


def simulated_draws(table: TaskTable, workers: int, draws: int) -> Parameters:
    """Draw parameters and skills as a posterior might, a leading dimension of draws.

    Parameters
    ----------
    table
        Occupations and tasks.
    workers, draws
        How many.
    """
    rng = np.random.default_rng(_SEED)
    weights = table.weights.to_numpy()
    occupations, tasks = weights.shape
    scale = _DEVIATION / np.sqrt((weights**2).sum(1).mean())
    known = rng.standard_normal((workers, tasks))
    amenity = 0.2 * rng.standard_normal(occupations)
    unknown = rng.standard_normal((draws, workers, tasks))
    skill = scale * (np.sqrt(_KNOWN) * known + np.sqrt(1 - _KNOWN) * unknown)
    noise = rng.standard_normal((2, draws, occupations))
    scales = np.exp(0.015 * rng.standard_normal((2, draws)))
    return jax.tree.map(
        jnp.asarray,
        Parameters(
            skill=skill,
            skill_mean=skill.mean(1),
            intercept=_LOG_WAGE - skill.mean(1) @ weights.T + 0.02 * noise[0],
            amenity=amenity + 0.05 * noise[1],
            wage_shock_scale=0.4 * scales[0],
            taste_scale=0.2 * scales[1],
        ),
    )


def _common(table: TaskTable, workers: int) -> Common:
    return Common(
        task_weights=table.weights.to_numpy(),
        labor_share=table.labor_share.to_numpy(),
        shock="occupation",
        discount=0.0,
        tasks=tuple(table.weights.columns),
        worker_weight=np.ones(workers),
        members=None,
        groups=SkillGroups((), QUARTILES),
        held_shocks=0,
    )


def _loop(programs: ScenarioPrograms, question: Question, draws: Parameters) -> Loop:
    number = len(draws.taste_scale)
    given = (jnp.asarray(question.shares), jnp.asarray(question.by), jnp.arange(number), draws)
    compiled = programs.steps(question.steps, question.only).lower(*given).compile()
    memory = compiled.memory_analysis()
    held = memory.argument_size_in_bytes + memory.output_size_in_bytes if memory else 0
    held += memory.temp_size_in_bytes if memory else 0

    def once() -> None:
        jax.block_until_ready(compiled(*given))

    return Loop(once, number, held / 1e6)


def _evaluations(scenario: Scenario, table: TaskTable, draws: Parameters) -> float:
    """Return how often, on average over draws, the excess is evaluated until markets clear."""
    *others, last = scenario.step
    if not isinstance(last, Prices):
        return 0.0
    technology = Technology.from_task_weights(
        table.weights.to_numpy(), table.labor_share.to_numpy()
    )
    shares = shares_of(scenario, table.exposure)[:-1]

    def of_next(nearby: Root, draw: Parameters) -> tuple[Root, Array]:
        before, now, _ = play(others, draw, technology, jnp.asarray(shares), "occupation")
        found = last.clear(now, before, nearby)
        return found, found.evaluations

    start = Root.unknown(draws.intercept.shape[1])
    return float(jax.jit(lambda x: jax.lax.scan(of_next, start, x)[1])(draws).mean())
