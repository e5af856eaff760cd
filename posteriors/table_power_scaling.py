"""Which prior, or the likelihood, moves the results: power scaling as a table and in words."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr

from taskroy.posteriors.power_scaling import (
    BLOCKS,
    LIKELIHOOD,
    OVER_NOISE,
    PRIORS,
    THRESHOLD,
    power_scaling,
)
from taskroy.posteriors.tables import Column, Table, records
from taskroy.posteriors.titles import in_sentence, plain_title

CONFLICT = "prior and data may be in conflict"
PRIOR = "the prior counts"
DATA = "no prior counts"


def power_scaling_table(posterior: xr.DataTree) -> Table:
    """Return the sensitivities of headlines and parameters, a row each."""
    long = power_scaling(posterior)
    rows = [
        _row(group.set_index("block"))
        for _, group in long.groupby(["scenario", "key", "quantity"], sort=False)
    ]
    frame = pd.DataFrame(rows)
    kept = [block for block in (LIKELIHOOD, PRIORS, *BLOCKS) if block in frame]
    return Table(
        "power-scaling",
        "How far results move with the weight of the likelihood and of priors",
        "none",
        frame,
        (
            Column("quantity", "Quantity"),
            Column("scenario", "Scenario", shown=False),
            Column("key", "Key", shown=False),
            *(
                Column(block, block.capitalize(), "ratio", shown=block in (LIKELIHOOD, PRIORS))
                for block in kept
            ),
            Column("most", "Prior that matters most"),
            Column("most_sensitivity", "Its sensitivity", "ratio"),
            Column("reading", "Reading"),
            *(Column(f"{block} noise", "Noise", "ratio", shown=False) for block in kept),
        ),
        (
            "Sensitivity is the distance between the posteriors with exponents 0.99 and 1.01 of "
            f"the density (power scaling, Kallioinen et al. 2024). {THRESHOLD} and more counts, "
            f"if it is {OVER_NOISE:g} times what shuffled densities give or more.",
        ),
    )


def power_scaling_words(table: Table) -> list[str]:
    """Say which priors move the headlines, and where prior and data may be in conflict."""
    rows = records(table.frame)
    headlines = [row for row in rows if row["scenario"]]
    several = len({row["scenario"] for row in headlines}) > 1
    said = [_sentence(row, several) for row in headlines if row["reading"] != DATA]
    if headlines and not said:
        said = ["No prior moves the share of workers who gain or the mean change noticeably."]
    at_odds = [
        f"{row['quantity']} ({_whose(row)})"
        for row in rows
        if not row["scenario"] and row["reading"] == CONFLICT
    ]
    if at_odds:
        said.append(
            f"Prior and data may be in conflict about: {', '.join(at_odds)}. Compare prior and "
            "posterior, and say why the prior is what it is, or widen it."
        )
    resting = [
        f"{row['quantity']} ({_whose(row)})"
        for row in rows
        if not row["scenario"] and row["reading"] == PRIOR
    ]
    if resting:
        said.append(f"What is said of these rests on a prior in part: {', '.join(resting)}.")
    return said


def _row(by_block: pd.DataFrame) -> dict[str, Any]:
    scenario, key, quantity = map(str, by_block[["scenario", "key", "quantity"]].iloc[0])
    value, noise = by_block["sensitivity"], by_block["noise"]
    counts = (value >= THRESHOLD) & (value >= OVER_NOISE * noise)
    most = str(value.drop([LIKELIHOOD, PRIORS]).idxmax())
    # Both move it: they may pull apart. A likelihood that does not stand out of the noise may yet.
    reading = DATA
    if counts[PRIORS] or counts[most]:
        reading = CONFLICT if counts[LIKELIHOOD] else PRIOR
    return {
        "quantity": f"{quantity}: {plain_title(scenario)}" if scenario else quantity,
        "scenario": scenario,
        "key": key,
        **{str(block): number for block, number in value.items()},
        "most": most if counts[most] or not counts[PRIORS] else PRIORS,
        "most_sensitivity": value[most] if counts[most] or not counts[PRIORS] else value[PRIORS],
        "reading": reading,
        **{f"{block} noise": number for block, number in noise.items()},
    }


def _whose(row: dict[str, Any]) -> str:
    return "all priors together" if row["most"] == PRIORS else f"the prior of the {row['most']}"


def _sentence(row: dict[str, Any], several: bool) -> str:
    what = {"winners": "the share of workers who gain", "mean_change": "the mean change"}[
        row["key"]
    ]
    where = f" in “{in_sentence(row['scenario'])}”" if several else ""
    if row["reading"] == CONFLICT:
        also = "the data move it too: they may be in conflict with it"
    elif row[LIKELIHOOD] < THRESHOLD:
        also = "the data hardly do"
    else:
        also = (
            f"whether the data do is lost in noise ({row[LIKELIHOOD]:.2f}, where shuffled "
            f"densities give {row[f'{LIKELIHOOD} noise']:.2f})"
        )
    verb = "move" if row["most"] == PRIORS else "moves"
    return (
        f"{_whose(row).capitalize()} {verb} {what}{where} (sensitivity "
        f"{row['most_sensitivity']:.2f}, where {THRESHOLD} is informative), and {also}."
    )
