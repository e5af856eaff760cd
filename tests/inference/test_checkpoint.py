"""Pytrees become named arrays and come back as they were."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.errors import FitError
from taskroy.inference.checkpoint import InMemory, named_leaves, nested, restored


class State(NamedTuple):
    sites: dict[str, jax.Array]
    blocks: dict[tuple[str, ...], jax.Array]
    key: jax.Array


def state(seed: int) -> State:
    rng = np.random.default_rng(seed)
    return State(
        {"a": jnp.asarray(rng.normal(size=3)), "b": jnp.asarray(rng.integers(9, size=(2, 2)))},
        {("a", "b"): jnp.asarray(rng.normal(size=(2, 2)))},
        jax.random.split(jax.random.key(seed), 4),
    )


def test_a_pytree_comes_back_bit_by_bit():
    saved = named_leaves(state(1))
    assert all(type(array) is np.ndarray for array in saved.values())
    back, was = restored(state(2), saved), state(1)
    assert jax.tree.structure(back) == jax.tree.structure(was)
    for one, other in zip(jax.tree.leaves(back[:2]), jax.tree.leaves(was[:2]), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        jax.random.normal(back.key[2], (3,)), jax.random.normal(was.key[2], (3,))
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("sites/a"),
        lambda arrays: arrays.update({"sites/a": np.zeros(4)}),
        lambda arrays: arrays.update({"sites/a": np.zeros(3, np.float32)}),
    ],
)
def test_another_fits_arrays_are_refused(change):
    saved = named_leaves(state(1))
    change(saved)
    with pytest.raises(FitError, match="'sites/a' is not what this fit would save"):
        restored(state(1), saved)


def test_names_become_dictionaries_again():
    tree = {"values": {"a": np.ones(2), "b": np.zeros(1)}, "levels": {"a": {"score": np.ones(3)}}}
    back = nested(named_leaves(tree))
    assert jax.tree.structure(back) == jax.tree.structure(tree)
    np.testing.assert_array_equal(back["levels"]["a"]["score"], np.ones(3))


def test_memory_keeps_groups_and_has_room():
    here = InMemory()
    assert here.load("state") is None
    here.save("state", {"a": np.ones(1)})
    assert here.load("state")["a"] == 1
    room = here.room("skill", (2, 3, 4, 5), np.float32)
    room[:, 1] = 7.0
    assert (room[1, 1] == 7).all()
    assert room.dtype == np.float32
