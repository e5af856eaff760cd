"""Whether the likelihood with skills integrated out is that of the simulator, over many panels.

On each panel the likelihood is maximised over θ. Twice how much higher it is there than at the
truth is chi-squared with as many degrees of freedom as θ has numbers, if model, quadrature and
Laplace's method are right and the panel is large: a density that is off anywhere in θ shows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy import optimize

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.densities import conditions
from taskroy.benchmarks.panels import simulated_panel
from taskroy.inference.seen import Seen
from taskroy.inference.skill_posterior import laplace
from taskroy.inference.theta import Theta, careers
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings

_SEED = 1
_PANELS, _QUICK_PANELS = 40, 2
_OCCUPATIONS, _TASKS = 4, 2
_GRID = Grid(nodes=72, terms=24, knots=112)
# From skills at their mean, without a pilot.
_NEWTON_STEPS = 8
_TRUTH: dict[str, Any] = {
    "wage_shock_scale": 0.35,
    "taste_scale": 0.25,
    "mean_potential": np.array([2.5, 2.4, 2.3, 2.5]),
    "amenity": np.array([0.1, 0.0, 0.0, -0.1]),
    "skill_cov": np.array([[3.0, 0.5], [0.5, 2.0]]),
}


class _Found(NamedTuple):
    """Of one panel: 2·(highest − at the truth), ν and ϱ there."""

    statistic: float
    taste_scale: float
    wage_shock_scale: float


def run(effort: Effort) -> list[Row]:
    """Maximise the likelihood of every panel."""
    number = _QUICK_PANELS if effort.quick else _PANELS
    sizes = {"workers": 200, "years": 5, "occupations": _OCCUPATIONS, "tasks": _TASKS}
    if effort.quick:
        sizes["workers"] = 30
    with jax.enable_x64(True):
        found, parameters = _over_panels(sizes, number, effort)
    statistics = np.array([f.statistic for f in found])
    wanted = float(parameters)
    measured = {
        "mean_statistic": float(statistics.mean()),
        "wanted": wanted,
        "standard_error": float(np.sqrt(2 * wanted / number)),
        "mean_taste_scale": float(np.mean([f.taste_scale for f in found])),
        "mean_wage_shock_scale": float(np.mean([f.wage_shock_scale for f in found])),
    }
    note = f"truth: ν {_TRUTH['taste_scale']}, ϱ {_TRUTH['wage_shock_scale']}"
    return [
        Row(
            "likelihood ratio of estimate to truth, skills integrated out",
            sizes | {"panels": number},
            _SEED,
            "float64",
            measured,
            note,
        )
    ]


def _over_panels(sizes: dict[str, int], number: int, effort: Effort) -> tuple[list[_Found], int]:
    value_and_gradient = jax.jit(jax.value_and_grad(_minus_log_likelihood))
    found: list[_Found] = []
    effort.progress.start("panels", number)
    for panel_number in range(number):
        seed = _SEED + panel_number
        panel, truth, table = simulated_panel(**sizes, seed=seed, **_TRUTH)
        where = conditions(panel, table, ModelSettings())
        start = np.asarray(_flat(truth))

        def objective(x: Any, known: Seen = where.seen) -> tuple[float, np.ndarray]:
            value, gradient = value_and_gradient(jnp.asarray(x), known)
            return float(value), np.asarray(gradient)

        best = optimize.minimize(objective, start, jac=True, method="BFGS")
        statistic = 2 * (objective(start)[0] - float(best.fun))
        found.append(_Found(statistic, float(np.exp(best.x[0])), float(np.exp(best.x[1]))))
        effort.progress.advance(panel_number + 1)
    effort.progress.finish()
    return found, len(start)


def _minus_log_likelihood(flat: Array, known: Seen) -> Array:
    theta, settings = _theta(flat), ModelSettings()
    start = jnp.zeros((len(known.career), _TASKS))
    there = laplace(theta, known, start, settings, _GRID, steps=_NEWTON_STEPS)
    joint = careers(theta, known, there.mode, settings, _GRID).log_prob(known.career)
    return -(joint - 0.5 * (there.mode**2).sum(-1) - 0.5 * there.log_determinant).sum()


def _flat(truth: dict[str, Any]) -> Array:
    """Every number of θ, unconstrained."""
    root = np.linalg.cholesky(truth["skill_cov"])
    return jnp.concatenate(
        [
            np.log([truth["taste_scale"], truth["wage_shock_scale"]]),
            truth["mean_potential"],
            truth["amenity"][:-1],
            np.log(np.diag(root)),
            root[np.tril_indices(_TASKS, -1)],
            truth["coefficients"],
        ]
    )


def _theta(flat: Array) -> Theta:
    lower = _TASKS * (_TASKS - 1) // 2
    parts = jnp.split(flat, np.cumsum([2, _OCCUPATIONS, _OCCUPATIONS - 1, _TASKS, lower]).tolist())
    scales, mean_potential, free, log_diagonal, below, coefficient = parts
    tril = jnp.diag(jnp.exp(log_diagonal)).at[np.tril_indices(_TASKS, -1)].set(below)
    return Theta(
        wage_shock_scale=jnp.exp(scales[1]),
        taste_scale=jnp.exp(scales[0]),
        mean_potential=mean_potential,
        amenity=jnp.concatenate([free, -free.sum()[None]]),
        coefficient=coefficient,
        skill_scale_tril=tril,
    )
