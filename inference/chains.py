"""NUTS over several chains, in pieces: progress and checkpoints between them, explicit keys."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from arviz_stats.base import array_stats
from jax import Array
from jax.sharding import Mesh
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState

from taskroy.errors import FitError
from taskroy.inference.checkpoint import Checkpoint, InMemory, named_leaves, restored
from taskroy.inference.forecast import (
    EXPECTED_STEPS,
    bytes_of_draws,
    duration,
    seconds_a_call,
    size,
)
from taskroy.inference.nuts import (
    BLOCK,
    Sites,
    advance_chain,
    begin,
    learns_after,
    nuts_kernel,
)
from taskroy.inference.pooled_metric import Moments, no_moments, with_draws, with_metric
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.spread_chains import Program, compile_for_chains
from taskroy.inference.target import Grids, Target
from taskroy.progress import Progress

_LOG = logging.getLogger(__name__)
# Iterations that are kept together; of a large panel they take minutes.
PIECE = 10
_STATE, _DONE, _GRIDS = "state", "iterations", "grids"
_FEWEST_DRAWS = 20


@dataclass(frozen=True)
class Pieces:
    """Draws of some sites, read from where they are kept, some iterations at a time.

    Iterating gives dictionaries of (chain, draw, …), of ten draws or fewer, one after the other.
    """

    names: tuple[str, ...]
    kept: tuple[str, ...]
    checkpoint: Checkpoint

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """Read piece after piece."""
        for group in self.kept:
            piece = _loaded(self.checkpoint, group)
            yield {name: piece[name] for name in self.names}


class Chains(NamedTuple):
    """Draws after warm-up, (chain, draw, …): unconstrained sites and the sampler's statistics.

    ``sites`` are the dense ones; the others, of which there are many numbers, are in ``pieces``.
    ``grids`` are those of the target that were in use.
    """

    sites: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    pieces: Pieces
    grids: Grids = ()


def run_chains(
    target: Target,
    starts: dict[str, Array],
    key: Array,
    settings: InferenceSettings,
    *,
    dense: tuple[str, ...],
    inverse_mass: dict[tuple[str, ...], Array],
    progress: Progress,
    checkpoint: Checkpoint | None = None,
    bytes_later: int = 0,
    mesh: Mesh | None = None,
) -> Chains:
    """Sample by NUTS.

    Parameters
    ----------
    target
        The density of unconstrained sites. Its grids are refined where chains come to between
        blocks of warm-up, as the metric is learnt.
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
        Without one, they are kept in memory.
    bytes_later
        What of each draw will be in memory afterwards, besides θ, counted in the forecast.
    mesh
        Devices that share the workers of every chain, which the target splits among them.
        Without, devices share the chains.
    """

    def begun(target: Target, at: Sites) -> tuple[NUTS, HMCState, Program[Sites, Any]]:
        kernel = nuts_kernel(target.potential, settings, dense, inverse_mass)
        # Left to the kernel, this would be compiled operation by operation.
        both = jax.value_and_grad(target.potential)
        gradient = compile_for_chains(both, at, settings.chains, mesh)
        return kernel, begin(kernel, at, *gradient.run(at), key, settings), gradient

    def compiled(kernel: NUTS, state: HMCState) -> Program[HMCState, tuple[HMCState, Sites]]:
        advance = partial(advance_chain, kernel, PIECE)
        return compile_for_chains(advance, state, settings.chains, mesh)

    checkpoint = checkpoint or InMemory()
    wide = tuple(k for k in starts if k not in dense)
    saved = checkpoint.load(_STATE)
    target = target if saved is None else target.sized(saved[_GRIDS])
    kernel, state, gradient = begun(target, starts)
    count, learn = jax.jit(with_draws), jax.jit(with_metric)

    total = settings.warmup + settings.draws
    state, moments, done = _where_it_was(saved, state, no_moments(state))
    groups = [
        _piece_name(first) for first in range(0, done, PIECE) if first + PIECE > settings.warmup
    ]
    pieces = [_without(wide, _loaded(checkpoint, group)) for group in groups]
    if done < total:
        sampler = compiled(kernel, state)
        a_draw = sum(starts[k][0].nbytes for k in dense) + bytes_later
        number = bytes_of_draws(a_draw, settings.chains * settings.draws) + sampler.bytes
        seconds = seconds_a_call(lambda: gradient.run(starts)) * EXPECTED_STEPS * (total - done)
        _LOG.info(
            "Sampling will take %s if a draw takes %d steps, and %s of memory.",
            duration(seconds),
            EXPECTED_STEPS,
            size(number),
        )
    progress.start(f"NUTS, {settings.chains} chains", total, done)
    note = ""
    for first in range(done, total, PIECE):
        began = time.perf_counter()
        state, piece = jax.block_until_ready(sampler.run(state))
        seconds = time.perf_counter() - began
        done, whole = first + PIECE, (first + PIECE) % BLOCK == 0
        if learns_after(-(-done // BLOCK) * BLOCK, settings.warmup):
            moments = count(moments, {k: piece[k] for k in starts})
            if whole:
                state = learn(state, moments)
                finer = target.refined({k: piece[k] for k in starts})
                if finer.grids != target.grids:
                    target = finer
                    kernel, there, _ = begun(target, state.z)
                    # Another density at the same place.
                    height, slope = there.potential_energy, there.z_grad
                    state = state._replace(potential_energy=height, z_grad=slope)
                    sampler = compiled(kernel, state)
        ended, warm = min(done, total), first >= settings.warmup
        wanted = slice(max(0, settings.warmup - first), max(0, total - first))
        if ended > settings.warmup:
            draws = {k: np.asarray(v)[:, wanted] for k, v in piece.items()}
            pieces.append(_without(wide, draws))
            groups.append(_piece_name(first))
            checkpoint.save(groups[-1], draws)
        kept = named_leaves({"state": state, "moments": moments})
        checkpoint.save(_STATE, kept | {_DONE: np.asarray(done), _GRIDS: target.sizes})
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
    sites = {k: joined.pop(k) for k in dense}
    return Chains(sites, joined, Pieces(wide, tuple(groups), checkpoint), target.grids)


def _where_it_was(
    saved: dict[str, np.ndarray] | None, state: HMCState, moments: Moments
) -> tuple[HMCState, Moments, int]:
    """Return the last state and moments kept, and the iterations done."""
    if saved is None:
        return state, moments, 0
    done = int(saved[_DONE])
    _LOG.info("Sampling goes on after the %d iterations that were kept.", done)
    found = restored({"state": state, "moments": moments}, saved)
    return found["state"], Moments(*found["moments"]), done


def _loaded(checkpoint: Checkpoint, group: str) -> dict[str, np.ndarray]:
    found = checkpoint.load(group)
    if found is None:
        raise FitError(
            f"The checkpoint has lost some of its draws ('{group}').",
            remedy="delete the checkpoint, and fit from the start",
        )
    return found


def _without(names: tuple[str, ...], arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {k: v for k, v in arrays.items() if k not in names}


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
