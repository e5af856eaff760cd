"""Seconds and memory of a function and its gradient, as a sampler calls them.

A single call of a compiled function on CPU pays for memory that the system has to hand out page by
page. A sampler's loop does not, hence the loop here. Programs to compare take turns, so that what
else the machine does hits all of them; only their ratio means something on a shared one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

type ValueAndGradient = Callable[[Any], tuple[Any, Any]]


@dataclass(frozen=True)
class Loop:
    """A compiled loop of evaluations.

    Attributes
    ----------
    once
        Runs it to its end.
    repeats
        Evaluations in it.
    megabytes
        What the compiled program holds at once by XLA's own account: arguments (those that it
        closes over are not counted), results and temporaries.
    """

    once: Callable[[], None]
    repeats: int
    megabytes: float


def loop(value_and_gradient: ValueAndGradient, point: Any, repeats: int) -> Loop:
    """Compile a loop that evaluates a function and its gradient, each time at another point.

    Parameters
    ----------
    value_and_gradient
        Value and gradient at a point.
    point
        A pytree of arrays.
    repeats
        Evaluations.
    """

    def step(x: Any, _: None) -> tuple[Any, Any]:
        value, gradient = value_and_gradient(x)
        # Moves by nothing that matters, so that no evaluation is the one before.
        return jax.tree.map(lambda a, b: a - 1e-12 * b, x, gradient), value

    run = jax.jit(lambda x: jax.lax.scan(step, x, length=repeats)).lower(point).compile()
    memory = run.memory_analysis()
    held = (
        memory.argument_size_in_bytes + memory.output_size_in_bytes + memory.temp_size_in_bytes
        if memory  # not every device tells
        else 0
    )

    def once() -> None:
        jax.block_until_ready(run(point))

    return Loop(once, repeats, held / 1e6)


class Time(NamedTuple):
    """Seconds an evaluation: by the clock, and of work on all cores, which no waiting adds to."""

    seconds: float
    cpu_seconds: float


def times(loops: Mapping[str, Loop], rounds: int) -> dict[str, Time]:
    """Return what an evaluation of each loop takes: medians of several rounds, after one warm-up.

    Parameters
    ----------
    loops
        By name; they take turns.
    rounds
        How often each is run.
    """
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for each in loops.values():
        each.once()
    for _ in range(rounds):
        for name, each in loops.items():
            began, worked = time.perf_counter(), time.process_time()
            each.once()
            took = time.perf_counter() - began, time.process_time() - worked
            found[name].append((took[0] / each.repeats, took[1] / each.repeats))
    return {name: Time(*np.median(took, axis=0).tolist()) for name, took in found.items()}
