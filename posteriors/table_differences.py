"""Tables of what scenarios do beyond the first one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from taskroy.posteriors.bands import SAMPLE, Band, above_zero, estimate, sampling_error
from taskroy.posteriors.scenario_differences import scenario_differences
from taskroy.posteriors.table_headline import SHARES
from taskroy.posteriors.table_scenario import scenarios
from taskroy.posteriors.tables import ROW_KIND, Column, Table
from taskroy.posteriors.titles import in_sentence, plain_title, titles_of

#: Headlines that are compared.
HEADLINES = {
    "winners": "Share of workers who gain (percentage points)",
    "losers": "Share of workers who lose (percentage points)",
    "mean_change": "Mean change, all workers (log points)",
    "welfare_change": "Mean change of welfare (log points)",
}
_SAME_DRAWS = (
    "Differences are taken in every posterior draw, so that what moves both scenarios alike "
    "cancels: the band of a difference is not the difference of their bands."
)


def differences_tables(tree: xr.DataTree, band: Band) -> dict[str, Table]:
    """Return what each further scenario does beyond the first: headlines, and occupations' wages.

    Parameters
    ----------
    tree
        With counterfactuals.
    band
        Kind and level of the intervals.

    Returns
    -------
    dict
        ``scenario-differences`` and ``scenario-differences-occupations``; nothing of a single
        scenario.
    """
    if tree["counterfactual"].sizes["scenario"] < 2:
        return {}
    less = scenario_differences(tree)
    base = in_sentence(str(less.attrs["base"]))
    tables = (
        _headlines_table(less, base, scenarios(tree)[0].counted, band),
        _occupations_table(less, base, titles_of(tree), band),
    )
    return {table.name: table for table in tables}


def _headlines_table(less: xr.Dataset, base: str, counted: str, band: Band) -> Table:
    rows = {key: title for key, title in HEADLINES.items() if key in less}
    draws = xr.concat([less[key] for key in rows], "row", coords="minimal", compat="override")
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "scenario": plain_title(name),
                    "quantity": list(rows.values()),
                    "key": list(rows),
                    ROW_KIND: ["points" if key in SHARES else "log_points" for key in rows],
                    **_difference(draws.isel(scenario=place), "row", band),
                }
            )
            for place, name in enumerate(less["scenario"].to_numpy())
        ],
        ignore_index=True,
    )
    return Table(
        "scenario-differences",
        f"What scenarios do beyond “{base}”, with {band.name}s",
        counted,
        frame,
        (
            Column("scenario", "Scenario"),
            Column("quantity", "Quantity"),
            Column("key", "Key", shown=False),
            Column(ROW_KIND, "Kind", shown=False),
            Column("difference", "Difference [band]", "by_row", band=True),
            *_FURTHER,
        ),
        (_SAME_DRAWS,),
    )


def _occupations_table(less: xr.Dataset, base: str, titles: list[str], band: Band) -> Table:
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "scenario": plain_title(name),
                    "occupation": titles,
                    **_difference(less["log_wage_change"].isel(scenario=place), "occupation", band),
                }
            ).sort_values("difference", ascending=False, kind="stable")
            for place, name in enumerate(less["scenario"].to_numpy())
        ],
        ignore_index=True,
    )
    return Table(
        "scenario-differences-occupations",
        f"Change of each occupation’s mean wage beyond that in “{base}”, with {band.name}s",
        "none",
        frame,
        (
            Column("scenario", "Scenario"),
            Column("occupation", "Occupation"),
            Column("difference", "Difference, log points [band]", "log_points", band=True),
            *_FURTHER,
        ),
        (_SAME_DRAWS,),
    )


_FURTHER = (
    Column("positive_probability", "Probability that it is above zero", "probability"),
    Column("sd", "Posterior sd, × 100", "hundredths"),
    Column("mcse", "Monte Carlo error, × 100", "hundredths"),
)


def _difference(draws: xr.DataArray, along: str, band: Band) -> Mapping[str, np.ndarray]:
    """Return mean, band, probability of sign, sd and Monte Carlo error of numbers along a row."""
    bare = draws.drop_vars(along, errors="ignore").transpose(*SAMPLE, along)
    sd, error = sampling_error(bare)
    return {
        **estimate("difference", bare, band),
        "positive_probability": above_zero(bare),
        "sd": sd,
        "mcse": error,
    }
