"""One computation for every chain, or draw, compiled once, on all devices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from taskroy.inference.worker_mesh import copied, everywhere, own_copy


class Program[S, R](NamedTuple):
    """A compiled computation, and the bytes of its arguments, results and working arrays."""

    run: Callable[[S], R]
    bytes: int


def compile_for_chains[S, R](
    one: Callable[[S], R], example: S, chains: int, mesh: Mesh | None = None
) -> Program[S, R]:
    """Compile `one` for all chains, the leading axis, on all devices.

    The program is compiled ahead of time, so it takes inputs like the example and no others: it
    cannot be compiled again unnoticed. Chains are spread where devices divide them evenly. On CPU
    the chains of a device take turns: under vmap each would wait for the longest tree, and matrix
    products become batched ones, which XLA does not hand to its fast kernels.

    Parameters
    ----------
    one
        The computation for one chain.
    example
        An input for all chains.
    chains
        Their number.
    mesh
        Devices that share the work within a chain, as `one` splits it. Without, the local devices
        share the chains.
    """
    on_cpu = jax.local_devices()[0].platform == "cpu"
    together = partial(jax.lax.map, one) if on_cpu else jax.vmap(one)

    def function(state: S) -> R:  # by this name JAX's log of compilations knows it
        return together(state)

    if mesh is not None:
        copies = everywhere(mesh)
        whole = jax.jit(function, in_shardings=copies, out_shardings=copies)
        shared = whole.lower(example).compile()
        return Program(
            lambda state: own_copy(shared(copied(state, mesh))),
            mesh.size * _bytes(shared),
        )
    return _spread(function, example, chains)


def compile_in_turns[S, R](one: Callable[[S], R], example: S, number: int) -> Program[S, R]:
    """Compile `one` for many inputs, the leading axis, spread over the local devices.

    As `compile_for_chains`, but those of a device take turns on any: its memory is that of one.

    Parameters
    ----------
    one
        The computation for one input.
    example
        Inputs, with a leading axis of `number`.
    number
        Of inputs.
    """
    return _spread(partial(jax.lax.map, one), example, number)


def _spread[S, R](function: Callable[[S], R], example: S, number: int) -> Program[S, R]:
    devices = jax.local_devices()
    if len(devices) == 1 or number % len(devices):
        compiled = jax.jit(function).lower(example).compile()
        return Program(compiled, _bytes(compiled))
    row = jax.make_mesh((len(devices),), ("row",), axis_types=(AxisType.Auto,), devices=devices)
    spread = jax.jit(
        jax.shard_map(function, mesh=row, in_specs=P("row"), out_specs=P("row"), check_vma=False)
    )
    place = NamedSharding(row, P("row"))
    compiled = spread.lower(jax.device_put(example, place)).compile()
    return Program(
        lambda state: compiled(jax.device_put(state, place)), len(devices) * _bytes(compiled)
    )


def _bytes(compiled: Any) -> int:
    found = compiled.memory_analysis()
    if found is None:  # a back end need not count
        return 0
    parts = ("argument", "output", "temp")
    return sum(int(getattr(found, f"{part}_size_in_bytes")) for part in parts)
