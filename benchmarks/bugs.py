"""Bugs to plant: each a text in a file of the program, and what to write in its place."""

from __future__ import annotations

from typing import NamedTuple


class Bug(NamedTuple):
    """In `file`, `new` stands in the place of `old`; it is on `route`, and in `variant`."""

    name: str
    file: str
    old: str
    new: str
    route: str = "nuts"
    variant: str = "known"


ROY, CAREERS = "models/roy.py", "models/careers.py"
SKILLS = "models/skill_covariance.py"
BUGS = (
    Bug(
        "none: the program as it is",
        "models/roy.py",
        "priors = settings.priors",
        "priors = settings.priors",
    ),
    Bug(
        "Jacobian of whitened skills dropped",
        "inference/replace_skills.py",
        "density = 0.5 * (z**2 - e**2).sum(-1) - gaussian.log_volume",
        "density = 0.5 * (z**2 - e**2).sum(-1)",
    ),
    Bug(
        "Jacobian of whitened levels dropped",
        "inference/whiten_levels.py",
        "log_prior - log_volume + 0.5 * (z @ z)",
        "log_prior + 0.5 * (z @ z)",
        variant="pooled",
    ),
    Bug(
        "Jacobian of scales dropped",
        "inference/density.py",
        "partial(potential_energy, model, (), {}),",
        "lambda z: -__import__('numpyro').infer.util.log_density("
        "model, (), {}, sites.constrained(z))[0],",
    ),
    Bug(
        "variance for sd of the wage shock",
        CAREERS,
        "z = (net - mean) / self.wage_shock_scale",
        "z = (net - mean) / self.wage_shock_scale**2",
    ),
    Bug(
        "wage density not normalised",
        CAREERS,
        "-0.5 * z**2 - jnp.log(self.wage_shock_scale) - _LOG_SQRT_2PI",
        "-0.5 * z**2 - _LOG_SQRT_2PI",
    ),
    Bug(
        "selection term missing",
        CAREERS,
        "jnp.where(seen, choice_factor, 0.0)",
        "0.0 * choice_factor",
    ),
    Bug(
        "unseen worker-years counted",
        CAREERS,
        "return jnp.where(seen, wage_factor, 0.0), jnp.where(seen, choice_factor, 0.0)",
        "return wage_factor, choice_factor",
    ),
    Bug(
        "wage shock's scale for that of tastes",
        CAREERS,
        "log_softmax(worth / self.taste_scale",
        "log_softmax(worth / self.wage_shock_scale",
    ),
    Bug(
        "amenity sign",
        CAREERS,
        "worth = (self.potential + self.beyond_wage)[:, None]",
        "worth = (self.potential - self.beyond_wage)[:, None]",
        variant="pooled",
    ),
    Bug(
        "amenity of the occupation held left out",
        CAREERS,
        "self.common + jnp.take_along_axis(beyond, held, axis=1)",
        "self.common",
    ),
    Bug("coefficient sign", ROY, "economy.design @ coefficient,", "-economy.design @ coefficient,"),
    Bug(
        "covariates of another year",
        ROY,
        "economy.design @ coefficient,",
        "jnp.roll(economy.design, 1, axis=1) @ coefficient,",
    ),
    Bug(
        "loadings of tasks swapped",
        ROY,
        "deviation @ economy.technology.task_weights.T",
        "deviation @ economy.technology.task_weights[:, ::-1].T",
    ),
    Bug("correlations dropped", SKILLS, "return sd[:, None] * factor", "return jnp.diag(sd)"),
    Bug(
        "variances for sds of skills",
        SKILLS,
        "return sd[:, None] * factor",
        "return sd[:, None] ** 2 * factor",
    ),
    Bug(
        "data ignored",
        ROY,
        'return numpyro.sample("career", careers, obs=seen)',
        "with numpyro.handlers.mask(mask=seen is None):\n"
        '            return numpyro.sample("career", careers, obs=seen)',
    ),
    Bug(
        "prior of skills twice",
        ROY,
        'numpyro.deterministic("skill", skill_mean + deviation)',
        'numpyro.deterministic("skill", skill_mean + deviation)\n'
        '        numpyro.factor("again", dist.MultivariateNormal(\n'
        "            jnp.zeros(skill_scale_tril.shape[0]), scale_tril=skill_scale_tril\n"
        "        ).log_prob(deviation))",
    ),
    Bug(
        "prior of the taste scale twice",
        ROY,
        "    mean_potential, skill_mean = _levels(economy, settings)",
        '    numpyro.factor("again", priors.taste_scale.distribution().log_prob(taste_scale))\n'
        "    mean_potential, skill_mean = _levels(economy, settings)",
    ),
    Bug(
        "mean of skills dropped",
        ROY,
        'numpyro.deterministic("skill", skill_mean + deviation)',
        'numpyro.deterministic("skill", deviation)',
    ),
    Bug("known intercept dropped", ROY, "known + a @ centre,", "a @ centre,", variant="pooled"),
    Bug(
        "constant of intercepts left out",
        ROY,
        "cov_factor=jnp.concatenate([loading, constant], axis=1)",
        "cov_factor=loading",
        variant="pooled",
    ),
    Bug(
        "mean skills drawn as if levels said nothing",
        ROY,
        "sd**2 * jnp.eye(loading.shape[1]) - sd * gain @ loading",
        "sd**2 * jnp.eye(loading.shape[1])",
        variant="pooled",
    ),
    Bug(
        "concentration of correlations inverted",
        SKILLS,
        "priors.skill_corr.concentration",
        "1 / priors.skill_corr.concentration",
    ),
    Bug(
        "task weights not normalised",
        "models/technology.py",
        "return jnp.asarray(self.alpha) / jnp.asarray(self.labor_share)[:, None]",
        "return jnp.asarray(self.alpha)",
    ),
    Bug(
        "automation: lost labour's intercept forgotten",
        "models/technology.py",
        "change = (moved @ jnp.asarray(productivity) + moved.sum(1) * mu) / kept",
        "change = moved @ jnp.asarray(productivity) / kept",
    ),
    Bug(
        "threshold: wages of incumbents added",
        "models/machine_productivity.py",
        "gap = (weight * economy.world.skill - held_wage).sum(0)",
        "gap = (weight * economy.world.skill + held_wage).sum(0)",
    ),
    Bug(
        "winners counted twice",
        "posteriors/winners.py",
        '"winners": mean_of(winner, weight)',
        '"winners": 2 * mean_of(winner, weight)',
    ),
    Bug("mean of Gumbel ignored in welfare", "models/world.py", " + np.euler_gamma)", ")"),
    Bug(
        "selection on shocks: sd for variance",
        "models/world.py",
        "found.probability, rho**2 / nu * found.stein",
        "found.probability, rho / nu * found.stein",
    ),
    Bug(
        "warm-up kept as draws",
        "inference/many_routes.py",
        "[:, inference.warmup : total]",
        "[:, : inference.draws]",
    ),
    Bug(
        "log determinant halved",
        "inference/replace_skills.py",
        "-0.5 * ((e**2).sum(-1) + found.log_determinant)",
        "-0.5 * ((e**2).sum(-1) + 0.5 * found.log_determinant)",
        "nuts-marginal",
    ),
    Bug(
        "skills at their mode, not drawn",
        "inference/draw_skills.py",
        "e = jnp.take_along_axis(proposed, chosen[None, :, None], axis=0)[0]",
        "e = found.mode",
        "nuts-marginal",
    ),
    Bug(
        "approximation a third too narrow",
        "inference/variational.py",
        "return _gaussian(self.parameters[_LOCATION], self.parameters[_TRIL])",
        "return _gaussian(self.parameters[_LOCATION], self.parameters[_TRIL] / 1.5)",
        "svi",
    ),
)
