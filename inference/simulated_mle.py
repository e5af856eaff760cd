"""Simulated maximum likelihood by stochastic ascent on batches of workers: the paper's estimator.

What is maximised is the likelihood alone, or, penalised, plus the log prior of θ. Either way the
scales of amenities and intercepts are held where the pilot found them: the likelihood does not
depend on them, and the joint density has its maximum where they and what they scale vanish.

Random numbers are fresh at every step. So the ascent settles where the *expected* simulated
likelihood is highest, at its bias but not at the accident of one set of draws.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jax import Array
from jaxtyping import Float
from numpyro import handlers
from numpyro.distributions import biject_to
from numpyro.infer.util import log_density, transform_fn

from taskroy.inference.batches import draw_batch
from taskroy.inference.latent_sites import latent_sites
from taskroy.inference.seen import Seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.simulated_likelihood import simulated_log_likelihood
from taskroy.inference.theta import theta_at
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress

_BLOCK = 20
_BATCH = 64
_LEARNING_RATE = 0.02
_HELD = ("amenity_scale", "intercept_scale")


class SimulatedEstimate(NamedTuple):
    """Where the ascent ended.

    ``values`` are θ's sites, constrained, held ones among them; ``log_likelihood`` is that of all
    workers there, from draws not used before; ``objective`` is what was maximised a worker, as
    each step's batch estimated it.
    """

    values: dict[str, Array]
    log_likelihood: float
    objective: Float[np.ndarray, " steps"]


def maximize_simulated_likelihood(
    model: Callable[..., Any],
    known: Seen,
    start: dict[str, Array],
    settings: ModelSettings,
    inference: InferenceSettings,
    key: Array,
    progress: Progress,
) -> SimulatedEstimate:
    """Maximise the simulated likelihood over θ by Adam.

    Parameters
    ----------
    model
        :func:`taskroy.models.roy.roy_model` with its arguments bound.
    known
        What it is conditioned on.
    start
        Values of θ's sites, constrained.
    settings
        Of the model.
    inference
        ``simulation_draws``, ``batch_size``, ``simulation_steps`` and ``penalized``.
    key
        Random key.
    progress
        Told how far it is.
    """
    workers = len(known.career)
    batch = min(inference.batch_size or _BATCH, workers)
    draws = inference.simulation_draws
    held = {k: v for k, v in start.items() if k in _HELD}
    free = {k: v for k, v in start.items() if k not in _HELD}
    supports = latent_sites(model).supports
    transforms = {k: biject_to(supports[k]) for k in free}
    prior = handlers.block(handlers.seed(model, 0), expose=[*free, *held])

    def value(x: dict[str, Array], key: Array) -> Array:
        values = transform_fn(transforms, x) | held
        batch_key, draw_key = jax.random.split(key)
        index = draw_batch(batch_key, workers, batch)
        each = simulated_log_likelihood(
            theta_at(model, values), known.of(index), settings, draw_key, draws=draws
        )
        if not inference.penalized:
            return each.mean()
        return each.mean() + log_density(prior, (), {}, values)[0] / workers

    schedule = optax.cosine_decay_schedule(_LEARNING_RATE, inference.simulation_steps, alpha=0.02)
    adam = optax.adam(schedule)

    def step(state: Any, key: Array) -> tuple[Any, Array]:
        x, memory = state
        objective, gradient = jax.value_and_grad(lambda x: -value(x, key))(x)
        change, memory = adam.update(gradient, memory)
        return (optax.apply_updates(x, change), memory), -objective

    block = jax.jit(lambda state, keys: jax.lax.scan(step, state, keys))
    x = transform_fn(transforms, free, invert=True)
    state, objectives = (x, adam.init(x)), []
    step_key, last_key = jax.random.split(key)
    blocks = -(-inference.simulation_steps // _BLOCK)
    keys = jax.random.split(step_key, (blocks, _BLOCK))
    progress.start("simulated maximum likelihood", inference.simulation_steps)
    for number in range(blocks):
        state, objective = block(state, keys[number])
        objectives.append(np.asarray(objective))
        done = min((number + 1) * _BLOCK, inference.simulation_steps)
        progress.advance(done, f"objective {objectives[-1].mean():.3f} a worker")
    progress.finish()
    values = transform_fn(transforms, state[0]) | held
    return SimulatedEstimate(
        values,
        _log_likelihood(model, known, values, settings, last_key, draws=draws, batch=batch),
        np.concatenate(objectives),
    )


def _log_likelihood(
    model: Callable[..., Any],
    known: Seen,
    values: dict[str, Array],
    settings: ModelSettings,
    key: Array,
    *,
    draws: int,
    batch: int,
) -> float:
    """Return the simulated log likelihood of all workers, batch by batch."""

    @jax.jit
    def of_batch(values: dict[str, Array], index: Array, key: Array) -> Array:
        theta, part = theta_at(model, values), known.of(index)
        return simulated_log_likelihood(theta, part, settings, key, draws=draws)

    workers = len(known.career)
    total = 0.0
    for first in range(0, workers, batch):
        # The last batch is filled up with repetitions, which do not count: one compilation.
        index = np.minimum(np.arange(first, first + batch), workers - 1)
        each = of_batch(values, index, jax.random.fold_in(key, first))
        total += float(each[: workers - first].sum())
    return total
