"""Where a band comes from: parameters, workers' skills given parameters, the choice of scenario.

Of one scenario, Var(g) = Var(E[g | θ]) + E[Var(g | θ)] (total variance): what parameters explain,
and what skills would still leave open were parameters known. A tree holds one draw of skills for
each draw of θ, and no careers to draw others from, so E[g | θ] is fitted: a ridge regression of g
on θ and its squares, judged by draws that it has not seen (blocks of a chain, because neighbours
are alike). What it misses counts as skills: the share of parameters is a lower bound, near where g
is nearly quadratic in θ over the posterior.

Of several scenarios taken as equally likely, Var = mean of variances + variance of means.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from taskroy.posteriors.bands import SAMPLE
from taskroy.posteriors.tables import ROW_KIND, Column, Table
from taskroy.posteriors.titles import in_sentence, plain_title

HEADLINES = {"winners": "Share of workers who gain", "mean_change": "Mean change"}
ALL = "all scenarios, taken as equally likely"
_FOLDS = 5
_RIDGES = (1e-2, 1e0, 1e2)
# Of fewer draws for each number of θ nothing is learnt about what they explain.
_DRAWS_PER_FEATURE = 2


def explained_share(
    values: NDArray[np.float64], features: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of a variance that parameters explain, by draws that were left out.

    Parameters
    ----------
    values
        (chain, draw).
    features
        Numbers of θ, (chain, draw, P).

    Returns
    -------
    ndarray
        In [0, 1]; NaN where values do not vary, or draws are too few for so many numbers.
    """
    chains, draws, number = features.shape
    x, y = features.reshape(-1, number), values.reshape(-1)
    spread = x.std(0)
    x = (x - x.mean(0))[:, spread > 1e-12] / spread[spread > 1e-12]
    if y.std() < 1e-12 or len(y) < _DRAWS_PER_FEATURE * x.shape[1]:
        return np.array(np.nan)
    if len(y) >= 2 * _DRAWS_PER_FEATURE * x.shape[1]:
        squares = x**2
        x = np.hstack([x, (squares - squares.mean(0)) / np.maximum(squares.std(0), 1e-12)])
    # The same stretch of every chain is left out at once.
    fold = np.tile(np.arange(draws) * _FOLDS // draws, chains)
    left = [np.zeros_like(y) for _ in _RIDGES]
    for one in np.unique(fold):
        seen, out = fold != one, fold == one
        centre, mean = x[seen].mean(0), y[seen].mean()
        within = x[seen] - centre
        gram, target = within.T @ within, within.T @ (y[seen] - mean)
        for place, ridge in enumerate(_RIDGES):
            slope = np.linalg.solve(gram + ridge * np.eye(len(gram)), target)
            left[place][out] = y[out] - mean - (x[out] - centre) @ slope
    unexplained = min(float((residual**2).mean()) for residual in left) / y.var()
    return np.array(np.clip(1 - unexplained, 0.0, 1.0))


def uncertainty_split(tree: xr.DataTree) -> pd.DataFrame:
    """Return where the bands of headlines come from.

    Parameters
    ----------
    tree
        With groups ``posterior`` and ``counterfactual``.

    Returns
    -------
    pandas.DataFrame
        A row for each headline of each scenario, and of all of them where they are several:
        ``scenario``, ``key``, ``sd``, and shares of the variance, which sum to one:
        ``parameters``, ``skills``, ``choice`` of scenario.
    """
    effects = tree["counterfactual"].to_dataset()
    features = _features(tree["posterior"].to_dataset())
    rows = []
    for key in HEADLINES:
        values = effects[key].transpose("scenario", *SAMPLE).to_numpy()
        shares = [float(explained_share(value, features)) for value in values]
        variances, means = values.var((1, 2)), values.mean((1, 2))
        for name, variance, share in zip(
            effects["scenario"].to_numpy(), variances, shares, strict=True
        ):
            rows.append(_row(str(name), key, variance, share * variance, 0.0))
        if len(values) > 1:
            total = variances.mean() + means.var()
            by_parameters = float(np.mean(np.array(shares) * variances))
            rows.append(_row(ALL, key, total, by_parameters, means.var()))
    return pd.DataFrame(rows)


def split_table(tree: xr.DataTree) -> Table:
    """Return the split as a table of the report."""
    frame = uncertainty_split(tree)
    titles = [name if name == ALL else plain_title(name) for name in frame["scenario"]]
    frame = frame.assign(scenario=titles, quantity=[HEADLINES[key] for key in frame["key"]])
    frame[ROW_KIND] = ["percent" if key == "winners" else "log_points" for key in frame["key"]]
    several = (frame["scenario"] == ALL).any()
    return Table(
        "uncertainty",
        "Where the uncertainty comes from: shares of the posterior variance",
        "none",
        frame,
        (
            Column("quantity", "Quantity"),
            Column("scenario", "Scenario", shown=bool(several)),
            Column("key", "Key", shown=False),
            Column("sd", "Posterior sd", "number", shown=False),
            Column("parameters", "Parameters, at least", "percent"),
            Column("skills", "Workers’ skills given parameters, at most", "percent"),
            Column("choice", "Choice of scenario", "percent", shown=bool(several)),
        ),
        (
            "What parameters explain is found by regression on draws, and is the least that they "
            "do; what is left counts as skills.",
        ),
    )


def split_words(frame: pd.DataFrame) -> list[str]:
    """Say in a sentence what the bands hang on."""
    said = []
    for _, row in frame.iterrows():
        if row["key"] != "mean_change" or not np.isfinite(row["parameters"]):
            continue
        if row["scenario"] == ALL:
            said.append(
                f"Were all scenarios equally likely, {row['choice']:.0%} of the variance of the "
                "mean change would come from which of them it is."
            )
        else:
            said.append(
                f"Of the variance of the mean change in “{in_sentence(row['scenario'])}”, "
                f"{row['parameters']:.0%} or more comes from parameters that are not known "
                "exactly, the rest from workers’ skills."
            )
    return said


def _row(name: str, key: str, total: float, parameters: float, choice: float) -> dict[str, object]:
    scale = total if total > 0 else np.nan
    return {
        "scenario": name,
        "key": key,
        "sd": float(np.sqrt(total)),
        "parameters": parameters / scale,
        "skills": (total - parameters - choice) / scale,
        "choice": choice / scale,
    }


def _features(posterior: xr.Dataset) -> NDArray[np.float64]:
    """Return all numbers of θ, logs of scales, (chain, draw, P)."""
    columns = []
    for name, values in posterior.drop_vars("skill").items():
        array = values.transpose(*SAMPLE, ...).to_numpy().astype(np.float64)
        flat = array.reshape(*array.shape[:2], -1)
        scale = str(name).endswith(("_scale", "_sd"))
        columns.append(np.log(np.maximum(flat, 1e-300)) if scale else flat)
    return np.concatenate(columns, axis=-1)
