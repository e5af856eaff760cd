"""A variational approximation of the model with its skills replaced.

A full-rank Gaussian over θ; where skills are whitened rather than integrated out, independent
Gaussians over them, which whitening has made nearly independent of each other and of θ. It starts
NUTS, and with skills integrated out it is the ``svi`` route.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
from jax import Array
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from numpyro.infer.autoguide import AutoGuideList, AutoMultivariateNormal, AutoNormal
from numpyro.infer.elbo import ELBO
from numpyro.infer.initialization import init_to_value
from numpyro.infer.util import log_density

from taskroy.inference.latent_sites import latent_sites, prior_medians
from taskroy.inference.replace_skills import WHITENED
from taskroy.inference.whiten_levels import SUFFIX
from taskroy.progress import Progress

_BLOCK = 100
_SCALE, _WHITENED_SCALE = 0.03, 0.5


class Approximation(NamedTuple):
    """A fitted guide: the guide, its parameters, and the loss at each step (−ELBO)."""

    guide: AutoGuideList
    parameters: dict[str, Array]
    losses: Array

    def sample(self, key: Array, draws: int) -> dict[str, Array]:
        """Draw θ, and whitened skills where there are, each with a leading dimension `draws`."""
        sample = partial(self.guide.sample_posterior, sample_shape=(draws,))
        drawn: dict[str, Array] = jax.jit(sample)(key, self.parameters)
        return drawn

    def median(self) -> dict[str, Array]:
        """Return the median of each site of θ, constrained."""
        medians: dict[str, Array] = jax.jit(self.guide[0].median)(self.parameters)
        return medians

    @property
    def parameter_sites(self) -> tuple[str, ...]:
        """Sites of θ in the order in which the Gaussian flattens them, that of the model."""
        return tuple(self.guide[0]._init_locs)

    def parameter_gaussian(self) -> Distribution:
        """Return the Gaussian over θ, unconstrained and flattened."""
        return self.guide[0].get_posterior(self.parameters)

    def log_density(self, sites: dict[str, Array]) -> Array:
        """Return the log density at one unconstrained point; whitened skills are real already."""
        theta = jnp.concatenate([sites[name].reshape(-1) for name in self.parameter_sites])
        if WHITENED not in sites:
            return self.parameter_gaussian().log_prob(theta)
        location = self.parameters[f"{WHITENED}_skills_loc"]
        scale = self.parameters[f"{WHITENED}_skills_scale"]
        skills = dist.Normal(location, scale).log_prob(sites[WHITENED]).sum()
        return self.parameter_gaussian().log_prob(theta) + skills


def approximate(
    model: Callable[..., Any],
    key: Array,
    start: dict[str, Array],
    *,
    steps: int,
    progress: Progress,
    learning_rate: float = 0.02,
    name: str = "variational approximation",
    draw_batch: Callable[[Array], Array] | None = None,
) -> Approximation:
    """Fit the guide by stochastic optimisation of the evidence lower bound.

    Parameters
    ----------
    model
        From :mod:`taskroy.inference.replace_skills`; without arguments, or, with `draw_batch`,
        of the workers of a batch.
    key
        Random key.
    start
        Starting values of sites; others start at prior medians.
    steps
        Optimiser steps.
    progress
        Told how far it is.
    learning_rate
        Of Adam, decaying along a cosine.
    name
        What progress calls it.
    draw_batch
        Draws the workers that a step looks at; all of them when left out.
    """
    key, batch_key = jax.random.split(key)

    def arguments(key: Array) -> tuple[Array, ...]:
        return () if draw_batch is None else (draw_batch(key),)

    some = arguments(batch_key)
    sites = latent_sites(model, *some)
    initial = init_to_value(values={**prior_medians(model, *some), **start})
    guide = AutoGuideList(sites.skeleton, init_loc_fn=initial)
    parameters = sites.of(name for name in sites.supports if name != WHITENED)
    guide.append(
        AutoMultivariateNormal(parameters.skeleton, prefix="parameters", init_loc_fn=initial)
    )
    if WHITENED in sites.supports:
        skills = sites.of([WHITENED])
        guide.append(
            AutoNormal(
                skills.skeleton, prefix="skills", init_loc_fn=initial, init_scale=_WHITENED_SCALE
            )
        )
    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.02)
    svi = SVI(sites.skeleton, guide, optax.adam(schedule), _OrderedELBO(model))
    # What is whitened has a posterior sd near one, other parameters one nearer zero.
    widths = [
        np.full(size, _WHITENED_SCALE if name.endswith(SUFFIX) else _SCALE)
        for name, size in parameters.unconstrained_sizes().items()
    ]
    wide = {"parameters_scale_tril": jnp.diag(jnp.asarray(np.concatenate(widths)))}
    state = svi.init(key, *some, init_params=wide)

    @jax.jit
    def block(state: Any, keys: Array) -> tuple[Any, Array]:
        return jax.lax.scan(lambda s, k: svi.update(s, *arguments(k)), state, keys)

    losses = []
    progress.start(name, steps)
    for done in range(0, steps, _BLOCK):
        state, loss = block(state, jax.random.split(jax.random.fold_in(batch_key, done), _BLOCK))
        losses.append(loss)
        progress.advance(min(done + _BLOCK, steps), f"ELBO {-float(loss[-10:].mean()):.1f}")
    progress.finish()
    return Approximation(guide, svi.get_params(state), jnp.concatenate(losses))


class _OrderedELBO(ELBO):  # type: ignore[misc]
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
