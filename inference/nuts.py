"""NUTS over several chains, in blocks: progress between blocks, one compilation, explicit keys.

The kernel is NumPyro's. Chains are spread over the local devices where their number divides the
chains.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState

from taskroy.inference.settings import InferenceSettings
from taskroy.progress import Progress

_BLOCK = 50


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
        Sites that share a dense block of the mass matrix, in the order of its rows.
    inverse_mass
        First guess of the inverse mass matrix, by block of sites.
    progress
        Told after every block of 50 iterations.
    """
    kernel = NUTS(
        potential_fn=potential,
        dense_mass=[dense],
        inverse_mass_matrix=inverse_mass,
        step_size=0.2,
        target_accept_prob=settings.target_accept,
        # Before step sizes are tuned trees would be long for nothing.
        max_tree_depth=(min(7, settings.max_tree_depth), settings.max_tree_depth),
    )
    keys = jax.random.split(key, settings.chains)
    state = jax.vmap(lambda k, z: kernel.init(k, settings.warmup, z, (), {}))(keys, starts)

    def advance(state: HMCState) -> tuple[HMCState, dict[str, Any]]:
        def one(state: HMCState, _: None) -> tuple[HMCState, dict[str, Any]]:
            state = kernel.sample(state, (), {})
            return state, {
                "sites": state.z,
                "diverging": state.diverging,
                "energy": state.energy,
                "n_steps": state.num_steps,
                "acceptance_rate": state.accept_prob,
                "step_size": state.adapt_state.step_size,
                "lp": -state.potential_energy,
            }

        return jax.lax.scan(one, state, length=_BLOCK)

    step = _over_devices(advance, settings.chains)
    total = settings.warmup + settings.draws
    blocks = []
    progress.start(f"NUTS, {settings.chains} chains", total)
    for first in range(0, total, _BLOCK):
        state, block = step(state)
        kept = slice(max(0, settings.warmup - first), max(0, total - first))
        if first + _BLOCK > settings.warmup:
            blocks.append(jax.tree.map(lambda x, kept=kept: np.asarray(x[:, kept]), block))
        phase = "sampling" if first + _BLOCK > settings.warmup else "warm-up"
        progress.advance(
            min(first + _BLOCK, total),
            f"{phase}, {float(jnp.mean(block['n_steps'])):.0f} steps a draw, "
            f"{sum(int(b['diverging'].sum()) for b in blocks)} divergences",
        )
    progress.finish()
    joined = jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *blocks)
    return Chains(joined.pop("sites"), joined)


def _over_devices[S](
    one: Callable[[S], tuple[S, dict[str, Any]]], chains: int
) -> Callable[[S], tuple[S, dict[str, Any]]]:
    """Compile `one` for all chains, the leading axis, on all local devices.

    On CPU the chains of a device take turns: under vmap each would wait for the longest tree, and
    matrix products become batched ones, which XLA does not hand to its fast kernels.
    """
    devices = jax.local_devices()
    together = partial(jax.lax.map, one) if devices[0].platform == "cpu" else jax.vmap(one)

    def function(state: S) -> tuple[S, dict[str, Any]]:
        return together(state)

    if len(devices) == 1 or chains % len(devices):
        return jax.jit(function)
    mesh = jax.make_mesh((len(devices),), ("chain",), axis_types=(AxisType.Auto,), devices=devices)
    spread = jax.jit(
        jax.shard_map(
            function, mesh=mesh, in_specs=P("chain"), out_specs=P("chain"), check_vma=False
        )
    )
    place = NamedSharding(mesh, P("chain"))
    return lambda state: spread(jax.device_put(state, place))
