"""Draws in blocks: each once and in order, however many devices share them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import taskroy
from taskroy.inference.over_draws import map_blocks, over_draws
from taskroy.progress import Silent

SOURCE = Path(taskroy.__file__).parents[1]
# Says on how many devices each block was computed, too.
ON_FOUR = """
import json
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_num_cpu_devices", 4)
from taskroy.inference import spread_chains
from taskroy.inference.over_draws import over_draws
from taskroy.progress import Silent

compiled, devices = spread_chains._spread, []

def watched(*args):
    program = compiled(*args)
    def run(block):
        result = program.run(block)
        devices.append(len(result.sharding.device_set))
        return result
    return program._replace(run=run)

spread_chains._spread = watched
with jax.enable_x64(True):
    found = over_draws(lambda x: jnp.cumsum(x**2), np.arange(460.0).reshape(230, 2), Silent(), "")
    few = over_draws(lambda x: x + 1, np.arange(3.0), Silent(), "")
print(json.dumps({"found": found.tolist(), "few": few.tolist(), "devices": devices}))
"""


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def start(self, what: str, total: int, done: int = 0) -> None:
        self.heard.append((what, total))

    def advance(self, done: int, note: str = "") -> None:
        self.heard.append(done)


@pytest.mark.parametrize("number", [1, 7, 100, 230])
def test_every_draw_is_there_once_and_in_order(number: int) -> None:
    x = np.arange(2.0 * number).reshape(number, 2)
    told = Told()
    found = over_draws(lambda each: {"y": jnp.cumsum(each**2)}, x, told, "squares")
    np.testing.assert_array_equal(found["y"], np.cumsum(x.astype(found["y"].dtype) ** 2, axis=1))
    assert told.heard[0] == ("squares", number)
    assert told.heard[-1] == number
    assert told.heard[1:] == sorted(set(told.heard[1:]))


@pytest.mark.parametrize("counts", [(2, 6, 6), (6, 6, 1), (3,)])
def test_blocks_of_any_length_give_their_own(counts: tuple[int, ...]) -> None:
    number, told = sum(counts), Told()
    x = np.arange(2.0 * number).reshape(number, 2)
    blocks = np.split(x, np.cumsum(counts)[:-1])
    found = list(map_blocks(lambda each: each.sum(), iter(blocks), 6, number, told, "sums"))
    assert tuple(map(len, found)) == counts
    np.testing.assert_array_equal(np.concatenate(found), x.sum(1))
    assert told.heard == [("sums", number), *np.cumsum(counts)]


def test_blocks_that_are_too_long_or_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="block of 7 draws is longer than 6"):
        list(map_blocks(jnp.sum, iter([np.ones((7, 2))]), 6, 7, Silent(), ""))
    with pytest.raises(ValueError, match="blocks of 5 draws, and not of 7"):
        list(map_blocks(jnp.sum, iter([np.ones((5, 2))]), 6, 7, Silent(), ""))


def test_devices_share_the_draws_and_give_the_same() -> None:
    told = subprocess.run(
        [sys.executable, "-c", ON_FOUR],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stderr
    answer = json.loads(told.stdout.splitlines()[-1])
    x = np.arange(460.0).reshape(230, 2)
    np.testing.assert_array_equal(answer["found"], np.cumsum(x**2, axis=1))
    assert answer["few"] == [1.0, 2.0, 3.0]
    # Six blocks on all four; three draws, fewer than devices, on one.
    assert answer["devices"] == [4] * 6 + [1]
