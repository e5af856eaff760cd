"""NumPyro's NUTS: a kernel, the start of its chains, and some iterations of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import Array
from numpyro.infer import NUTS
from numpyro.infer.hmc import HMCState
from numpyro.infer.util import ParamInfo

from taskroy.inference.settings import InferenceSettings

#: Iterations after which the metric may be learnt anew.
BLOCK = 50
# Draws count for the metric once the chains have come from their starts, and while warm-up is left
# to tune the step size to it.
_FIRST_POOLED = 100

type Sites = dict[str, Array]


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
