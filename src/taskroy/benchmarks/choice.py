"""The exact choice factor against simulation: time of value and gradient, and error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.panels import simulated_panel
from taskroy.benchmarks.simulated_choice import (
    Block,
    Theta,
    block_size,
    in_blocks,
    value_and_gradient,
    with_own_draws,
    with_shared_draws,
)
from taskroy.benchmarks.timing import Loop, loop, times
from taskroy.inference.accuracy import accurate_grid
from taskroy.inference.pilot import fitting_grid, step_for
from taskroy.models.careers import Careers
from taskroy.models.choice import log_choice_probability
from taskroy.models.choice_grid import Grid

SEED = 1
# Freund and Mann's estimates for the NLSY79 (ϱ and ν).
# Largest error in log P that the exact factor is sized for.
_TOLERANCE = {"float64": 1e-5, "float32": 1e-4}
_SCALES = {"wage_shock_scale": 0.43, "taste_scale": 0.26}
_FULL, _QUICK = (2000, 15, 93, 37), (40, 5, 22, 9)
_FULL_DRAWS, _QUICK_DRAWS = (100, 1000, 10_000), (100,)
# Workers × draws whose simulation is timed (more are scaled up), and whose errors are looked at.
_TIMED, _LOOKED_AT = 200_000, 100_000
_ROUNDS = 5


class _Problem(NamedTuple):
    """θ and workers in float64; the exact log P, (N, T), of every worker-year; A; and a grid."""

    theta: Theta
    everybody: Block
    exact: NDArray[np.float64]
    task_weights: Array
    grid: Grid

    def first(self, workers: int) -> _Problem:
        everybody = jax.tree.map(lambda x: x[:workers], self.everybody)
        return self._replace(everybody=everybody, exact=self.exact[:workers])

    def in_precision(self, dtype: Any) -> _Problem:
        def cast(x: Array) -> Array:
            return x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

        theta, everybody, weights = jax.tree.map(
            cast, (self.theta, self.everybody, self.task_weights)
        )
        return self._replace(theta=theta, everybody=everybody, task_weights=weights)

    def careers(self, theta: Theta, skills: Array) -> tuple[Careers, Array]:
        """Return the distribution of careers, and what is seen."""
        seen = self.everybody
        careers = Careers(
            theta.mean_potential + skills @ self.task_weights.T,
            seen.design @ theta.coefficient,
            theta.amenity,
            theta.wage_shock_scale,
            theta.taste_scale,
            observed=jnp.ones(seen.log_wage.shape, bool),
            grid=self.grid,
        )
        return careers, jnp.stack([seen.log_wage, seen.occupation], axis=-1)

    def log_choice(self, theta: Theta, skills: Array) -> Array:
        """Return log P of every worker-year, as a fit computes it."""
        careers, career = self.careers(theta, skills)
        return careers.factors(career)[1]


def run(effort: Effort) -> list[Row]:
    """Compare in both precisions."""
    workers, years, occupations, tasks = _QUICK if effort.quick else _FULL
    with jax.enable_x64(True):
        problem = _problem(workers, years, occupations, tasks)
        sizes = {"workers": workers, "years": years, "occupations": occupations, "tasks": tasks}
        return [
            row
            for precision in (("float64",) if effort.quick else ("float64", "float32"))
            for row in _compared(problem.in_precision(precision), sizes, precision, effort)
        ]


def _problem(workers: int, years: int, occupations: int, tasks: int) -> _Problem:
    panel, truth, table = simulated_panel(workers, years, occupations, tasks, seed=SEED, **_SCALES)
    arrays = panel.arrays(table.occupations)
    theta = Theta(
        jnp.asarray(truth["mean_potential"]),
        jnp.zeros(occupations),
        jnp.asarray(truth["coefficients"]),
        jnp.asarray(_SCALES["wage_shock_scale"]),
        jnp.asarray(_SCALES["taste_scale"]),
    )
    everybody = Block(
        *map(jnp.asarray, (truth["deviation"], arrays.log_wage, arrays.occupation, arrays.design))
    )
    task_weights = jnp.asarray(table.weights.to_numpy())
    problem = _Problem(theta, everybody, np.empty(0), task_weights, Grid())
    careers, career = problem.careers(theta, everybody.skills)
    tolerance = _TOLERANCE[careers.potential.dtype.name]
    grid, _ = accurate_grid(
        careers, career, fitting_grid(careers, career, step_for(tolerance)), tolerance
    )
    exact = log_choice_probability(
        jnp.broadcast_to(careers.potential[:, None], (workers, years, occupations)),
        everybody.log_wage - careers.common,
        everybody.occupation,
        **_SCALES,
    )
    return problem._replace(exact=np.asarray(exact), grid=grid)


class _Way(NamedTuple):
    """A way to compute the factor: a loop to time, and its errors in log P of worker-years."""

    what: str
    draws: int
    loop: Loop
    error: NDArray[np.float64]
    scale: float
    note: str


def _compared(
    problem: _Problem, sizes: dict[str, int], precision: str, effort: Effort
) -> Iterator[Row]:
    exact = _by_integral(problem)
    draws = _QUICK_DRAWS if effort.quick else _FULL_DRAWS
    ways = [exact]
    for i, number in enumerate(draws):
        effort.progress.start(f"choice, {precision}, {number} draws", len(draws))
        ways += [_by_own_draws(problem, number), _by_shared_draws(problem, number)]
        effort.progress.advance(i + 1)
        effort.progress.finish()
    took = times({way.what: way.loop for way in ways}, _ROUNDS)
    for way in ways:
        found = {
            "seconds": took[way.what].seconds * way.scale,
            "cpu_seconds": took[way.what].cpu_seconds * way.scale,
            "max_error": float(np.abs(way.error).max()),
            "rms_error": float(np.sqrt((way.error**2).mean())),
            "megabytes": way.loop.megabytes,
        }
        if way is exact:
            base = found
        else:
            found |= {
                "times_slower": found["seconds"] / base["seconds"],
                "times_cpu": found["cpu_seconds"] / base["cpu_seconds"],
                "times_max_error": found["max_error"] / base["max_error"],
                "times_rms_error": found["rms_error"] / base["rms_error"],
            }
        more = {"draws": way.draws} if way.draws else {"nodes": problem.grid.nodes}
        yield Row(way.what, sizes | more, SEED, precision, found, way.note)


def _by_integral(problem: _Problem) -> _Way:
    evaluate = jax.value_and_grad(lambda point: problem.log_choice(*point).sum())
    point = (problem.theta, problem.everybody.skills)
    error = np.asarray(jax.jit(problem.log_choice)(*point), np.float64) - problem.exact
    note = (
        "the grid that a fit of tolerance 1e-5 (float32: 1e-4) chooses; errors against "
        "models.choice, worker-year by worker-year"
    )
    return _Way("exact", 0, loop(evaluate, point, 5), error, 1.0, note)


def _by_own_draws(problem: _Problem, draws: int) -> _Way:
    workers = len(problem.exact)
    occupations = problem.task_weights.shape[0]
    dtype = problem.everybody.skills.dtype
    key = jax.random.key(SEED)
    timed = _units(workers, _TIMED, draws)
    rows = problem.first(timed).everybody.by_year
    size = block_size(len(rows.skills), draws * occupations)
    z = jax.random.normal(key, (size, 1, draws, occupations), dtype)
    evaluate = value_and_gradient(with_own_draws(problem.task_weights, z), rows, size)

    looked = problem.first(_units(workers, _LOOKED_AT, draws))
    some = looked.everybody.by_year

    def fresh(unit: tuple[Block, Array]) -> Array:
        block, key = unit
        z = jax.random.normal(key, (1, 1, draws, occupations), dtype)
        return with_own_draws(problem.task_weights, z)(
            problem.theta, jax.tree.map(lambda x: x[None], block)
        )[0, 0]

    keys = jax.random.split(key, len(some.skills))
    found = jax.jit(lambda units: jax.lax.map(fresh, units))((some, keys))
    error = np.asarray(found, np.float64) - looked.exact.ravel()
    scaled = f"timed on {timed} workers and scaled; " if timed < workers else ""
    note = f"{scaled}draws made beforehand are not timed; errors of {error.size} worker-years"
    return _Way(
        f"simulation, {draws:,} draws",
        draws,
        loop(evaluate, (problem.theta, rows.skills), 1),
        error,
        workers / timed,
        note,
    )


def _by_shared_draws(problem: _Problem, draws: int) -> _Way:
    years, occupations = problem.exact.shape[1], problem.task_weights.shape[0]
    everybody = problem.everybody
    z = jax.random.normal(jax.random.key(SEED), (occupations, draws), everybody.skills.dtype)
    log_choice = with_shared_draws(problem.task_weights, z)
    size = block_size(len(problem.exact), years * draws)
    found = jax.jit(lambda block: in_blocks(lambda b: log_choice(problem.theta, b), block, size))(
        everybody
    )
    error = np.asarray(found, np.float64).reshape(problem.exact.shape) - problem.exact
    evaluate = value_and_gradient(log_choice, everybody, size)
    note = "one matrix product; errors of worker-years move together and do not average out"
    return _Way(
        f"simulation, {draws:,} draws shared by all",
        draws,
        loop(evaluate, (problem.theta, everybody.skills), 1),
        error,
        1.0,
        note,
    )


def _units(workers: int, most: int, draws: int) -> int:
    """Return how many workers to simulate with so many draws."""
    return int(np.clip(most // draws, 1, workers))
