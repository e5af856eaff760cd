"""Whether the likelihood with skills integrated out is that of the simulator, over many panels.

On each panel the likelihood is maximised over θ. Twice how much higher it is there than at the
truth is chi-squared with as many degrees of freedom as θ has numbers, if model, quadrature and
Laplace's method are right and the panel is large: a density that is off anywhere in θ shows.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from taskroy.benchmarks.benchmark import Effort, Row
from taskroy.benchmarks.densities import conditions
from taskroy.benchmarks.marginal_maximum import Maximum, Sizes, flat, maximizer
from taskroy.benchmarks.panels import simulated_panel
from taskroy.models.settings import ModelSettings

_SEED = 1
_PANELS, _QUICK_PANELS = 40, 2
_OCCUPATIONS, _TASKS = 4, 2
_TRUTH: dict[str, Any] = {
    "wage_shock_scale": 0.35,
    "taste_scale": 0.25,
    "mean_potential": np.array([2.5, 2.4, 2.3, 2.5]),
    "amenity": np.array([0.1, 0.0, 0.0, -0.1]),
    "skill_cov": np.array([[3.0, 0.5], [0.5, 2.0]]),
}


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
        "mean_taste_scale": float(np.mean([f.theta.taste_scale for f in found])),
        "mean_wage_shock_scale": float(np.mean([f.theta.wage_shock_scale for f in found])),
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


def _over_panels(sizes: dict[str, int], number: int, effort: Effort) -> tuple[list[Maximum], int]:
    maximize = maximizer(Sizes(_OCCUPATIONS, _TASKS))
    found: list[Maximum] = []
    effort.progress.start("panels", number)
    for panel_number in range(number):
        seed = _SEED + panel_number
        panel, truth, table = simulated_panel(**sizes, seed=seed, **_TRUTH)
        where, start = conditions(panel, table, ModelSettings()), flat(truth)
        found.append(maximize(where.seen, start))
        effort.progress.advance(panel_number + 1)
    effort.progress.finish()
    return found, len(start)
