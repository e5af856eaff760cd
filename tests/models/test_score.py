"""The density is the simulator's: its score at the truth is pure noise, of the variance it states.

One large panel from the plain NumPy simulator, skills known. Minus the Hessian of the log density
is the variance of its score, so score·(−Hessian)⁻¹·score is chi-squared with as many degrees of
freedom as parameters, if data and density agree.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax.flatten_util import ravel_pytree
from scipy.stats import chi2

from taskroy.data.simulate import simulate_panel
from taskroy.data.task_table import TaskTable
from taskroy.data.task_weights import task_weights
from taskroy.models.careers import Careers

# The chance that a right density fails one case.
_FALSE_ALARM = 1e-4


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_score_at_the_truth_is_noise_and_elsewhere_is_not(shock):
    # The second time the panel is read as if a tenth of a log point of amenity were in another
    # occupation.
    at_truth, off, limit = _score_tests(shock, amenity_errors=(0.0, 0.1))
    assert at_truth < limit < off


def _score_tests(shock: str, amenity_errors: tuple[float, ...]) -> tuple[float, ...]:
    tasks = _tasks()
    amenity = np.array([0.3, -0.1, 0.1, -0.2, -0.1])
    panel, truth = simulate_panel(
        tasks,
        workers=3000,
        years=4,
        seed=11,
        skill_cov=np.array([[0.5, 0.1], [0.1, 0.3]]),
        mean_potential=np.array([2.2, 2.4, 2.3, 2.5, 2.1]),
        amenity=amenity,
        wage_shock_scale=0.35,
        taste_scale=0.25,
        shock=shock,
        observed_share=0.8,
    )
    arrays = panel.arrays(tasks.occupations)
    career = jnp.stack([jnp.asarray(arrays.log_wage), jnp.asarray(arrays.occupation)], -1)
    spread = jnp.asarray(truth["deviation"] @ tasks.weights.to_numpy().T)
    at_truth = {
        "mean_potential": jnp.asarray(truth["mean_potential"]),
        # Only differences of amenities move choices: the last is minus the others.
        "amenity": jnp.asarray(amenity[:-1]),
        "coefficients": jnp.asarray(truth["coefficients"]),
        "log_scales": jnp.log(jnp.array([truth["wage_shock_scale"], truth["taste_scale"]])),
    }
    flat, unravel = ravel_pytree(at_truth)

    def log_density(flat: jax.Array) -> jax.Array:
        values = unravel(flat)
        free = values["amenity"]
        careers = Careers(
            values["mean_potential"] + spread,
            jnp.asarray(arrays.design) @ values["coefficients"],
            jnp.concatenate([free, -free.sum()[None]]),
            *jnp.exp(values["log_scales"]),
            observed=jnp.asarray(arrays.observed),
            shock=shock,
        )
        return careers.log_prob(career).sum()

    gradient, hessian = jax.jit(jax.grad(log_density)), jax.jit(jax.hessian(log_density))

    def statistic(amenity_error: float) -> float:
        moved = at_truth["amenity"] + amenity_error * jnp.array([1.0, -1.0, 0.0, 0.0])
        there, _ = ravel_pytree(at_truth | {"amenity": moved})
        score, information = np.asarray(gradient(there)), -np.asarray(hessian(there))
        return score @ np.linalg.solve(information, score)

    return *(statistic(error) for error in amenity_errors), chi2.isf(_FALSE_ALARM, len(flat))


def _tasks() -> TaskTable:
    weights = np.array([[0.9, 0.1], [0.65, 0.35], [0.35, 0.65], [0.1, 0.9], [0.5, 0.5]])
    codes, titles = list("abcde"), ["Thinking", "Lifting"]
    shipped = task_weights("major", "gwa-category")
    return TaskTable(
        weights=pd.DataFrame(weights, pd.Index(codes, name="occupation"), titles),
        labor_share=pd.Series(0.6, codes),
        exposure=pd.DataFrame(
            shipped.exposure.to_numpy()[:2], pd.Index(titles), shipped.exposure.columns
        ),
        titles=pd.Series(codes, codes),
        source="a test",
    )
