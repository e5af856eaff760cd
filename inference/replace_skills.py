"""The generative model with its skills replaced: by whitened ones, or by an integral.

In NumPyro's terms each is a ``Reparam`` of the ``skill_deviation`` site of
:func:`taskroy.models.roy.roy_model`, which stays plainly written (model.md, section 4). The
posterior of θ is the model's under either, the second up to the error of Laplace's method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpyro
import numpyro.distributions as dist
from jax import Array
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer.reparam import Reparam

from taskroy.inference.low_rank_expansion import LowRankExpansion
from taskroy.inference.seen import Seen
from taskroy.inference.skill_importance import log_mean, log_weights
from taskroy.inference.skill_posterior import (
    ChoiceExpansion,
    SkillGaussian,
    laplace,
)
from taskroy.inference.theta import RecordTheta, Theta
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

WHITENED = "skill_whitened"
DENSITY = "skill_deviation_density"
# Newton steps from the expansion's centre, before the differentiable one. Without it the mode is
# half a posterior sd off at the edge of the posterior, and the gradient is not that of the value.
NEWTON_STEPS = 1

type _Skills = Callable[[Theta], Array]


def whitened(
    model: Callable[..., Any],
    seen: Seen,
    expansion: ChoiceExpansion | LowRankExpansion,
) -> Callable[..., Any]:
    """Return the model with skills whitened and what the data never touch left out.

    Given θ, the wage Gaussian times the expansion of the choice factor makes each worker's skills
    Gaussian. Sampling z_i ~ N(0, I) and mapping it there leaves z nearly standard normal and nearly
    independent of θ. Whatever the expansion, the density is the model's: the map is affine and its
    Jacobian is counted.

    Parameters
    ----------
    model
        :func:`taskroy.models.roy.roy_model` with its arguments bound.
    seen
        What it is conditioned on.
    expansion
        Of the choice factor, or of wages too, from :func:`taskroy.inference.pilot.pilot`.

    Returns
    -------
    Callable
        A model of the same posterior, with the latent site ``skill_whitened``, (N, K), in place
        of ``skill_deviation``; under pooled intercepts ``skill_mean`` is not sampled.
    """

    def skills(theta: Theta) -> Array:
        gaussian = expansion.gaussian(theta, seen)
        tasks = theta.skill_scale_tril.shape[:1]
        z = numpyro.sample(WHITENED, dist.Normal(0, 1).expand(tasks).to_event(1))
        e = gaussian.at(z)
        # N(e; 0, I)·|de/dz| in place of the N(z; 0, I) that the sample site counts.
        density = 0.5 * (z**2 - e**2).sum(-1) - gaussian.log_volume
        numpyro.factor(DENSITY, density)
        return e

    return _with_skills(model, skills)


def integrated(
    model: Callable[..., Any],
    seen: Seen,
    expansion: ChoiceExpansion,
    settings: ModelSettings,
    grid: Grid,
) -> Callable[..., Any]:
    """Return the model of θ alone: skills integrated out by Laplace's method, worker by worker.

    The career site counts the likelihood at each worker's mode; the factor added here makes that
    the integral over his skills: N(e; 0, I)·√|2πP⁻¹|, P the precision at the mode.

    Parameters
    ----------
    model, seen, expansion
        As for `whitened`; the expansion is where Newton's steps start.
    settings
        Of the model.
    grid
        Of the quadrature of derivatives.

    Returns
    -------
    Callable
        A model whose latent sites are those of θ; ``skill_deviation`` is deterministic, the mode.
    """

    def skills(theta: Theta) -> Array:
        fixed = jax.lax.stop_gradient(theta)
        start = expansion.gaussian(fixed, seen).centre
        found = laplace(theta, seen, start, settings, grid, steps=NEWTON_STEPS)
        e = found.mode
        numpyro.factor(DENSITY, -0.5 * ((e**2).sum(-1) + found.log_determinant))
        return e

    return _with_skills(model, skills)


def integrated_by_importance(
    model: Callable[..., Any],
    seen: Seen,
    expansion: ChoiceExpansion,
    settings: ModelSettings,
    grids: tuple[Grid, Grid],
    proposals: int,
) -> Callable[..., Any]:
    """Return the model of θ alone, skills integrated out by importance sampling from Laplace's.

    Its likelihood is that of `integrated` times each worker's mean weight, which is random: its
    expectation is the likelihood, without Laplace's error, and that of its log a lower bound, the
    tighter the more proposals. Proposals move with the mode, which leaves little noise in the
    gradient, and keep their spread: whatever they are drawn from, the likelihood is the same.

    Parameters
    ----------
    model, seen, expansion, settings
        As for `integrated`.
    grids
        Of the quadrature of the density, and of that of derivatives.
    proposals
        Proposals a worker, drawn anew whenever the model runs; a model that is not seeded fails.
    """
    fine, coarse = grids

    def skills(theta: Theta) -> Array:
        key = numpyro.prng_key()
        if key is None:
            raise ValueError("the proposals of skills are random: seed the model")
        fixed = jax.lax.stop_gradient(theta)
        start = expansion.gaussian(fixed, seen).centre
        found = laplace(theta, seen, start, settings, coarse, steps=NEWTON_STEPS)
        e = found.mode
        gaussian = SkillGaussian(e, found.gaussian.factor)
        weight = log_weights(theta, seen, gaussian, settings, fine, key, proposals)[1]
        numpyro.factor(DENSITY, log_mean(weight) - 0.5 * (e**2).sum(-1) - gaussian.log_volume)
        return e

    return _with_skills(model, skills)


def _with_skills(model: Callable[..., Any], skills: _Skills) -> Callable[..., Any]:
    """Return the model with standardised skills given by a function of θ."""
    record = RecordTheta()

    class Replaced(Reparam):  # type: ignore[misc]
        def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[None, Array]:
            if obs is not None:
                raise ValueError("skill_deviation is latent and cannot be observed")
            theta = record.theta(fn)
            return None, skills(theta) @ theta.skill_scale_tril.T

    def choose(site: dict[str, Any]) -> Reparam | None:
        if site.get("name") == "skill_deviation":
            return Replaced()
        if site.get("name") == "skill_mean" and record.has("mean_potential"):
            return _LeftOut()
        return None

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        record.clear()
        with record, handlers.reparam(config=choose):
            return model(*args, **kwargs)

    return wrapped


class _LeftOut(Reparam):  # type: ignore[misc]
    """Replaces a site that no likelihood term depends on by its mean; it is drawn afterwards."""

    def __call__(self, name: str, fn: Distribution, obs: Any) -> tuple[None, Array]:
        return None, fn.mean
