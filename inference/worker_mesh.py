"""Several devices for one panel: each computes the terms of its share of the workers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

_AXIS = "worker"


def worker_mesh() -> Mesh | None:
    """Return all devices, those of other processes included, to split workers among; None if one.

    Where several processes take part (``jax.distributed``) each must run the same program.
    """
    devices = jax.devices()
    if len(devices) == 1:
        return None
    return jax.make_mesh((len(devices),), (_AXIS,), axis_types=(AxisType.Auto,), devices=devices)


def split_workers(array: Array, mesh: Mesh) -> Array:
    """Split an array's leading axis, that of workers, among devices; it need not come out even."""
    return jax.lax.with_sharding_constraint(array, NamedSharding(mesh, P(_AXIS)))


def everywhere(mesh: Mesh) -> NamedSharding:
    """Return the placing of a whole copy on each device."""
    return NamedSharding(mesh, P())


def copied[T](tree: T, mesh: Mesh) -> T:
    """Put a whole copy of this process's arrays on each device, those of other processes included.

    Every process gives the same arrays.
    """
    place = everywhere(mesh)

    def copy(x: Any) -> Array:
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(copy(jax.random.key_data(x)))
        whole = np.asarray(x)
        return jax.make_array_from_callback(whole.shape, place, lambda part: whole[part])

    found: T = jax.tree.map(copy, tree)
    return found


def own_copy[T](tree: T) -> T:
    """Return this process's copy of arrays of which every device has one."""
    found: T = jax.tree.map(lambda x: x.addressable_data(0), tree)
    return found
