"""Skills whitened: the reparametrisation that makes the joint posterior easy to sample.

Given θ, wages are linear in skills, and the log of the choice factor is concave in potential
wages; replaced by its second-order expansion around a pilot, it makes each worker's skills
Gaussian. Sampling z_i ~ N(0, I) and setting s_i − s̄ = L·(mean_i(θ) + C_i(θ)^{−T}·z_i) with that
Gaussian's mean and precision CCᵀ leaves z nearly standard normal and nearly independent of θ.
Whatever the pilot, the density is the model's: the map is affine and its Jacobian is counted.

In NumPyro's terms this is a ``Reparam`` of the ``skill_deviation`` site of
:func:`taskroy.models.roy.roy_model`, which stays plainly written (model.md, section 4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import Array
from jaxtyping import Float, Int
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer.reparam import Reparam
from numpyro.primitives import Messenger

from taskroy.inference.small_matrices import cholesky, solve_lower
from taskroy.models.roy import Economy

WHITENED = "skill_whitened"
_NEEDED = ("wage_shock_scale", "mean_potential", "amenity", "coefficient")


class ChoiceExpansion(NamedTuple):
    """Second-order expansion of each worker's log choice factor in worths v = m + κ.

    Around the pilot, Σ_t log P ≈ const + cᵀv − ½·vᵀHv; stored as Aᵀc (N, K), AᵀH (N, K, O) and
    AᵀHA (N, K, K).
    """

    slope: Float[Array, "N K"]
    cross: Float[Array, "N K O"]
    curvature: Float[Array, "N K K"]


def no_expansion(economy: Economy) -> ChoiceExpansion:
    """Return the expansion that ignores choices: whitening for wages only."""
    occupations, tasks = economy.technology.task_weights.shape
    workers = economy.observed.shape[0]
    return ChoiceExpansion(
        jnp.zeros((workers, tasks)),
        jnp.zeros((workers, tasks, occupations)),
        jnp.zeros((workers, tasks, tasks)),
    )


def whitened(
    model: Callable[..., Any],
    economy: Economy,
    log_wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    expansion: ChoiceExpansion,
) -> Callable[..., Any]:
    """Return the model with skills whitened and what the data never touch left out.

    Parameters
    ----------
    model
        :func:`taskroy.models.roy.roy_model` with its arguments bound.
    economy, log_wage, occupation
        What it is conditioned on.
    expansion
        Of the choice factor, from :func:`taskroy.inference.pilot.expand_choice`.

    Returns
    -------
    Callable
        A model of the same posterior, with the latent site ``skill_whitened``, (N, K), in place
        of ``skill_deviation``; under pooled intercepts ``skill_mean`` is not sampled.
    """
    record = _Record()
    skills = _WhitenSkills(record, economy, log_wage, occupation, expansion)

    def choose(site: dict[str, Any]) -> Reparam | None:
        if site.get("name") == "skill_deviation":
            return skills
        if site.get("name") == "skill_mean" and "mean_potential" in record.values:
            return _LeftOut()
        return None

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        record.values.clear()
        with record, handlers.reparam(config=choose):
            return model(*args, **kwargs)

    return wrapped


class _Record(Messenger):  # type: ignore[misc]
    """Remembers the values of parameters as the model passes them."""

    def __init__(self) -> None:
        self.values: dict[str, Array] = {}
        super().__init__(None)

    def postprocess_message(self, message: dict[str, Any]) -> None:
        if message.get("name") in _NEEDED:
            self.values[message["name"]] = message["value"]


class _LeftOut(Reparam):  # type: ignore[misc]
    """Replaces a site that no likelihood term depends on by its mean; it is drawn afterwards."""

    def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[None, Array]:
        return None, fn.mean


class _WhitenSkills(Reparam):  # type: ignore[misc]
    def __init__(
        self,
        record: _Record,
        economy: Economy,
        log_wage: Array,
        occupation: Array,
        expansion: ChoiceExpansion,
    ) -> None:
        self.record, self.economy, self.expansion = record, economy, expansion
        self.log_wage, self.occupation = log_wage, occupation
        weights = economy.technology.task_weights[occupation] * economy.observed[..., None]
        # What wages say about skills: Σ_t A_ω (N, T, K) and Σ_t A_ω A_ωᵀ (N, K, K).
        self.weights = weights
        self.gram = jnp.einsum("ntk,ntl->nkl", weights, weights)

    def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[None, Array]:
        if obs is not None:
            raise ValueError("skill_deviation is latent and cannot be observed")
        if hasattr(fn, "base_dist"):
            fn = fn.base_dist
        theta, expansion = self.record.values, self.expansion
        scale_tril = fn.scale_tril[0] if fn.scale_tril.ndim == 3 else fn.scale_tril
        variance = theta["wage_shock_scale"] ** 2
        level = theta["mean_potential"]
        net = self.log_wage - self.economy.design @ theta["coefficient"] - level[self.occupation]
        worth = level + theta["amenity"] if "amenity" in theta else level
        # In standardised skills e (s − s̄ = L·e): precision I + Lᵀ(gram/ϱ² + AᵀHA)L.
        precision = self.gram / variance + expansion.curvature
        slope = jnp.einsum("ntk,nt->nk", self.weights, net) / variance
        slope = slope + expansion.slope - expansion.cross @ worth
        precision = scale_tril.T @ precision @ scale_tril + jnp.eye(scale_tril.shape[0])
        factor = cholesky(precision)
        centre = solve_lower(factor, solve_lower(factor, slope @ scale_tril), transpose=True)
        z = numpyro.sample(WHITENED, dist.Normal(0, 1).expand(centre.shape[-1:]).to_event(1))
        e = centre + solve_lower(factor, z, transpose=True)
        log_volume = jnp.log(jnp.diagonal(factor, axis1=-2, axis2=-1)).sum(-1)
        # N(e; 0, I)·|de/dz| in place of the N(z; 0, I) that the sample site counts.
        numpyro.factor(f"{name}_density", 0.5 * (z**2 - e**2).sum(-1) - log_volume)
        return None, e @ scale_tril.T
