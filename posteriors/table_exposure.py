"""Table of exposure against the change of wages, by occupation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from taskroy.posteriors.bands import SAMPLE, Band, above_zero, estimate
from taskroy.posteriors.table_scenario import MEMBERS, Scenario
from taskroy.posteriors.tables import Column, Table


def exposure_table(scenario: Scenario, band: Band) -> Table:
    """Return exposure, change of pay and employment by occupation, most exposed first."""
    draws = scenario.draws
    frame = pd.DataFrame(
        {
            "occupation": scenario.occupations,
            "exposure": draws["occupation_exposure"].to_numpy(),
            **estimate("log_wage_change", draws["log_wage_change"], band),
            "rise_probability": above_zero(draws["log_wage_change"]),
            **estimate("incumbent_change", draws["incumbent_change"], band),
            "incumbent_rise_probability": above_zero(draws["incumbent_change"]),
            "employment_before": draws["employment_before"].mean(SAMPLE).to_numpy(),
        }
    ).sort_values("exposure", ascending=False, kind="stable", ignore_index=True)
    frame.insert(0, "number", np.arange(1, len(frame) + 1))
    return Table(
        f"{scenario.prefix}-exposure",
        f"Exposure and change of the mean log wage, by occupation, with {band.name}s",
        MEMBERS,
        frame,
        (
            Column("number", "No.", "count"),
            Column("occupation", "Occupation"),
            Column("exposure", "Share of its work that is automated", "percent1"),
            Column(
                "log_wage_change",
                "Change of its mean wage, log points [band]",
                "log_points",
                band=True,
            ),
            Column("rise_probability", "Probability of a rise", "probability"),
            Column(
                "incumbent_change",
                "Change for who stays, log points [band]",
                "log_points",
                band=True,
            ),
            Column("incumbent_rise_probability", "Probability of a rise", "probability"),
            Column("employment_before", "Employment before", "percent1", shown=False),
        ),
        (
            "“Its mean wage” compares those who work in the occupation after the change with those "
            "who did before; “who stays” follows those who were there, at unchanged wage shocks.",
        ),
    )
