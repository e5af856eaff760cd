"""What a fit keeps of its work on the way, so that another process can go on from there.

Work is kept as named groups of arrays. A group is whole or absent, and groups become durable in the
order in which they are saved: who saves what depends on others last can trust what he finds.

Besides, there is room for arrays of every worker in every draw, which may not fit into memory: a
place to work in, not to go on from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from taskroy.errors import FitError


class Room(Protocol):
    """An array that is written and read in parts, in memory or elsewhere."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its dimensions, (chain, draw, …)."""

    @property
    def dtype(self) -> Any:
        """Type of its numbers."""

    def __getitem__(self, key: Any) -> Any:
        """Read a part, named by slices and numbers."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write a part."""


#: Makes room for an array of a name, a shape and a type of numbers.
type MakeRoom = Callable[[str, tuple[int, ...], Any], Room]


class Checkpoint(Protocol):
    """Keeps groups of arrays from one process to the next."""

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        """Return a group that was saved, or None."""

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a group; when this returns, no kill and no power cut can lose it."""

    def room(self, name: str, shape: tuple[int, ...], dtype: Any) -> Room:
        """Make room for an array (chain, draw, …), until the checkpoint is deleted."""


class InMemory:
    """Keeps everything in this process."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, np.ndarray]] = {}

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        """Return a group that was saved, or None."""
        return self._kept.get(name)

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a group."""
        self._kept[name] = dict(arrays)

    def room(self, name: str, shape: tuple[int, ...], dtype: Any) -> Room:
        """Make room for an array."""
        room: Room = np.empty(shape, dtype)
        return room


def named_leaves(tree: Any) -> dict[str, np.ndarray]:
    """Return the leaves of a pytree by their paths, such as ``values/amenity``.

    Random keys become their data.
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {_name(path): np.asarray(_data(leaf)) for path, leaf in leaves}


def restored[T](template: T, arrays: Mapping[str, np.ndarray]) -> T:
    """Return a pytree with the leaves that `named_leaves` gave.

    Parameters
    ----------
    template
        A pytree of the same structure, shapes and types.
    arrays
        Its leaves.

    Raises
    ------
    FitError
        If a leaf is missing or is not like the template's.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(template)
    found = []
    for path, leaf in leaves:
        array, like = arrays.get(_name(path)), _data(leaf)
        if array is None or array.shape != like.shape or array.dtype != like.dtype:
            raise FitError(
                f"The checkpoint's '{_name(path)}' is not what this fit would save.",
                expected=f"{like.dtype} of shape {like.shape}",
                remedy="delete the checkpoint, and fit from the start",
            )
        value = jnp.asarray(array)
        if _is_key(leaf):
            value = jax.random.wrap_key_data(value, impl=jax.random.key_impl(leaf))
        found.append(value)
    return jax.tree.unflatten(structure, found)


def nested(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return named leaves as dictionaries within dictionaries."""
    tree: dict[str, Any] = {}
    for name, array in arrays.items():
        *above, last = name.split("/")
        place = tree
        for part in above:
            place = place.setdefault(part, {})
        place[last] = array
    return tree


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _is_key(leaf: Any) -> bool:
    return bool(jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key))


def _data(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf
