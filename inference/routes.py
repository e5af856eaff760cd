"""The routes to a posterior, behind one signature.

Each takes the economy, what was seen, the model's settings, the effort, a key; each returns
:class:`Draws` of θ and of every worker's skills from the same posterior.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int
from numpyro.infer.initialization import init_to_value
from numpyro.infer.util import initialize_model, unconstrain_fn

from taskroy.inference.nuts import run_chains
from taskroy.inference.pilot import Pilot, pilot
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.variational import approximate
from taskroy.inference.whiten import WHITENED, whitened
from taskroy.models.roy import Economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.progress import Progress

_PILOT_STEPS = 500


@dataclass(frozen=True)
class Draws:
    """Posterior draws of the model's sites, each (chain, draw, …), and the sampler's statistics.

    Attributes
    ----------
    sites
        Constrained values of θ and ``skill_deviation`` (chain, draw, N, K).
    statistics
        NUTS: divergences, energy, steps and the like, (chain, draw). SVI: ``log_weight``, log of
        posterior over approximation, up to a constant.
    pilot
        Values, expansion and grid that the route started from.
    """

    sites: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    pilot: Pilot


def sample_posterior(
    economy: Economy,
    log_wage: Float[Array, "N T"],
    occupation: Int[Array, "N T"],
    model: ModelSettings,
    inference: InferenceSettings,
    key: Array,
    progress: Progress,
) -> Draws:
    """Draw from the posterior by the route that `inference.method` names.

    Parameters
    ----------
    economy
        Technology, covariates, and who is seen when.
    log_wage, occupation
        What was seen, padded, (N, T).
    model
        Variant of the model and priors.
    inference
        Route and effort.
    key
        Random key.
    progress
        Told how far it is.
    """
    pilot_key, guide_key, sample_key = jax.random.split(key, 3)
    found = pilot(economy, model, log_wage, occupation, pilot_key, progress)
    bound = partial(roy_model, economy, model, found.grid, log_wage=log_wage, occupation=occupation)
    target = whitened(bound, economy, log_wage, occupation, found.expansion)
    start = {k: v for k, v in found.values.items() if k not in (WHITENED, "skill_deviation")}
    start[WHITENED] = jnp.zeros_like(found.values[WHITENED])
    nuts = inference.method == "nuts"
    guide = approximate(
        target,
        guide_key,
        start,
        steps=_PILOT_STEPS if nuts else inference.svi_steps,
        learning_rate=0.01,
        progress=progress,
        name="starting points" if nuts else "SVI",
    )
    # The site's sample statements are traced once here; its potential is a pure function.
    info = initialize_model(
        guide_key, target, init_strategy=init_to_value(values=start), validate_grad=False
    )
    to_real = jax.jit(jax.vmap(partial(unconstrain_fn, target, (), {})))
    if not nuts:
        draws = guide.sample(sample_key, inference.draws)
        points = to_real(draws)
        weight = -jax.lax.map(info.potential_fn, points) - jax.vmap(guide.log_density)(points)
        sites = jax.jit(jax.vmap(info.postprocess_fn))(points)
        return Draws(
            {k: np.asarray(v)[None] for k, v in sites.items()},
            {"log_weight": np.asarray(weight)[None]},
            found,
        )

    start_key, chain_key = jax.random.split(sample_key)
    starts = to_real(guide.sample(start_key, inference.chains))
    parameters = guide.parameter_sites
    chains = run_chains(
        info.potential_fn,
        starts,
        chain_key,
        inference,
        dense=parameters,
        inverse_mass={parameters: guide.parameter_gaussian().covariance_matrix},
        progress=progress,
    )
    flattened = {k: v.reshape(-1, *v.shape[2:]) for k, v in chains.sites.items()}
    sites = jax.jit(jax.vmap(info.postprocess_fn))(flattened)
    shape = (inference.chains, inference.draws)
    return Draws(
        {k: np.asarray(v).reshape(shape + v.shape[1:]) for k, v in sites.items()},
        chains.statistics,
        found,
    )
