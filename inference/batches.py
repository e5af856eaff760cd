"""Batches of workers: an estimate of a panel's log density from a few of them, without bias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import Array
from jaxtyping import Int
from numpyro.primitives import Messenger

from taskroy.inference.replace_skills import DENSITY

# The sites whose terms are sums over workers.
_OF_WORKERS = ("career", DENSITY)


class WeighWorkers(Messenger):  # type: ignore[misc]
    """Counts every worker so many times: those of a batch stand for the whole panel."""

    def __init__(self, fn: Callable[..., Any], weight: float) -> None:
        self.weight = weight
        super().__init__(fn)

    def process_message(self, message: dict[str, Any]) -> None:
        """Scale the terms of workers, and no other."""
        if message["type"] == "sample" and message["name"] in _OF_WORKERS:
            scale = message.get("scale")
            message["scale"] = self.weight if scale is None else self.weight * scale


def draw_batch(key: Array, workers: int, size: int) -> Int[Array, " B"]:
    """Draw indices of workers, none twice."""
    return jax.random.permutation(key, workers)[:size]
