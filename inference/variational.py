"""A variational approximation of the model with its skills replaced.

A full-rank Gaussian over θ; where skills are whitened rather than integrated out, independent
Gaussians over them, which whitening has made nearly independent of each other and of θ. It starts
NUTS, and with skills integrated out it is the ``svi`` route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
from jax import Array
from numpyro.distributions import Distribution, constraints
from numpyro.infer import SVI

from taskroy.errors import FitError
from taskroy.inference.latent_sites import LatentSites, latent_sites, prior_medians
from taskroy.inference.ordered_elbo import OrderedELBO
from taskroy.inference.replace_skills import WHITENED
from taskroy.inference.whiten_levels import SUFFIX
from taskroy.progress import Progress

# Of a first approximation: enough to start NUTS from, or to take a Hessian at.
_FIRST_STEPS, _FIRST_RATE = 500, 0.01
_BLOCK = 100
# Of a block's steps: of fewer, the optimiser stands still.
_FEWEST_FINITE = 0.5
# Of D parameters there are D²/2 correlations. Of more than these, batches of workers teach little
# but noise: scales alone are learnt, in the units given.
_MOST_CORRELATED = 100
_SCALE, _WHITENED_SCALE = 0.03, 0.5
_LOCATION, _TRIL, _SCALES = "theta_location", "theta_scale_tril", "theta_scales"
_SKILLS_LOCATION, _SKILLS_SCALE = "skills_location", "skills_scale"


class Approximation(NamedTuple):
    """A fitted guide: the sites of θ, the guide's parameters, and the loss at each step (−ELBO)."""

    sites: LatentSites
    parameters: dict[str, Array]
    losses: Array

    def sample(self, key: Array, draws: int) -> dict[str, Array]:
        """Draw θ, and whitened skills where there are, each with a leading dimension `draws`."""
        drawn: dict[str, Array] = jax.jit(self._sample, static_argnums=1)(key, draws)
        return drawn

    def _sample(self, key: Array, draws: int) -> dict[str, Array]:
        theta_key, skill_key = jax.random.split(key)
        flat = self.parameter_gaussian().sample(theta_key, (draws,))
        drawn = jax.vmap(lambda x: self.sites.constrained(self.sites.unflattened(x)))(flat)
        skills = self._skill_gaussian()
        if skills is not None:
            drawn[WHITENED] = skills.sample(skill_key, (draws,))
        return drawn

    def median(self) -> dict[str, Array]:
        """Return the median of each site of θ, constrained."""
        found: dict[str, Array] = jax.jit(
            lambda flat: self.sites.constrained(self.sites.unflattened(flat))
        )(self.parameters[_LOCATION])
        return found

    @property
    def parameter_sites(self) -> tuple[str, ...]:
        """Sites of θ in the order in which the Gaussian flattens them, that of the model."""
        return tuple(self.sites.supports)

    def parameter_gaussian(self) -> Distribution:
        """Return the Gaussian over θ, unconstrained and flattened."""
        return _gaussian(self.parameters[_LOCATION], self.parameters[_TRIL])

    def log_density(self, sites: dict[str, Array]) -> Array:
        """Return the log density at one unconstrained point; whitened skills are real already."""
        theta = jnp.concatenate([sites[name].reshape(-1) for name in self.parameter_sites])
        density, skills = self.parameter_gaussian().log_prob(theta), self._skill_gaussian()
        return density if skills is None else density + skills.log_prob(sites[WHITENED])

    def _skill_gaussian(self) -> Distribution | None:
        location = self.parameters.get(_SKILLS_LOCATION)
        return None if location is None else _normal(location, self.parameters[_SKILLS_SCALE])


def approximate(
    model: Callable[..., Any],
    key: Array,
    start: dict[str, Array],
    *,
    steps: int,
    progress: Progress | None,
    learning_rate: float = 0.02,
    name: str = "variational approximation",
    draw_batch: Callable[[Array], Array] | None = None,
    around: tuple[Array, Array] | None = None,
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
        Starting values of sites; others start at prior medians, but whitened skills are named.
    steps
        Optimiser steps.
    progress
        Told how far it is. With None all steps are one computation, which JAX can trace as part of
        another, and in which nothing is raised.
    learning_rate
        Of Adam, decaying along a cosine.
    name
        What progress calls it.
    draw_batch
        Draws the workers that a step looks at; all of them when left out.
    around
        Centre and Cholesky factor of a Gaussian over θ, unconstrained and flattened, that the
        posterior is about alike: steps are taken in its units, and the guide starts from it.

    Raises
    ------
    FitError
        If the density is not finite in most of a hundred steps.
    """
    key, batch_key = jax.random.split(key)

    def arguments(key: Array) -> tuple[Array, ...]:
        return () if draw_batch is None else (draw_batch(key),)

    some = arguments(batch_key)
    every = latent_sites(model, *some)
    theta = every.of(name for name in every.supports if name != WHITENED)
    if missing := tuple(name for name in theta.supports if name not in start):
        start = prior_medians(model, missing, *some) | start
    start = {name: start[name] for name in every.supports}
    number = sum(theta.unconstrained_sizes().values())
    correlated = draw_batch is None or number <= _MOST_CORRELATED
    svi = SVI(
        every.skeleton,
        partial(_guide, theta, start, around, correlated),
        optax.adam(optax.cosine_decay_schedule(learning_rate, steps, alpha=0.02)),
        OrderedELBO(model),
    )

    @jax.jit
    def block(state: Any, keys: Array) -> tuple[Any, Array]:
        # A draw of θ so far out that nothing is finite there costs its step, not the fit.
        return jax.lax.scan(lambda s, k: svi.stable_update(s, *arguments(k)), state, keys)

    # Left to itself, this would be compiled operation by operation.
    state = jax.jit(svi.init)(key, *some)
    if progress is None:
        state, loss = block(state, jax.random.split(batch_key, steps))
        return Approximation(theta, _in_own_units(svi.get_params(state), around), loss)
    losses = []
    progress.start(name, steps)
    for done in range(0, steps, _BLOCK):
        state, loss = block(state, jax.random.split(jax.random.fold_in(batch_key, done), _BLOCK))
        losses.append(loss)
        progress.advance(min(done + _BLOCK, steps), f"ELBO {-float(_finite(loss, name)):.1f}")
    progress.finish()
    parameters = _in_own_units(jax.jit(svi.get_params)(state), around)
    return Approximation(theta, parameters, jnp.concatenate(losses))


def first_approximation(
    model: Callable[..., Any],
    key: Array,
    start: dict[str, Array],
    *,
    progress: Progress | None,
    draw_batch: Callable[[Array], Array] | None = None,
    around: tuple[Array, Array] | None = None,
) -> Approximation:
    """Fit the guide for a few hundred steps: whence a route starts; arguments as above."""
    return approximate(
        model,
        key,
        start,
        steps=_FIRST_STEPS,
        learning_rate=_FIRST_RATE,
        progress=progress,
        name="first approximation",
        draw_batch=draw_batch,
        around=around,
    )


def _finite(loss: Array, name: str) -> np.floating[Any]:
    """Return the mean of the last losses that are finite."""
    known = np.asarray(loss)[np.isfinite(loss)]
    if len(known) < _FEWEST_FINITE * len(loss):
        raise FitError(
            f"The density was not finite in {len(loss) - len(known)} of {len(loss)} steps.",
            where=name,
            expected="a finite density wherever the optimiser goes, but for rare steps",
            remedy="run it with float64 and another seed; if it stays, use tighter priors, or "
            'method = "nuts"',
        )
    return known[-10:].mean()


def _in_own_units(
    parameters: dict[str, Array], around: tuple[Array, Array] | None
) -> dict[str, Array]:
    """Return a guide's parameters, in units of θ rather than of what it started from."""
    rest = dict(parameters)
    location, scales = rest.pop(_LOCATION), rest.pop(_SCALES, None)
    tril = rest.pop(_TRIL) if scales is None else jnp.diag(scales)
    if around is not None:
        centre, factor = around
        location, tril = centre + factor @ location, factor @ tril
    return rest | {_LOCATION: location, _TRIL: tril}


def _guide(
    theta: LatentSites,
    start: Mapping[str, Array],
    around: tuple[Array, Array] | None,
    correlated: bool,
    *_: Any,
) -> None:
    """Draw θ, and whitened skills where there is a start for them."""
    first = theta.flattened(theta.unconstrained(dict(start)))
    if around is None:
        # What is whitened has a posterior sd near one, other parameters one nearer zero.
        widths = [
            np.full(size, _WHITENED_SCALE if name.endswith(SUFFIX) else _SCALE)
            for name, size in theta.unconstrained_sizes().items()
        ]
        width = jnp.asarray(np.concatenate(widths), first.dtype)
    else:
        first, width = jnp.zeros_like(first), jnp.ones_like(first)
    found = {_LOCATION: numpyro.param(_LOCATION, first)}
    if correlated:
        tril = constraints.scaled_unit_lower_cholesky
        found[_TRIL] = numpyro.param(_TRIL, jnp.diag(width), constraint=tril)
    else:
        found[_SCALES] = numpyro.param(_SCALES, width, constraint=constraints.softplus_positive)
    location, tril = (_in_own_units(found, around)[name] for name in (_LOCATION, _TRIL))
    flat = numpyro.sample("theta", _gaussian(location, tril), infer={"is_auxiliary": True})
    theta.sample_at(theta.unflattened(flat))
    if WHITENED in start:
        location = numpyro.param(_SKILLS_LOCATION, start[WHITENED])
        scale = numpyro.param(
            _SKILLS_SCALE,
            jnp.full_like(start[WHITENED], _WHITENED_SCALE),
            constraint=constraints.softplus_positive,
        )
        numpyro.sample(WHITENED, _normal(location, scale))


def _gaussian(location: Array, tril: Array) -> Distribution:
    # What is a Cholesky factor by construction need not be checked, by a program of its own.
    return dist.MultivariateNormal(location, scale_tril=tril, validate_args=False)


def _normal(location: Array, scale: Array) -> Distribution:
    return dist.Normal(location, scale, validate_args=False).to_event(location.ndim)
