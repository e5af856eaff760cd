"""A NumPyro model as a function of unconstrained sites, for samplers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from jax import Array
from numpyro.infer.util import potential_energy

from taskroy.inference.latent_sites import latent_sites


class Density(NamedTuple):
    """A density of unconstrained sites, and the maps between them and the model's own.

    ``potential`` is minus the log density, Jacobian included; ``to_real`` unconstrains values of
    the sites, ``from_real`` constrains them.
    """

    potential: Callable[[dict[str, Array]], Array]
    to_real: Callable[[dict[str, Array]], dict[str, Array]]
    from_real: Callable[[dict[str, Array]], dict[str, Array]]


def density_of(model: Callable[[], Any]) -> Density:
    """Return the density of a model that takes no arguments."""
    sites = latent_sites(model)
    return Density(
        partial(potential_energy, model, (), {}),
        sites.unconstrained,
        sites.constrained,
    )
