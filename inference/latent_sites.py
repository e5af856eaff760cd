"""The latent sites of a model: names, supports, shapes; without its density.

Guides and transforms need no more than these. They are found by tracing abstractly: a model that
runs for real, outside of `jax.jit`, is compiled operation by operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array
from numpyro import handlers
from numpyro.distributions.constraints import Constraint
from numpyro.distributions.transforms import biject_to
from numpyro.infer.initialization import init_to_median
from numpyro.infer.util import transform_fn


@dataclass(frozen=True)
class LatentSites:
    """Latent sites in the model's order.

    Attributes
    ----------
    supports
        Where each site's values lie.
    shapes
        Of each site's values.
    """

    supports: Mapping[str, Constraint]
    shapes: Mapping[str, tuple[int, ...]]

    def of(self, names: Iterable[str]) -> LatentSites:
        """Return some of the sites."""
        chosen = tuple(names)
        return LatentSites(
            {k: self.supports[k] for k in chosen}, {k: self.shapes[k] for k in chosen}
        )

    def unconstrained(self, values: dict[str, Array]) -> dict[str, Array]:
        """Map values of the sites to real numbers; other values are left out."""
        return transform_fn(self._transforms(), {k: values[k] for k in self.supports}, invert=True)

    def constrained(self, reals: dict[str, Array]) -> dict[str, Array]:
        """Map real numbers to values of the sites."""
        return transform_fn(self._transforms(), reals)

    def flattened(self, reals: dict[str, Array]) -> Array:
        """Return real numbers of the sites as one vector, in the model's order."""
        return jnp.concatenate([reals[name].reshape(-1) for name in self.supports])

    def unflattened(self, flat: Array) -> dict[str, Array]:
        """Return the real numbers of which `flattened` gave the vector."""
        shapes = self._unconstrained_shapes()
        ends = np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1]
        parts = jnp.split(flat, ends.tolist())
        return {k: x.reshape(shapes[k]) for k, x in zip(shapes, parts, strict=True)}

    def sample_at(self, reals: dict[str, Array]) -> None:
        """Give a guide these sites at real numbers that it drew: Jacobians are counted."""
        for name, transform in self._transforms().items():
            value = transform(reals[name])
            log_volume = transform.log_abs_det_jacobian(reals[name], value).sum()
            event_dim = len(self.shapes[name])
            numpyro.sample(name, dist.Delta(value, -log_volume, event_dim=event_dim))

    def unconstrained_sizes(self) -> dict[str, int]:
        """Return how many real numbers each site is."""
        return {k: math.prod(shape) for k, shape in self._unconstrained_shapes().items()}

    def skeleton(self, *_: Any) -> None:
        """Run a model that has these sites and no density: for guides, which replace its draws."""
        for name, support in self.supports.items():
            numpyro.sample(name, dist.ImproperUniform(support, (), self.shapes[name]))

    def _unconstrained_shapes(self) -> dict[str, tuple[int, ...]]:
        return {k: t.inverse_shape(self.shapes[k]) for k, t in self._transforms().items()}

    def _transforms(self) -> dict[str, Any]:
        return {name: biject_to(support) for name, support in self.supports.items()}


def latent_sites(model: Callable[..., Any], *arguments: Array) -> LatentSites:
    """Return the latent sites of a model with given arguments."""
    found = {}

    def note(*arguments: Array) -> None:
        found.update(_latent(handlers.seed(model, 0), arguments))

    jax.eval_shape(note, *arguments)
    return LatentSites(
        {name: site["fn"].support for name, site in found.items()},
        {name: site["value"].shape for name, site in found.items()},
    )


def prior_medians(
    model: Callable[..., Any], names: tuple[str, ...], *arguments: Array
) -> dict[str, Array]:
    """Return the median (of draws) of some latent sites, each given the sites before it."""

    def medians(*arguments: Array) -> dict[str, Array]:
        at_medians = handlers.substitute(handlers.seed(model, 0), substitute_fn=init_to_median)
        sites = _latent(at_medians, arguments)
        return {name: sites[name]["value"] for name in names}

    found: dict[str, Array] = jax.jit(medians)(*arguments)
    return found


def _latent(model: Callable[..., Any], arguments: tuple[Array, ...]) -> dict[str, dict[str, Any]]:
    trace = handlers.trace(model).get_trace(*arguments)
    return {
        name: site
        for name, site in trace.items()
        if site["type"] == "sample" and not site["is_observed"]
    }
