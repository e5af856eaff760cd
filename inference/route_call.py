"""What every route to a posterior is given."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from jax import Array
from jax.sharding import Mesh

from taskroy.inference.batches import draw_batch
from taskroy.inference.checkpoint import Checkpoint
from taskroy.inference.pilot import pilot
from taskroy.inference.problem import Problem
from taskroy.inference.seen import Seen
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.worker_mesh import worker_mesh
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress


class Call(NamedTuple):
    """What every route is given; arguments as of `sample_posterior`."""

    known: Seen
    model: ModelSettings
    inference: InferenceSettings
    key: Array
    progress: Progress
    checkpoint: Checkpoint

    def first_look(self, key: Array) -> Problem:
        """Return the problem as a pilot fit finds it."""
        tolerance = self.inference.tolerance
        found = pilot(self.known, self.model, tolerance, key, self.progress)
        return Problem(self.known, self.model, found)

    @property
    def mesh(self) -> Mesh | None:
        """The devices that share the workers, where they do."""
        return worker_mesh() if self.inference.devices == "workers" else None

    @property
    def batches(self) -> Callable[[Array], Array] | None:
        """What draws the workers that a step of the optimiser looks at; None where it is all."""
        size = self.inference.batch_size
        return partial(draw_batch, workers=len(self.known.career), size=size) if size else None
