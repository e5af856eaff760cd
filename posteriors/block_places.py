"""Where blocks of draws are computed: in this process, or on a cluster of `dask.distributed`.

Both run the same programs on the same numbers. A cluster is sent each block's draws with its task,
and a few blocks at a time, so that memory stays flat here and there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from taskroy.errors import ModelError
from taskroy.posteriors.draw_blocks import Block
from taskroy.posteriors.scenario_programs import ScenarioPrograms
from taskroy.posteriors.scenario_questions import Common, Question

if TYPE_CHECKING:
    from distributed import Client

type Effects = dict[str, NDArray[np.float64]]


class Place(Protocol):
    """Computes blocks."""

    @property
    def ahead(self) -> int:
        """How many blocks are to be begun before the first is waited for."""

    def begin(self, question: Question, block: Block) -> Callable[[], Effects]:
        """Begin a block; return a function that waits for its effects."""


class Here:
    """In this process, one block after the other."""

    ahead = 0

    def __init__(self, common: Common) -> None:
        self._programs = ScenarioPrograms(common)

    def begin(self, question: Question, block: Block) -> Callable[[], Effects]:
        """Return a function that computes the block."""
        return partial(self._programs.effects, question, block)


class OnCluster:
    """On the workers of a cluster, each process of which compiles a scenario's program once.

    Parameters
    ----------
    client
        Connected to it.
    common
        Sent once to every worker.
    """

    def __init__(self, client: Client, common: Common) -> None:
        self._client = client
        self._common = client.scatter(common, broadcast=True, hash=False)

    @property
    def ahead(self) -> int:
        """Two for each thread of the workers that are there now."""
        return 2 * sum(self._client.nthreads().values())

    def begin(self, question: Question, block: Block) -> Callable[[], Effects]:
        """Send the block; return a function that waits for it."""
        import dask

        # Draws are large by right, and are sent but once.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            future = self._client.submit(_effects, self._common, question, block, pure=False)

        def wait() -> Effects:
            from concurrent.futures import CancelledError

            from distributed import KilledWorker

            try:
                return future.result()
            except (KilledWorker, CancelledError, OSError) as error:
                raise ModelError(
                    f"The cluster lost a block of draws: {type(error).__name__}: {error}",
                    where=f"cluster {self._client.scheduler_info()['address']}",
                    remedy="look at what its workers say, and start again: in a run folder it "
                    "goes on from the blocks that are done",
                ) from error

        return wait


def _effects(common: Common, question: Question, block: Block) -> Effects:
    return programs_here(common).effects(question, block)


@lru_cache(maxsize=1)  # a worker holds one object for what was sent to it once
def programs_here(common: Common) -> ScenarioPrograms:
    """Return a worker process's own programs."""
    return ScenarioPrograms(common)
