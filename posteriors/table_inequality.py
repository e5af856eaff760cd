"""Tables of inequality and welfare before and after."""

from __future__ import annotations

import pandas as pd

from taskroy.posteriors.bands import Band, above_zero, estimate
from taskroy.posteriors.table_scenario import MEMBERS, Scenario
from taskroy.posteriors.tables import Column, Table, record, show

_TITLES = {
    "mean": "Mean of log wages",
    "variance": "Variance of log wages",
    "variance_between": "… between occupations",
    "variance_within": "… within occupations",
    "gini": "Gini coefficient of wages",
    "theil": "Theil index of wages",
    "p90_p10": "90th less 10th percentile of log wages",
    "p50_p10": "50th less 10th percentile of log wages",
    "p90_p50": "90th less 50th percentile of log wages",
}


def inequality_table(scenario: Scenario, band: Band) -> Table:
    """Return each measure of inequality before, after, and its change."""
    draws = scenario.draws
    before, after = draws["inequality_before"], draws["inequality_after"]
    measures = [str(name) for name in draws["measure"].to_numpy()]
    frame = pd.DataFrame(
        {
            "measure": [_TITLES[name] for name in measures],
            "key": measures,
            **estimate("before", before, band),
            **estimate("after", after, band),
            **estimate("change", after - before, band),
            "rise_probability": above_zero(after - before),
        }
    )
    return Table(
        f"{scenario.prefix}-inequality",
        f"Inequality between workers before and after, with {band.name}s",
        scenario.counted,
        frame,
        (
            Column("measure", "Measure"),
            Column("key", "Key", shown=False),
            Column("before", "Before [band]", "number", band=True),
            Column("after", "After [band]", "number", band=True),
            Column("change", "Change [band]", "number", band=True),
            Column("rise_probability", "Probability of a rise", "probability"),
        ),
        (
            "Measures are of workers’ expected log wages (Gini and Theil: of their exponentials), "
            "one value a worker, over his or her choices and shocks: of prospects, not of the "
            "wages of one year.",
        ),
    )


def welfare_table(scenario: Scenario, band: Band) -> Table:
    """Return the change of welfare: all workers first, then by occupation, largest gain first."""
    draws = scenario.draws
    everyone = pd.DataFrame(
        {
            "occupation": ["All workers"],
            **estimate("welfare_change", draws["welfare_change"], band),
            "rise_probability": [float((draws["welfare_change"] > 0).mean())],
            **estimate("wage_change", draws["mean_change"], band),
            **estimate("better_off", draws["welfare_winners"], band),
        }
    )
    each = {
        "occupation": scenario.occupations,
        **estimate("welfare_change", draws["welfare_change_by_occupation"], band),
        "rise_probability": above_zero(draws["welfare_change_by_occupation"]),
        **estimate("wage_change", draws["worker_change_by_occupation"], band),
    }
    frame = pd.DataFrame(each).sort_values("welfare_change", ascending=False, kind="stable")
    better_off = Column("better_off", "Share who are better off", "percent", band=True, shown=False)
    return Table(
        f"{scenario.prefix}-welfare",
        "Change of welfare in log points of the wage, and of the expected wage, by the occupation "
        f"held before, with {band.name}s",
        f"{scenario.counted}; {MEMBERS}",
        pd.concat([everyone, frame], ignore_index=True),
        (
            Column("occupation", "Occupation before"),
            Column("welfare_change", "Welfare, log points [band]", "log_points", band=True),
            Column("rise_probability", "Probability of a rise", "probability"),
            Column("wage_change", "Wage, log points [band]", "log_points", band=True),
            better_off,
        ),
        (
            "Welfare is what workers expect of the best of their occupations, wages, amenities and "
            "tastes together. Its change is the uniform change of log wages that they value as "
            f"much. {show(better_off, record(everyone, 0))} of the workers are better off.",
        ),
    )
