"""The generative model: workers with task-specific skills choose occupations and earn wages.

Read it beside model.md (sections 1 to 5); sample sites carry the names of its table. One function
simulates (``log_wage=None``), conditions, and gives prior and posterior predictive draws.

The likelihood sees mean skills s̄ and intercepts μ only through mean potential wages
m̄_o = μ_o + A_o·s̄, and skills only as deviations from their mean. So m̄ is drawn first, and s̄ and
μ given m̄, which is the same joint distribution written in the other order: no likelihood term
depends on ``skill_mean``, and inference may leave it out and draw it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import Array
from jaxtyping import Bool, Float, Int
from numpyro.distributions import Distribution

from taskroy.data.panel import PanelArrays
from taskroy.errors import ModelError
from taskroy.models.careers import Careers
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings
from taskroy.models.skill_covariance import sample_skill_covariance
from taskroy.models.technology import Technology


@partial(
    jax.tree_util.register_dataclass,
    data_fields=(
        "technology",
        "design",
        "observed",
        "wage_level",
        "orthogonal_basis",
        "task_directions",
    ),
    meta_fields=(),
)
@dataclass(frozen=True)
class Economy:
    """What the model is conditioned on: technology, covariates and who is seen when.

    Attributes
    ----------
    technology
        Task weights and labour shares, of O occupations and K tasks.
    design
        Centred covariates x_it, (N, T, P).
    observed
        True where a worker is seen, (N, T).
    wage_level
        Mean log wage of the panel, the centre of the prior of potential wages.
    orthogonal_basis
        Orthonormal basis of {μ : Aᵀμ = 0}, (O, O − rank A).
    task_directions
        Orthonormal basis of task space, (K, K): columns are the right singular vectors of A, those
        first in which occupations' weights are longest.
    """

    technology: Technology
    design: Float[Array, "N T P"]
    observed: Bool[Array, "N T"]
    wage_level: Float[Array, ""]
    orthogonal_basis: Float[Array, "O B"]
    task_directions: Float[Array, "K K"]

    def of(self, workers: Int[Array, " B"]) -> Economy:
        """Return the same economy, of some workers only, by their indices."""
        return self.map_workers(lambda x: x[workers])

    def map_workers(self, change: Callable[[Array], Array]) -> Economy:
        """Return the same economy with every array whose leading axis is workers changed."""
        return replace(self, design=change(self.design), observed=change(self.observed))


def economy(technology: Technology, panel: PanelArrays) -> Economy:
    """Build the model's conditions from a technology and the padded arrays of a panel."""
    return Economy(
        technology,
        jnp.asarray(panel.design),
        jnp.asarray(panel.observed),
        jnp.asarray(panel.log_wage[panel.observed].mean()),
        *bases(np.asarray(technology.task_weights)),
    )


def bases(task_weights: Float[np.ndarray, "O K"]) -> tuple[Array, Array]:
    """Return what an :class:`Economy` with these task weights has as bases.

    Parameters
    ----------
    task_weights
        A, (O, K).

    Returns
    -------
    tuple
        ``orthogonal_basis``, (O, O − rank A), and ``task_directions``, (K, K).
    """
    left, singular, right = np.linalg.svd(task_weights)
    rank = int((singular > 1e-8 * singular[0]).sum())
    # A direction is the same either way: the largest entry is positive, whatever computed it.
    largest = np.take_along_axis(right, np.abs(right).argmax(1)[:, None], axis=1)
    return jnp.asarray(left[:, rank:]), jnp.asarray((right * np.sign(largest)).T)


def roy_model(
    economy: Economy,
    settings: ModelSettings,
    grid: Grid = Grid(),  # noqa: B008  (frozen)
    *,
    log_wage: Float[Array, "N T"] | None = None,
    occupation: Int[Array, "N T"] | None = None,
) -> Float[Array, "N T 2"]:
    """Draw, or condition on, the careers of a panel of workers.

    Parameters
    ----------
    economy
        Technology, covariates, and who is seen when.
    settings
        Variant of the model and its priors.
    grid
        Sizes of the quadrature of the choice factor.
    log_wage, occupation
        Observed log wages and indices of occupations, (N, T); both or neither. Padded cells hold
        any finite wage and any valid index.

    Returns
    -------
    Array
        Log wages and occupations, (N, T, 2).

    Raises
    ------
    ModelError
        If only one of `log_wage` and `occupation` is given.
    """
    if (log_wage is None) != (occupation is None):
        raise ModelError(
            "Only one of log_wage and occupation is given.",
            expected="both, to condition on careers, or neither, to draw them",
        )
    priors = settings.priors
    wage_shock_scale = numpyro.sample("wage_shock_scale", priors.wage_shock_scale.distribution())
    taste_scale = numpyro.sample("taste_scale", priors.taste_scale.distribution())
    mean_potential, skill_mean = _levels(economy, settings)
    amenity = _amenities(economy, settings)
    # Σ = LLᵀ
    skill_scale_tril = sample_skill_covariance(economy.task_directions, settings)
    coefficient = numpyro.sample(
        "coefficient",
        dist.Normal(0.0, priors.coefficient.sd).expand([economy.design.shape[-1]]).to_event(1),
    )

    experience_return = (
        numpyro.sample("experience_return", priors.experience_return.distribution())
        if settings.state_dependence == "experience"
        else None
    )

    with numpyro.plate("worker", economy.observed.shape[0], dim=-1):
        # s_i − s̄ ~ N(0, Σ)
        deviation = numpyro.sample(
            "skill_deviation",
            dist.MultivariateNormal(
                jnp.zeros(skill_scale_tril.shape[0]), scale_tril=skill_scale_tril
            ),
        )
        numpyro.deterministic("skill", skill_mean + deviation)
        # m_io = μ_o + A_o·s_i
        potential = mean_potential + deviation @ economy.technology.task_weights.T
        careers = Careers(
            potential,
            economy.design @ coefficient,
            amenity,
            wage_shock_scale,
            taste_scale,
            experience_return=experience_return,
            observed=economy.observed,
            shock=settings.shock,
            grid=grid,
            discount=settings.discount,
        )
        seen = (
            None
            if log_wage is None or occupation is None
            else jnp.stack([log_wage, occupation], axis=-1)
        )
        return numpyro.sample("career", careers, obs=seen)


def _levels(economy: Economy, settings: ModelSettings) -> tuple[Array, Array]:
    """Mean potential wages m̄ = μ + A·s̄, and mean skills s̄."""
    priors, a = settings.priors, economy.technology.task_weights
    known = economy.technology.intercept
    occupations, tasks = a.shape
    # Mean skills are centred where the mean potential wage is the panel's mean wage.
    centre = jnp.full(tasks, economy.wage_level - known.mean())
    skill_mean_prior = dist.Normal(centre, priors.skill_mean.sd).to_event(1)

    if settings.intercept == "known":
        skill_mean = numpyro.sample("skill_mean", skill_mean_prior)
        intercept = known
        mean_potential = numpyro.deterministic("mean_potential", intercept + a @ skill_mean)
    else:
        scale = numpyro.sample("intercept_scale", priors.intercept_scale.distribution())
        if settings.intercept == "orthogonal":
            skill_mean = numpyro.sample("skill_mean", skill_mean_prior)
            basis = economy.orthogonal_basis
            free = numpyro.sample(
                "intercept_coordinate", dist.Normal(0, scale).expand([basis.shape[1]]).to_event(1)
            )
            intercept = basis @ free
            mean_potential = numpyro.deterministic("mean_potential", intercept + a @ skill_mean)
        else:
            # μ = known + c + N(0, τ²): integrate over μ, c and s̄, draw m̄, then s̄ given m̄.
            loading = priors.skill_mean.sd * a
            constant = jnp.full((occupations, 1), priors.intercept_constant.sd)
            spread = dist.LowRankMultivariateNormal(
                known + a @ centre,
                cov_factor=jnp.concatenate([loading, constant], axis=1),
                cov_diag=jnp.full(occupations, scale**2),
            )
            mean_potential = numpyro.sample("mean_potential", spread)
            gap = mean_potential - spread.loc
            skill_mean = numpyro.sample(
                "skill_mean",
                _ridge(loading, spread.covariance_matrix, gap, centre, priors.skill_mean.sd),
            )
            intercept = mean_potential - a @ skill_mean
    numpyro.deterministic("intercept", intercept)
    return mean_potential, skill_mean


def _ridge(loading: Array, covariance: Array, gap: Array, centre: Array, sd: float) -> Distribution:
    """Return p(s̄ | m̄), a Gaussian in closed form; `gap` is m̄ less its prior mean."""
    gain = sd * jnp.linalg.solve(covariance, loading).T
    posterior = sd**2 * jnp.eye(loading.shape[1]) - sd * gain @ loading
    return dist.MultivariateNormal(centre + gain @ gap, 0.5 * (posterior + posterior.T))


def _amenities(economy: Economy, settings: ModelSettings) -> Array:
    """κ_o, with mean zero: only differences move choices."""
    occupations = economy.technology.task_weights.shape[0]
    if settings.amenities == "none":
        return jnp.zeros(occupations)
    scale = numpyro.sample("amenity_scale", settings.priors.amenity_scale.distribution())
    return numpyro.sample("amenity", dist.ZeroSumNormal(scale, event_shape=(occupations,)))
