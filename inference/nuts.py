"""NUTS over several chains, in pieces: progress and checkpoints between them, explicit keys.

The kernel is NumPyro's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from arviz_stats.base import array_stats
from jax import Array
from jax.sharding import Mesh
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState
from numpyro.infer.util import ParamInfo

from taskroy.inference.checkpoint import Checkpoint, NoCheckpoint, named_leaves, restored
from taskroy.inference.forecast import (
    EXPECTED_STEPS,
    bytes_of_draws,
    duration,
    seconds_a_call,
    size,
)
from taskroy.inference.pooled_metric import Moments, no_moments, with_draws, with_metric
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.spread_chains import compile_for_chains
from taskroy.progress import Progress

_LOG = logging.getLogger(__name__)
# Iterations that are kept together; of a large panel they take minutes.
PIECE = 10
#: Iterations after which the metric may be learnt anew.
BLOCK = 50
_STATE, _DONE = "state", "iterations"
_FEWEST_DRAWS = 20
# Draws count for the metric once the chains have come from their starts, and while warm-up is left
# to tune the step size to it.
_FIRST_POOLED = 100


type Sites = dict[str, Array]


class Chains(NamedTuple):
    """Draws after warm-up, (chain, draw, …): unconstrained sites and the sampler's statistics."""

    sites: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]


def run_chains(
    potential: Callable[[dict[str, Array]], Array],
    starts: dict[str, Array],
    key: Array,
    settings: InferenceSettings,
    *,
    dense: tuple[str, ...],
    inverse_mass: dict[tuple[str, ...], Array],
    progress: Progress,
    checkpoint: Checkpoint = NoCheckpoint(),  # noqa: B008  (has no state)
    bytes_later: int = 0,
    mesh: Mesh | None = None,
) -> Chains:
    """Sample by NUTS.

    Parameters
    ----------
    potential
        Minus the log density of unconstrained sites.
    starts
        A starting point of each chain; leading dimension `settings.chains`.
    key
        Random key.
    settings
        Chains, warm-up, draws, acceptance, tree depth.
    dense
        Sites that share a dense block of the mass matrix, in the order of its rows. Progress tells
        the smallest effective sample size among them.
    inverse_mass
        First guess of the inverse mass matrix, by block of sites; updated between blocks of
        warm-up from the draws of all chains. Sites left out begin with unit mass, and have
        variances of their own.
    progress
        Told after every ten iterations.
    checkpoint
        Keeps every ten iterations. Where it holds some of the same chains, sampling goes on after
        the last of them, and the draws are those of a run that was never stopped, bit by bit.
    bytes_later
        What will be drawn afterwards for each draw, counted in the forecast of memory.
    mesh
        Devices that share the workers of every chain, which the potential splits among them.
        Without, devices share the chains.
    """
    kernel = nuts_kernel(potential, settings, dense, inverse_mass)
    # Left to the kernel, this would be compiled operation by operation.
    gradient = compile_for_chains(jax.value_and_grad(potential), starts, settings.chains, mesh)
    state = begin(kernel, starts, *gradient.run(starts), key, settings)
    advance = partial(advance_chain, kernel, PIECE)
    count, learn = jax.jit(with_draws), jax.jit(with_metric)

    total = settings.warmup + settings.draws
    state, moments, done, pieces = _where_it_was(checkpoint, state, no_moments(state))
    if done < total:
        sampler = compile_for_chains(advance, state, settings.chains, mesh)
        a_draw = sum(z[0].nbytes for z in starts.values()) + bytes_later
        number = bytes_of_draws(a_draw, settings.chains * settings.draws) + sampler.bytes
        seconds = seconds_a_call(lambda: gradient.run(starts)) * EXPECTED_STEPS * (total - done)
        _LOG.info(
            "Sampling will take %s if a draw takes %d steps, and %s of memory.",
            duration(seconds),
            EXPECTED_STEPS,
            size(number),
        )
    progress.start(f"NUTS, {settings.chains} chains", total)
    note = ""
    for first in range(done, total, PIECE):
        began = time.perf_counter()
        state, piece = jax.block_until_ready(sampler.run(state))
        seconds = time.perf_counter() - began
        done, whole = first + PIECE, (first + PIECE) % BLOCK == 0
        if learns_after(-(-done // BLOCK) * BLOCK, settings.warmup):
            moments = count(moments, {k: piece[k] for k in starts})
            state = learn(state, moments) if whole else state
        ended, warm = min(done, total), first >= settings.warmup
        wanted = slice(max(0, settings.warmup - first), max(0, total - first))
        if ended > settings.warmup:
            pieces.append({k: np.asarray(v)[:, wanted] for k, v in piece.items()})
            checkpoint.save(_piece_name(first), pieces[-1])
        kept = named_leaves({"state": state, "moments": moments})
        checkpoint.save(_STATE, kept | {_DONE: np.asarray(done)})
        steps = float(np.mean(piece["n_steps"]))
        # Effective sizes of many parameters take as long as some iterations of a small panel.
        if not pieces or len(pieces) % (BLOCK // PIECE) == 1 or ended == total:
            note = _note(steps, pieces, dense)
        progress.advance(ended, note)
        if warm and first - PIECE < settings.warmup and ended < total:
            left = duration(seconds / PIECE * (total - ended))
            _LOG.info("Warm-up is over: %.0f steps a draw, %s of sampling left.", steps, left)
    progress.finish()
    joined = {k: np.concatenate([piece[k] for piece in pieces], axis=1) for k in pieces[0]}
    return Chains({k: joined.pop(k) for k in starts}, joined)


def nuts_kernel(
    potential: Callable[[Sites], Array],
    settings: InferenceSettings,
    dense: tuple[str, ...],
    inverse_mass: dict[tuple[str, ...], Array],
) -> NUTS:
    """Return NumPyro's kernel; arguments as for `run_chains`."""
    return NUTS(
        potential_fn=potential,
        dense_mass=[dense],
        inverse_mass_matrix=inverse_mass,
        adapt_mass_matrix=False,
        step_size=0.2,
        target_accept_prob=settings.target_accept,
        # Before step sizes are tuned trees would be long for nothing.
        max_tree_depth=(min(7, settings.max_tree_depth), settings.max_tree_depth),
    )


def begin(
    kernel: NUTS,
    starts: Sites,
    height: Array,
    slope: Sites,
    key: Array,
    settings: InferenceSettings,
) -> HMCState:
    """Return the state of chains at their starts, where potential and gradient are given."""
    keys = jax.random.split(key, settings.chains)
    return jax.vmap(lambda k, z: kernel.init(k, settings.warmup, z, (), {}))(
        keys, ParamInfo(starts, height, slope)
    )


def advance_chain(
    kernel: NUTS, iterations: int, state: HMCState
) -> tuple[HMCState, dict[str, Any]]:
    """Advance one chain by some iterations; return its draws and statistics, by name."""

    def one(state: HMCState, _: None) -> tuple[HMCState, dict[str, Any]]:
        state = kernel.sample(state, (), {})
        return state, state.z | {
            "diverging": state.diverging,
            "energy": state.energy,
            "n_steps": state.num_steps,
            "acceptance_rate": state.accept_prob,
            "step_size": state.adapt_state.step_size,
            "lp": -state.potential_energy,
        }

    return jax.lax.scan(one, state, length=iterations)


def learns_after(done: Any, warmup: int) -> Any:
    """Tell whether the mass matrix learns from the block that ends with an iteration."""
    return (done >= _FIRST_POOLED) & (done <= warmup - BLOCK)


def _where_it_was(
    checkpoint: Checkpoint, state: HMCState, moments: Moments
) -> tuple[HMCState, Moments, int, list[dict[str, np.ndarray]]]:
    """Return the last state and moments kept, the iterations done, and their draws."""
    saved = checkpoint.load(_STATE)
    if saved is None:
        return state, moments, 0, []
    done = int(saved[_DONE])
    loaded = (checkpoint.load(_piece_name(first)) for first in range(0, done, PIECE))
    _LOG.info("Sampling goes on after the %d iterations that were kept.", done)
    found = restored({"state": state, "moments": moments}, saved)
    return (
        found["state"],
        Moments(*found["moments"]),
        done,
        [piece for piece in loaded if piece is not None],
    )


def _piece_name(first: int) -> str:
    return f"draws-{first:06d}"


def _note(steps: float, pieces: list[dict[str, np.ndarray]], parameters: tuple[str, ...]) -> str:
    if not pieces:
        return f"warm-up, {steps:.0f} steps a draw"
    divergences = sum(int(piece["diverging"].sum()) for piece in pieces)
    note = f"sampling, {steps:.0f} steps a draw, {divergences} divergences"
    draws = {k: np.concatenate([piece[k] for piece in pieces], axis=1) for k in parameters}
    smallest = smallest_ess(draws)
    return note if smallest is None else f"{note}, smallest ESS {smallest:.0f}"


def smallest_ess(draws: dict[str, np.ndarray]) -> float | None:
    """Return the smallest bulk ESS of any number in (chain, draw, …); None from too few draws."""
    flat = [v.reshape(*v.shape[:2], -1) for v in draws.values()]
    chains = np.concatenate(flat, axis=-1)
    if chains.shape[1] < _FEWEST_DRAWS:
        return None
    found = np.asarray(array_stats.ess(chains, chain_axis=0, draw_axis=1))
    return float(found.min()) if np.isfinite(found).all() else None
