"""One computation for every chain, compiled once, on all devices."""

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
    devices = jax.local_devices()
    together = partial(jax.lax.map, one) if devices[0].platform == "cpu" else jax.vmap(one)

    def function(state: S) -> R:
        return together(state)

    if mesh is not None:
        copies = everywhere(mesh)
        whole = jax.jit(function, in_shardings=copies, out_shardings=copies)
        shared = whole.lower(example).compile()
        return Program(
            lambda state: own_copy(shared(copied(state, mesh))),
            mesh.size * _bytes(shared),
        )
    if len(devices) == 1 or chains % len(devices):
        compiled = jax.jit(function).lower(example).compile()
        return Program(compiled, _bytes(compiled))
    row = jax.make_mesh((len(devices),), ("chain",), axis_types=(AxisType.Auto,), devices=devices)
    spread = jax.jit(
        jax.shard_map(
            function, mesh=row, in_specs=P("chain"), out_specs=P("chain"), check_vma=False
        )
    )
    place = NamedSharding(row, P("chain"))
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
