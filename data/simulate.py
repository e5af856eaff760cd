"""Simulate a worker panel from known parameters, in plain NumPy.

The program follows the equations and shares no code with any model, so that models can be tested
against it. For worker i, year t and occupation o::

    deviation_i ~ N(0, skill_cov)
    m_io        = mean_potential_o + A_o · deviation_i
    w_iot       = m_io + x_it · coefficients + ε_iot,   ε_iot ~ N(0, wage_shock_scale²)
    choice_it   = argmax_o (w_iot + amenity_o + taste_scale · Gumbel_iot)

With ``shock="worker"`` one ε serves all occupations of a worker-year. Only the wage of the chosen
occupation is seen. With ``experience_return`` above zero, w_iot is higher by that much in the
occupation that the worker held when he was last seen.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from taskroy.data.design import Covariates, with_design
from taskroy.data.panel import Panel
from taskroy.data.task_table import TaskTable
from taskroy.errors import DataError

FIRST_YEAR = 2001
#: Default level of log wages, and the standard deviation of deviations A_o · (s - s̄) they have.
DEFAULT_LOG_WAGE, DEFAULT_DEVIATION = 2.5, 0.4
EXPERIENCE = "exper"
DEFAULT_COVARIATES = Covariates(year_effects=True, experience=EXPERIENCE, experience_degree=2)

Shock = Literal["occupation", "worker"]


def simulate_panel(
    tasks: TaskTable,
    *,
    workers: int,
    years: int,
    seed: int,
    mean_potential: ArrayLike | None = None,
    skill_cov: ArrayLike | None = None,
    amenity: ArrayLike | None = None,
    wage_shock_scale: float = 0.4,
    taste_scale: float = 0.2,
    experience_return: float = 0.0,
    shock: Shock = "occupation",
    covariates: Covariates = DEFAULT_COVARIATES,
    coefficients: ArrayLike | None = None,
    observed_share: float = 1.0,
) -> tuple[Panel, dict[str, Any]]:
    """Simulate a panel and keep the truth.

    Parameters
    ----------
    tasks
        Occupations (O) and their task weights (O × K).
    workers, years
        Size; a column ``exper`` starts between 0 and 9 years and grows by one a year.
    seed
        Of NumPy's default generator; the same seed gives the same panel.
    mean_potential
        (O,) mean potential log wages at mean covariates; default 2.5 in every occupation.
    skill_cov
        (K, K) covariance of skill deviations; default a multiple of the identity that gives
        potential log wages a standard deviation of 0.4 on average.
    amenity
        (O,) non-wage value in log-wage units; default zero.
    wage_shock_scale, taste_scale
        ϱ and ν, both above zero, in log points.
    experience_return
        Δ, log points.
    shock
        Independent shocks for each occupation, or one for each worker-year.
    covariates
        Common covariates; may use ``exper``.
    coefficients
        (P,) for the design columns in the order of ``Panel.covariates``; default 0.02 a year for
        year effects and 0.05, -0.02, 0, … for powers of experience.
    observed_share
        Probability that a worker-year is in the panel; every worker keeps at least one.

    Returns
    -------
    tuple
        The panel, and the truth: every parameter by its name, ``deviation`` (N × K) and
        ``potential`` (N × O, at mean covariates), in the order of the panel's workers.

    Raises
    ------
    DataError
        If a size, scale or shape is wrong.
    """
    if workers < 1 or years < 1 or not 0.0 < observed_share <= 1.0:
        raise DataError(
            f"workers={workers}, years={years}, observed_share={observed_share} is no panel.",
            expected="workers and years of 1 or above, observed_share in (0, 1]",
            remedy="correct the setting",
        )
    if not (wage_shock_scale > 0.0 and taste_scale > 0.0) or shock not in ("occupation", "worker"):
        raise DataError(
            f"wage_shock_scale={wage_shock_scale}, taste_scale={taste_scale}, shock={shock!r}.",
            expected="scales above zero; shock 'occupation' or 'worker'",
            remedy="correct the setting",
        )
    rng = np.random.default_rng(seed)
    weights = tasks.weights.to_numpy()
    n_occupations, n_tasks = weights.shape
    mean = _array(mean_potential, np.full(n_occupations, DEFAULT_LOG_WAGE), "mean_potential")
    value = _array(amenity, np.zeros(n_occupations), "amenity")
    scale = DEFAULT_DEVIATION**2 / np.mean((weights**2).sum(axis=1))
    cov = _array(skill_cov, scale * np.eye(n_tasks), "skill_cov")
    try:
        root = np.linalg.cholesky(cov)
    except np.linalg.LinAlgError as error:
        raise DataError(
            "skill_cov is not positive definite.",
            expected="a symmetric positive definite matrix",
            remedy="add a small multiple of the identity",
        ) from error

    frame = _worker_years(rng, workers, years, observed_share)
    frame, names = with_design(frame, covariates, source="simulated")
    beta = _array(coefficients, _default_coefficients(names), "coefficients")

    deviation = rng.standard_normal((workers, n_tasks)) @ root.T
    potential = mean + deviation @ weights.T
    common = frame[list(names)].to_numpy(dtype=np.float64) @ beta
    n_shocks = n_occupations if shock == "occupation" else 1
    shocks = wage_shock_scale * rng.standard_normal((len(frame), n_shocks))
    wage = potential[frame["worker"]] + common[:, None] + shocks
    tastes = taste_scale * rng.gumbel(size=wage.shape)
    # Rows are sorted by worker, then year.
    choice = np.zeros(len(frame), dtype=np.int64)
    seen_before = frame["worker"].duplicated().to_numpy()
    for row in range(len(frame)):
        if seen_before[row]:
            wage[row, choice[row - 1]] += experience_return
        choice[row] = np.argmax(wage[row] + value + tastes[row])

    frame.insert(2, "occupation", np.array(tasks.occupations, dtype=object)[choice])
    frame["occupation"] = frame["occupation"].astype(str)
    frame.insert(3, "log_wage", wage[np.arange(len(frame)), choice])
    truth = {
        "mean_potential": mean,
        "skill_cov": cov,
        "amenity": value,
        "wage_shock_scale": wage_shock_scale,
        "taste_scale": taste_scale,
        "experience_return": experience_return,
        "coefficients": beta,
        "covariate_names": names,
        "deviation": deviation,
        "potential": potential,
        "shock": shock,
        "seed": seed,
    }
    return Panel(frame, names, f"simulated (seed {seed})"), truth


def _worker_years(
    rng: np.random.Generator, workers: int, years: int, observed_share: float
) -> pd.DataFrame:
    """Which worker-years are observed, and experience in them."""
    observed = rng.random((workers, years)) < observed_share
    observed[np.arange(workers), rng.integers(years, size=workers)] = True
    start = rng.integers(0, 10, size=workers)
    worker, t = np.nonzero(observed)
    return pd.DataFrame(
        {
            "worker": worker.astype(np.int64),
            "year": (FIRST_YEAR + t).astype(np.int64),
            EXPERIENCE: (start[worker] + t).astype(np.float64),
        }
    )


def _default_coefficients(names: tuple[str, ...]) -> NDArray[np.float64]:
    powers = {f"{EXPERIENCE}^1": 0.05, f"{EXPERIENCE}^2": -0.02}
    trend = {
        name: 0.02 * (int(name.removeprefix("year ")) - FIRST_YEAR)
        for name in names
        if name.startswith("year ")
    }
    return np.array([{**powers, **trend}.get(name, 0.0) for name in names])


def _array(given: ArrayLike | None, default: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if given is None:
        return default
    array = np.asarray(given, dtype=np.float64)
    if array.shape != default.shape or not np.isfinite(array).all():
        raise DataError(
            f"'{name}' has shape {array.shape} or holds a value that is not finite.",
            expected=f"finite numbers of shape {default.shape}",
            remedy=f"correct {name}",
        )
    return array
