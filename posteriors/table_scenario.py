"""Tables of one scenario: what machines take over, who gains and loses, and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from taskroy.posteriors.bands import Band, above_zero, estimate
from taskroy.posteriors.redrawn_headlines import GROUP as REDRAWN
from taskroy.posteriors.small_cells import SMALLEST, to_suppress
from taskroy.posteriors.tables import SUPPRESSED, Column, Table
from taskroy.posteriors.titles import plain_title, titles_of

_BINS = 10
_HIDDEN_CELLS = (
    f"Cells of fewer than {SMALLEST} workers are not shown, nor the next smallest where that is "
    "needed to hide a single one."
)
ONE_EACH = "each worker counts once"
BY_WEIGHT = "workers count by their mean weight in the panel"
MEMBERS = (
    "within an occupation, workers count by their probability of working there before the change"
)


@dataclass(frozen=True)
class Scenario:
    """One scenario of a posterior.

    Attributes
    ----------
    number
        From 1.
    name
        Made harmless.
    draws
        Group ``counterfactual``, without dimension ``scenario``.
    occupations
        Titles, made harmless.
    redrawn
        Group ``counterfactual_redrawn``, the same way; None where skills were not drawn again.
    """

    number: int
    name: str
    draws: xr.Dataset
    occupations: list[str]
    redrawn: xr.Dataset | None = None

    @property
    def prefix(self) -> str:
        """Of the names of its tables and figures."""
        return f"scenario-{self.number}"

    @property
    def counted(self) -> str:
        """How workers count in headlines, in winners and changes by occupation, in inequality."""
        return BY_WEIGHT if self.draws.attrs.get("weighted") else ONE_EACH

    @property
    def has_ties(self) -> bool:
        """Whether some workers neither gain nor lose."""
        rest = 1 - self.draws["winners"] - self.draws["losers"]
        return bool((abs(rest) > 1e-9).any())


def scenarios(tree: xr.DataTree) -> list[Scenario]:
    """Return the scenarios of a posterior, in order."""
    group, titles = tree["counterfactual"].to_dataset(), titles_of(tree)
    again = tree[REDRAWN].to_dataset() if REDRAWN in tree.children else None

    def one(place: int, name: object) -> Scenario:
        here = {"scenario": place}
        redrawn = None if again is None else again.isel(here, drop=True)
        return Scenario(place + 1, plain_title(name), group.isel(here, drop=True), titles, redrawn)

    return [one(place, name) for place, name in enumerate(group["scenario"].values)]


def task_table(scenario: Scenario, band: Band) -> Table:
    """Return what machines take over and how well they do it."""
    draws = scenario.draws
    frame = pd.DataFrame(
        {
            "task": [plain_title(task) for task in draws["task"].to_numpy()],
            "automated_share": draws["automated_share"].to_numpy(),
            **_machine_productivity(scenario, band),
        }
    )
    return Table(
        f"{scenario.prefix}-tasks",
        "Share of each task that machines take over, and their productivity at it (log "
        f"productivity less log price, in log-wage units), with {band.name}s",
        "none (tasks)",
        frame,
        (
            Column("task", "Task"),
            Column("automated_share", "Share automated", "percent1"),
            Column("productivity", "Productivity of machines [band]", "number", band=True),
        ),
    )


def employment_table(scenario: Scenario, band: Band) -> Table:
    """Return employment before and after by occupation, largest gain first."""
    draws = scenario.draws
    change = draws["employment_after"] - draws["employment_before"]
    frame = pd.DataFrame(
        {
            "occupation": scenario.occupations,
            **estimate("employment_before", draws["employment_before"], band),
            **estimate("employment_after", draws["employment_after"], band),
            **estimate("employment_change", change, band),
        }
    ).sort_values("employment_change", ascending=False, kind="stable", ignore_index=True)
    return Table(
        f"{scenario.prefix}-employment",
        f"Shares of employment before and after, with {band.name}s",
        ONE_EACH,
        frame,
        (
            Column("occupation", "Occupation"),
            Column("employment_before", "Before [band]", "percent1", band=True),
            Column("employment_after", "After [band]", "percent1", band=True),
            Column("employment_change", "Change, percentage points [band]", "points", band=True),
        ),
    )


def winners_table(scenario: Scenario, band: Band) -> Table:
    """Return who gains, by occupation before the change: all workers first, then most gains."""
    draws = scenario.draws
    everyone = pd.DataFrame(
        {
            "occupation": ["All workers"],
            **estimate("winners", draws["winners"], band),
            **estimate("losers", draws["losers"], band),
            **estimate("worker_change", draws["mean_change"], band),
            "gain_probability": [float((draws["mean_change"] > 0).mean())],
        }
    )
    each = pd.DataFrame(
        {
            "occupation": scenario.occupations,
            **estimate("winners", draws["winners_by_occupation"], band),
            **estimate("losers", 1 - draws["winners_by_occupation"], band),
            **estimate("worker_change", draws["worker_change_by_occupation"], band),
            "gain_probability": above_zero(draws["worker_change_by_occupation"]),
        }
    ).sort_values("winners", ascending=False, kind="stable")
    losers = "Share who do not gain" if scenario.has_ties else "Share who lose"
    return Table(
        f"{scenario.prefix}-winners",
        f"Winners and losers, by the occupation held before the change, with {band.name}s",
        f"{scenario.counted}; {MEMBERS}",
        pd.concat([everyone, each], ignore_index=True),
        (
            Column("occupation", "Occupation before"),
            Column("winners", "Share who gain [band]", "percent", band=True),
            Column("losers", f"{losers} [band]", "percent", band=True),
            Column("worker_change", "Mean change, log points [band]", "log_points", band=True),
            Column("gain_probability", "Probability that it is a gain", "probability"),
        ),
        (
            "A worker gains if his or her expected log wage rises, moves to other occupations "
            "included.",
            *(
                ("For all workers the third column is those who lose; the rest are unaffected.",)
                if scenario.has_ties
                else ()
            ),
        ),
    )


def workers_table(scenario: Scenario) -> Table:
    """Return how many workers gain with which probability, in tenths."""
    probability = scenario.draws["worker_gain_probability"].to_numpy()
    count, edges = np.histogram(probability, np.linspace(0, 1, _BINS + 1))
    hidden = to_suppress(count)
    frame = pd.DataFrame(
        {
            "bin": [f"{a:.0%} to {b:.0%}" for a, b in pairwise(edges)],
            "workers": np.where(hidden, np.nan, count),
            "share": np.where(hidden, np.nan, count / max(1, len(probability))),
            SUPPRESSED: hidden,
        }
    )
    return Table(
        f"{scenario.prefix}-workers",
        "Workers of the panel by the probability, given the data, that they gain",
        ONE_EACH,
        frame,
        (
            Column("bin", "P(gain | data)"),
            Column("workers", "Workers", "count"),
            Column("share", "Share of workers", "percent1"),
        ),
        (
            "Each probability is an average over the whole posterior, so that it has no band.",
            *((_HIDDEN_CELLS,) if hidden.any() else ()),
        ),
    )


def _machine_productivity(scenario: Scenario, band: Band) -> dict[str, NDArray[np.float64]]:
    draws = scenario.draws["productivity_threshold"]
    found = estimate("productivity", draws.fillna(0.0), band)
    # There are no machines where nothing is automated.
    machines = np.isfinite(draws.to_numpy()).any((0, 1))
    return {name: np.where(machines, values, np.nan) for name, values in found.items()}
