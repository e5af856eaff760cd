"""A NumPyro model as a function of unconstrained sites, for samplers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from jax import Array
from numpyro.infer.initialization import init_to_value
from numpyro.infer.util import initialize_model, unconstrain_fn


class Density(NamedTuple):
    """A model as a function: minus its log density, of unconstrained sites."""

    potential: Callable[[dict[str, Array]], Array]
    point: dict[str, Array]
    to_real: Callable[[dict[str, Array]], dict[str, Array]]


def density_of(model: Callable[[], Any], start: dict[str, Array], key: Array) -> Density:
    """Trace a model without arguments, from constrained values of its sites."""
    # The site's sample statements are traced once here; its potential is a pure function.
    info = initialize_model(
        key, model, init_strategy=init_to_value(values=start), validate_grad=False
    )
    to_real = jax.jit(jax.vmap(partial(unconstrain_fn, model, (), {})))
    return Density(info.potential_fn, info.param_info.z, to_real)
