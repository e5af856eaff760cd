"""The same model written plainly in PyMC, every unseen wage sampled: what most would do first.

Needs PyMC, which nothing else does: ``pip install taskroy[bench]``.
"""

from __future__ import annotations

import time
from math import log
from typing import Any

import numpy as np

from taskroy.benchmarks.densities import Conditions


def plain_pymc(where: Conditions) -> Any:
    """Return the model of :func:`taskroy.models.roy.roy_model`, with its priors and site names.

    Parameters
    ----------
    where
        Data and settings: shocks by occupation, intercepts and amenities pooled, skills correlated
        by LKJ, the default.

    Returns
    -------
    pymc.Model
        The model, conditioned on the careers.
    """
    import pymc as pm
    import pytensor.tensor as pt

    priors, arrays = where.settings.priors, where.arrays
    a = np.asarray(where.economy.technology.task_weights)
    known = np.asarray(where.economy.technology.intercept)
    design, level = np.asarray(where.economy.design), float(where.economy.wage_level)
    seen, held, log_wage = arrays.observed, arrays.occupation, arrays.log_wage
    (workers, years), (occupations, tasks) = log_wage.shape, a.shape
    own = held[..., None] == np.arange(occupations)
    worker, year = np.nonzero(seen)
    with pm.Model() as model:
        rho = pm.LogNormal("wage_shock_scale", *_log_normal(priors.wage_shock_scale))
        nu = pm.LogNormal("taste_scale", *_log_normal(priors.taste_scale))
        tau = pm.HalfNormal("intercept_scale", priors.intercept_scale.scale)
        fixed = priors.skill_mean.sd**2 * a @ a.T + priors.intercept_constant.sd**2
        centre = known + a @ np.full(tasks, level - known.mean())
        mean = pm.MvNormal("mean_potential", centre, cov=fixed + tau**2 * pt.eye(occupations))
        kappa = pm.HalfNormal("amenity_scale", priors.amenity_scale.scale)
        amenity = pm.ZeroSumNormal("amenity", kappa, shape=occupations)
        tril, _, sd = pm.LKJCholeskyCov(
            "skill",
            n=tasks,
            eta=priors.skill_corr.concentration,
            sd_dist=pm.LogNormal.dist(*_log_normal(priors.skill_sd), size=tasks),
        )
        pm.Deterministic("skill_sd", sd)
        beta = pm.Normal("coefficient", 0.0, priors.coefficient.sd, shape=design.shape[-1])
        z = pm.Normal("skill_standard", shape=(workers, tasks))
        shock = pm.Normal("shock", shape=(workers, years, occupations))
        potential = mean + z @ tril.T @ a.T
        expected = potential[:, None, :] + (design @ beta)[..., None]
        wage = pt.where(own, log_wage[..., None], expected + rho * shock)
        choice = pm.math.log_softmax((wage + amenity) / nu, axis=-1)
        cell = (worker, year, held[seen])
        pm.Potential("choice", choice[cell].sum())
        pm.Normal("wage", expected[cell], rho, observed=log_wage[seen])
    return model


def sample_by_pymc(
    where: Conditions, names: tuple[str, ...], warmup: int, draws: int, limit: float, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Sample one chain by PyMC's NUTS, for at most `limit` seconds.

    Parameters
    ----------
    where
        Data and settings.
    names
        Sites to keep.
    warmup, draws
        Iterations.
    limit
        Seconds after which it is stopped; what was drawn until then is returned.
    seed
        Of every random number.

    Returns
    -------
    tuple
        Sites (chain=1, draw, …), and steps and divergences (1, draw).
    """
    import pymc as pm

    began = time.perf_counter()

    def stop(trace: Any, draw: Any) -> None:
        if time.perf_counter() - began > limit:
            raise KeyboardInterrupt

    with plain_pymc(where):
        found = pm.sample(
            draws,
            tune=warmup,
            chains=1,
            cores=1,
            random_seed=seed,
            progressbar=False,
            callback=stop,
            compute_convergence_checks=False,
        )
    statistics = found["sample_stats"]
    sites = {k: found["posterior"][k].to_numpy() for k in names}
    return sites, statistics["n_steps"].to_numpy(), statistics["diverging"].to_numpy()


def _log_normal(prior: Any) -> tuple[float, float]:
    return log(prior.median), prior.log_sd
