"""The numbers of the answer to one scenario, and how exactly they were computed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from taskroy.posteriors.bands import SAMPLE, Band, above_zero, estimate, sampling_error
from taskroy.posteriors.table_scenario import MEMBERS, Scenario
from taskroy.posteriors.tables import ROW_KIND, Column, Table
from taskroy.posteriors.titles import in_sentence

SHARES = ("winners", "losers")
_FROM = "Mean change (log points), those from "
_ENOUGH_ERROR = 0.05  # of the posterior sd: quality.md


def headline_table(scenario: Scenario, band: Band) -> Table:
    """Return the numbers of the answer, with posterior sd and Monte Carlo error.

    The rows ``best`` and ``worst`` are the occupations whose workers gain most and least in the
    posterior mean; ``slope`` is by how much the change of an occupation's wage differs for 10
    points more exposure, by least squares in each draw, occupations weighing by employment before.
    """
    draws = scenario.draws
    by_occupation = draws["worker_change_by_occupation"]
    mean = by_occupation.mean(SAMPLE).to_numpy()
    best, worst = int(mean.argmax()), int(mean.argmin())
    rows = {
        ("winners", "Share of workers who gain"): draws["winners"],
        ("losers", "Share of workers who lose"): draws["losers"],
        ("mean_change", "Mean change, all workers (log points)"): draws["mean_change"],
        ("best", f"{_FROM}{scenario.occupations[best]}"): by_occupation[{"occupation": best}],
        ("worst", f"{_FROM}{scenario.occupations[worst]}"): by_occupation[{"occupation": worst}],
    }
    slope = _exposure_slope(draws)
    if slope is not None:
        rows["slope", "Change of an occupation’s wage (log points) for 10 points more exposure"] = (
            slope
        )
    stacked = xr.concat(
        [row.drop_vars("occupation", errors="ignore") for row in rows.values()], "row"
    ).transpose(*SAMPLE, "row")
    columns = estimate("value", stacked, band)
    sd, error = sampling_error(stacked)
    frame = pd.DataFrame(
        {
            "quantity": [label for _, label in rows],
            "key": [key for key, _ in rows],
            ROW_KIND: ["percent" if key in SHARES else "log_points" for key, _ in rows],
            **columns,
            **{
                f"percent{key.removeprefix('value')}": np.where(
                    [name in SHARES for name, _ in rows], np.nan, np.expm1(value)
                )
                for key, value in columns.items()
            },
            "positive_probability": np.where(
                [name in SHARES for name, _ in rows], np.nan, above_zero(stacked)
            ),
            "sd": sd,
            "mcse": error,
            "mcse_ratio": np.divide(error, sd, out=np.zeros_like(sd), where=sd > 0),
        }
    )
    return Table(
        f"{scenario.prefix}-headline",
        f"The numbers of the answer, “{in_sentence(scenario.name)}”, with {band.name}s, and how "
        "exactly they were computed",
        f"{scenario.counted}; {MEMBERS}",
        frame,
        (
            Column("quantity", "Quantity"),
            Column("key", "Key", shown=False),
            Column(ROW_KIND, "Kind", shown=False),
            Column("value", "Posterior mean [band]", "by_row", band=True),
            Column("percent", "In per cent of the wage", "percent1", band=True, shown=False),
            Column("positive_probability", "Probability that it is above zero", "probability"),
            Column("sd", "Posterior sd, × 100", "hundredths"),
            Column("mcse", "Monte Carlo error, × 100", "hundredths"),
            Column("mcse_ratio", "Error / sd", "percent1"),
        ),
        (_error_note(frame),),
    )


def mean_exposure(scenario: Scenario) -> float:
    """Return the share of the average worker's work that machines take over."""
    draws = scenario.draws
    weight = draws["employment_before"].mean(SAMPLE)
    return float(draws["occupation_exposure"].weighted(weight).mean())


def more_gain_probability(scenario: Scenario) -> float:
    """Return the share of draws in which more workers gain than lose."""
    return float((scenario.draws["winners"] > scenario.draws["losers"]).mean())


def _error_note(frame: pd.DataFrame) -> str:
    said = "Monte Carlo error is what another run of the sampler would change"
    if (frame["mcse_ratio"] > _ENOUGH_ERROR).any():
        return f"{said}. The last column shows where it is above 5% of the posterior sd: draw more."
    return f"{said}; at 5% of the posterior sd or less, as here, it does not matter."


def _exposure_slope(draws: xr.Dataset) -> xr.DataArray | None:
    exposure = draws["occupation_exposure"]
    weight = draws["employment_before"].mean(SAMPLE)
    centred = exposure - exposure.weighted(weight).mean("occupation")
    variance = float((weight * centred**2).sum("occupation"))
    if exposure.size < 3 or variance < 1e-8:
        return None
    return 0.1 * (weight * centred * draws["log_wage_change"]).sum("occupation") / variance
