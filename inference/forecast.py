"""What sampling will take, said beforehand: time, from timed gradients, and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

# A tree of 2⁵ − 1 steps: panels have taken between 15 and 63.
EXPECTED_STEPS = 31
_TIMED = 5
# The sampler's draws and the model's, each before and after they are turned into the other.
_COPIES = 4


def seconds_a_call(call: Callable[[], Any]) -> float:
    """Return how long a compiled computation takes: the median of five calls, after one more."""
    jax.block_until_ready(call())
    taken = []
    for _ in range(_TIMED):
        began = time.perf_counter()
        jax.block_until_ready(call())
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def bytes_of_draws(a_draw: int, draws: int) -> int:
    """Return about how much memory draws of θ take until they are stored, copies included.

    Parameters
    ----------
    a_draw
        Bytes of one draw of one chain.
    draws
        Draws of all chains.
    """
    return _COPIES * draws * a_draw


def duration(seconds: float) -> str:
    """Say a time as a person would, such as ``about 12 min``."""
    if seconds >= 2 * 3600:
        return f"about {seconds / 3600:.1f} h"
    if seconds >= 2 * 60:
        return f"about {seconds / 60:.0f} min"
    return f"about {max(1.0, seconds):.0f} s"


def size(number: float) -> str:
    """Say a number of bytes as a person would, such as ``about 340 MB``."""
    if number >= 2e9:
        return f"about {number / 1e9:.1f} GB"
    return f"about {max(1.0, number / 1e6):.0f} MB"
