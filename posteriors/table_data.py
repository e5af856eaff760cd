"""Tables of the data: who is in it, and how the model's predictions compare with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from taskroy.posteriors.bands import Band, estimate
from taskroy.posteriors.small_cells import SMALLEST, to_suppress
from taskroy.posteriors.tables import SUPPRESSED, Column, Table
from taskroy.posteriors.titles import titles_of

_WORKER_YEARS = "each worker-year counts once"


def who_table(tree: xr.DataTree) -> Table:
    """Return who is in the data, by occupation."""
    constant, seen = tree["constant_data"].to_dataset(), tree["observed_data"].to_dataset()
    hidden = _hidden(tree)
    wage = seen["mean_log_wage"].to_numpy()
    frame = pd.DataFrame(
        {
            "occupation": titles_of(tree),
            "workers": _shown(constant["workers"], hidden),
            "observations": _shown(constant["observations"], hidden),
            "employment_share": _shown(seen["employment_share"], hidden),
            "mean_log_wage": np.where(hidden, np.nan, wage),
            "typical_wage": np.where(hidden, np.nan, np.exp(wage)),
            SUPPRESSED: hidden,
        }
    )
    notes = ["A worker who changes occupation is counted in each that he or she held."]
    return Table(
        "who",
        "Workers and observations by occupation",
        _WORKER_YEARS,
        frame,
        (
            Column("occupation", "Occupation"),
            Column("workers", "Workers", "count"),
            Column("observations", "Observations", "count"),
            Column("employment_share", "Share of observations", "percent1"),
            Column("mean_log_wage", "Mean log wage", "number"),
            Column("typical_wage", "Typical wage (exp of the mean log wage)", "number"),
        ),
        (*notes, *_suppression_note(hidden)),
    )


def fit_tables(tree: xr.DataTree, band: Band) -> tuple[Table, Table]:
    """Return observed against predicted, by occupation and overall.

    Parameters
    ----------
    tree
        With groups ``observed_data``, ``posterior_predictive`` and ``prior_predictive``.
    band
        Kind and level of the intervals.

    Returns
    -------
    tuple of Table
        Employment shares and mean log wages; spread of wages and mobility.
    """
    seen = tree["observed_data"].to_dataset()
    hidden = _hidden(tree)
    columns: dict[str, object] = {"occupation": titles_of(tree)}
    for name in ("employment_share", "mean_log_wage"):
        columns[name] = _shown(seen[name], hidden)
        columns |= _predictions(name, tree, name, band)
    columns[SUPPRESSED] = hidden
    by_occupation = Table(
        "fit-by-occupation",
        f"Employment shares and mean log wages, observed and predicted, with {band.name}s",
        _WORKER_YEARS,
        pd.DataFrame(columns),
        (
            Column("occupation", "Occupation"),
            Column("employment_share", "Share observed", "percent1"),
            Column("employment_share_predicted", "predicted [band]", "percent1", band=True),
            Column(
                "employment_share_prior", "prior prediction", "percent1", band=True, shown=False
            ),
            Column("mean_log_wage", "Mean log wage observed", "number"),
            Column("mean_log_wage_predicted", "predicted [band]", "number", band=True),
            Column("mean_log_wage_prior", "prior prediction", "number", band=True, shown=False),
        ),
        _suppression_note(hidden),
    )
    rows = []
    for name, label in (
        ("log_wage_sd", "Standard deviation of log wages"),
        ("between_share", "Share of the variance of log wages that lies between occupations"),
        ("switching_rate", "Share of consecutive observations with a change of occupation"),
    ):
        ends = _predictions("quantity", tree, name, band)
        row = {key: float(value[0]) for key, value in ends.items()}
        observed = float(seen[name])
        rows.append({"quantity": label, "observed": observed, "verdict": _verdict(observed, row)})
        rows[-1] |= row
    overall = Table(
        "fit-overall",
        f"Spread of wages and mobility, observed and predicted, with {band.name}s",
        f"{_WORKER_YEARS}; for mobility, each pair of a worker's consecutive observations",
        pd.DataFrame(rows),
        (
            Column("quantity", "Quantity"),
            Column("observed", "Observed", "number"),
            Column(
                "quantity_predicted", "Predicted after seeing the data [band]", "number", band=True
            ),
            Column("verdict", "Observed is"),
            Column("quantity_prior", "Predicted before (prior) [band]", "number", band=True),
        ),
    )
    return by_occupation, overall


def _hidden(tree: xr.DataTree) -> NDArray[np.bool_]:
    return to_suppress(np.nan_to_num(tree["constant_data"]["workers"].to_numpy()))


def _shown(values: xr.DataArray, hidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(hidden, np.nan, values.to_numpy().astype(float))


def _suppression_note(hidden: NDArray[np.bool_]) -> tuple[str, ...]:
    if not hidden.any():
        return ()
    return (
        f"Observed numbers of occupations with fewer than {SMALLEST} workers are not shown, to "
        "protect the persons behind them (if that is one occupation, of the next smallest too, for "
        "else it could be worked out). Numbers computed from the model are shown for all.",
    )


def _predictions(
    name: str, tree: xr.DataTree, variable: str, band: Band
) -> dict[str, NDArray[np.float64]]:
    return estimate(
        f"{name}_predicted", tree["posterior_predictive"].to_dataset()[variable], band
    ) | estimate(f"{name}_prior", tree["prior_predictive"].to_dataset()[variable], band)


def _verdict(observed: float, row: dict[str, float]) -> str:
    if not np.isfinite(observed):
        return "–"
    if observed < row["quantity_predicted_low"]:
        return "below the band"
    return "above the band" if observed > row["quantity_predicted_high"] else "inside the band"
