"""Table of why workers' expected wages change: means, and how much workers differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from taskroy.posteriors.bands import SAMPLE, Band, above_zero, estimate
from taskroy.posteriors.table_decomposition import parts_of
from taskroy.posteriors.table_scenario import Scenario
from taskroy.posteriors.tables import Column, Table

_PERCENTILES = {10: "p10", 50: "p50", 90: "p90"}


def worker_parts_table(scenario: Scenario, band: Band) -> Table | None:
    """Return the parts of workers' expected changes; None of counterfactuals of earlier versions.

    Parts of the mean change come with bands; percentiles are of the workers' posterior means.
    """
    draws = scenario.draws
    if "mean_part" not in draws:
        return None
    titles = parts_of(scenario)
    rows = [name for name in titles if name != "log_wage_change"]
    parts = draws["mean_part"].sel(part=rows).transpose(*SAMPLE, "part")
    total = draws["mean_change"]
    columns = {
        name: np.concatenate([each, whole])
        for (name, each), whole in zip(
            estimate("mean", parts, band).items(), estimate("mean", total, band).values(),
            strict=True,
        )
    }  # fmt: skip
    means = [draws[f"worker_{name}_mean"].to_numpy() for name in (*rows, "change")]
    spread = np.percentile(np.stack(means), list(_PERCENTILES), axis=1)
    frame = pd.DataFrame(
        {
            "part": [*(titles[name] for name in rows), titles["log_wage_change"]],
            "key": [*rows, "total"],
            **columns,
            "positive_probability": [*above_zero(parts), float(above_zero(total))],
            **dict(zip(_PERCENTILES.values(), spread, strict=True)),
        }
    )
    return Table(
        f"{scenario.prefix}-worker-parts",
        "Why workers’ expected wages change: parts of the mean change in log points, with "
        f"{band.name}s, and percentiles of the workers’ own",
        scenario.counted,
        frame,
        (
            Column("part", "Part"),
            Column("key", "Key", shown=False),
            Column("mean", "Mean of all workers [band]", "log_points", band=True),
            Column("positive_probability", "Probability that it is a gain", "probability"),
            *(
                Column(name, f"{q}th percentile of workers", "log_points")
                for q, name in _PERCENTILES.items()
            ),
        ),
        (
            "Of one worker: task shift is that of a worker of mean skills who is where this worker "
            "is; selection is that his or her own skills are other; re-sorting is what moving to "
            "other occupations adds to staying. The parts add up for every worker; percentiles are "
            "of posterior means, and each part’s are other workers.",
        ),
    )
