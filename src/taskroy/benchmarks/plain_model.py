"""The generative model with nothing done to it: every wage that was not seen is sampled.

Two reparametrisations of :func:`taskroy.models.roy.roy_model`. Skills are non-centred; the career
site, whose density averages over the unseen shocks in closed form, gives way to the shocks
themselves and to a logit given all wages. The posterior of θ is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer.reparam import Reparam

from taskroy.models.careers import Careers


def plain(model: Callable[..., Any]) -> Callable[..., Any]:
    """Return the model with latent sites ``skill_standard`` (N, K) and ``shock`` (N, T, O).

    Parameters
    ----------
    model
        :func:`taskroy.models.roy.roy_model`, its arguments bound, conditioned on careers.
    """
    return handlers.reparam(
        model, config={"skill_deviation": _NonCentred(), "career": _ShocksSampled()}
    )


class _NonCentred(Reparam):  # type: ignore[misc]
    def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[None, Array]:
        base = getattr(fn, "base_dist", fn)
        tril = base.scale_tril
        tasks = tril.shape[-1]
        z = numpyro.sample("skill_standard", dist.Normal(0, 1).expand([tasks]).to_event(1))
        return None, z @ (tril[0] if tril.ndim == 3 else tril).T


class _ShocksSampled(Reparam):  # type: ignore[misc]
    def __call__(self, name: str, fn: Careers, obs: Any) -> tuple[None, Array]:
        years, occupations = fn.common.shape[1], fn.potential.shape[1]
        held = obs[..., 1].astype(jnp.int32)
        # Standard normal; that of the occupation held is known from the wage and sampled in vain,
        # as a prior draw that touches nothing.
        shock = numpyro.sample("shock", dist.Normal(0, 1).expand([years, occupations]).to_event(2))
        wage = fn.potential[:, None] + fn.common[..., None] + fn.wage_shock_scale * shock
        own = jnp.arange(occupations) == held[..., None]
        wage = jnp.where(own, obs[..., :1], wage)
        choice = jax.nn.log_softmax((wage + fn.amenity) / fn.taste_scale, axis=-1)
        chosen = jnp.take_along_axis(choice, held[..., None], axis=-1)[..., 0]
        wage_factor, _ = fn.factors(obs)
        seen = jnp.where(fn.observed, wage_factor + chosen, 0.0)
        numpyro.factor("career_density", seen.sum(-1))
        return None, obs
