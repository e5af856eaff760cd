"""The evidence lower bound, its terms summed in one order in every process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import Array
from numpyro import handlers
from numpyro.infer.elbo import ELBO
from numpyro.infer.util import log_density


class OrderedELBO(ELBO):  # type: ignore[misc]
    """The evidence lower bound of a model at one draw, its terms summed in the model's order.

    `SVI` is set up with the model's skeleton, whose sites are all that it looks at. NumPyro's
    `Trace_ELBO` sums terms in the order of a set of names, which Python shuffles anew in each
    process: the last digits of a fit would not be those of the same fit run again.
    """

    def __init__(self, model: Callable[..., Any]) -> None:
        super().__init__()
        self._model = model

    def loss_with_mutable_state(
        self,
        rng_key: Array,
        param_map: dict[str, Array],
        model: Callable[..., Any],
        guide: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return minus the bound."""
        model_key, guide_key = jax.random.split(rng_key)
        log_q, drawn = log_density(handlers.seed(guide, guide_key), args, kwargs, param_map)
        replayed = handlers.replay(handlers.seed(self._model, model_key), drawn)
        log_p, _ = log_density(replayed, args, kwargs, param_map)
        return {"loss": log_q - log_p, "mutable_state": None}
