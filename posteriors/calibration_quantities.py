"""What is calibrated, at one posterior draw: parameters, likelihood, and what automation does.

By the program's own code: the generative model for what is not sampled, the scenario's for its
effects. At the truth the same quantities come from :mod:`taskroy.posteriors.calibration_truth`.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpyro import handlers

from taskroy.inference.seen import Seen, generative
from taskroy.models.automation import Automation
from taskroy.models.choice_grid import Grid
from taskroy.models.scenario import play
from taskroy.models.settings import ModelSettings
from taskroy.models.world import Parameters
from taskroy.posteriors.decomposition import decompose
from taskroy.posteriors.winners import wage_changes, welfare_changes

_SCALES = ("wage_shock_scale", "taste_scale", "intercept_scale", "amenity_scale", "loading_scale")
_LEVELS = ("mean_potential", "intercept", "amenity", "skill_mean", "skill_sd", "coefficient")


def quantities(
    sites: dict[str, Array],
    known: Seen,
    model: ModelSettings,
    grid: Grid,
    automated: Float[Array, " K"],
    key: Array,
) -> dict[str, Array]:
    """Return every calibrated quantity at one draw, by name; arrays where there are several.

    Parameters
    ----------
    sites
        Latent sites of the generative model. Under pooled intercepts mean skills are drawn anew
        given the rest, as a fit draws them.
    known, model, grid
        What was seen, the model, and its quadrature.
    automated
        Share of each task that is automated, at its threshold productivity.
    key
        Random key.
    """
    redrawn = {"skill_mean"} if model.intercept == "pooled" else set()
    given = {name: value for name, value in sites.items() if name not in redrawn}
    conditioned = handlers.substitute(generative(known, model, grid), data=given)
    trace = handlers.trace(handlers.seed(conditioned, key)).get_trace()
    value = {name: site["value"] for name, site in trace.items()}
    career = trace["career"]
    value.setdefault("amenity", jnp.zeros_like(value["intercept"]))
    lower = np.tril_indices(value["skill_corr"].shape[0], -1)
    draw = Parameters(**{name: value[name] for name in Parameters._fields if name in value})
    return {
        **{name: value[name] for name in (*_SCALES, *_LEVELS) if name in value},
        "skill_corr": value["skill_corr"][lower],
        "skill_of_first": value["skill"][0],
        "log_likelihood": career["fn"].log_prob(career["value"]).sum(),
        **_scenario(draw, known, model, automated),
    }


def _scenario(
    draw: Parameters, known: Seen, model: ModelSettings, automated: Array
) -> dict[str, Array]:
    technology = known.economy.technology
    before, after, _ = play((Automation(),), draw, technology, automated[None], model.shock)
    old, new = before.equilibrium, after.equilibrium
    changes = wage_changes(old, new) | welfare_changes(old, new)
    wanted = ("winners", "mean_change", "welfare_change")
    return {
        **{name: changes[name] for name in wanted},
        "employment_after": new.probability.mean(0),
        "log_wage_change": decompose(before, after, draw.skill_mean)["log_wage_change"],
    }
