"""What NUTS starts from: found once, by variational fits, and kept for whoever goes on.

A process that goes on takes it from the checkpoint and finds nothing again. It would be found the
same again only where every digit of two long optimisations is, and the map that whitens skills,
hence what the sampler's state means, hangs on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from taskroy.inference.checkpoint import Checkpoint, named_leaves, nested
from taskroy.inference.low_rank_expansion import LowRankExpansion
from taskroy.inference.pilot import Pilot
from taskroy.inference.skill_posterior import ChoiceExpansion
from taskroy.inference.whiten_levels import LevelLikelihood
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid

_NAME = "start"


class Start(NamedTuple):
    """What NUTS starts from.

    ``points`` holds values of the sites for each chain, ``covariance`` a first guess of that of the
    sites ``parameters``, which are θ, unconstrained and flattened in that order.
    """

    pilot: Pilot
    points: dict[str, Float[Array, "C ..."]]
    parameters: tuple[str, ...]
    covariance: Float[Array, "D D"]


def kept(checkpoint: Checkpoint, find: Callable[[], Start]) -> Start:
    """Return the start that a checkpoint holds, or find one and keep it.

    Either way it is what has been through arrays of numbers and names, so that both are the same.
    """
    arrays = checkpoint.load(_NAME)
    if arrays is None:
        arrays = to_arrays(find())
        checkpoint.save(_NAME, arrays)
    return from_arrays(arrays)


def to_arrays(start: Start) -> dict[str, np.ndarray]:
    """Return a start as named arrays."""
    pilot, careers = start.pilot, start.pilot.careers
    return named_leaves(
        {
            "values": pilot.values,
            "expansion": pilot.expansion._asdict(),
            **({} if pilot.low_rank is None else {"low_rank": pilot.low_rank._asdict()}),
            "levels": {k: v._asdict() for k, v in pilot.levels.items()},
            "grid": _grid_arrays(pilot.grid),
            "coarse": _grid_arrays(pilot.coarse),
            "careers": {
                k: getattr(careers, k)
                for k in careers.pytree_data_fields
                if getattr(careers, k) is not None
            },
            "careers_grid": _grid_arrays(careers.grid),
            "shock": np.asarray(careers.shock),
            "discount": np.asarray(careers.discount),
            "points": start.points,
            "parameters": np.asarray(start.parameters),
            "covariance": start.covariance,
        }
    )


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Start:
    """Return the start of which `to_arrays` gave the arrays."""
    tree = nested(arrays)
    careers = Careers(
        **_on_device(tree["careers"]),
        shock="worker" if tree["shock"] == "worker" else "occupation",
        grid=_grid(tree["careers_grid"]),
        discount=float(tree["discount"]),
    )
    pilot = Pilot(
        values=_on_device(tree["values"]),
        expansion=ChoiceExpansion(**_on_device(tree["expansion"])),
        grid=_grid(tree["grid"]),
        coarse=_grid(tree["coarse"]),
        careers=careers,
        levels={k: LevelLikelihood(**_on_device(v)) for k, v in tree.get("levels", {}).items()},
        low_rank=LowRankExpansion(**_on_device(tree["low_rank"])) if "low_rank" in tree else None,
    )
    parameters = tuple(str(name) for name in tree["parameters"])
    return Start(pilot, _on_device(tree["points"]), parameters, jnp.asarray(tree["covariance"]))


def _on_device(arrays: Mapping[str, np.ndarray]) -> dict[str, Array]:
    return {k: jnp.asarray(v) for k, v in arrays.items()}


def _grid_arrays(grid: Grid) -> dict[str, np.ndarray]:
    return {k: np.asarray(v) for k, v in asdict(grid).items()}


def _grid(arrays: Mapping[str, np.ndarray]) -> Grid:
    return Grid(**{k: int(v) for k, v in arrays.items()})
