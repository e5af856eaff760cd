"""The headlines of a study and of its alternatives, side by side, and where they are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from taskroy.posteriors.bands import Band, estimate
from taskroy.posteriors.files import write_atomically

#: Name of the grid's file in a run folder.
GRID = "sensitivity.json"
QUANTITIES = ("winners", "mean_change")
_ESSENCE = ("panel", "tasks", "model", "inference", "scenario")


@dataclass(frozen=True)
class Summary:
    """A headline's posterior: mean, ends of its band, sd; in log-wage units, or a share."""

    mean: float
    low: float
    high: float
    sd: float


@dataclass(frozen=True)
class Outcome:
    """What one study came to.

    Attributes
    ----------
    choice, value
        What was chosen otherwise, and how, in words.
    refitted
        Whether its posterior is one of its own.
    folder
        Its folder, relative to the run's.
    verdict
        What the gate says of its fit: PASS, REVIEW or FAIL; empty where there is none.
    failure
        Why there are no numbers; empty where there are.
    scenarios
        By name of scenario and quantity.
    """

    choice: str
    value: str
    refitted: bool
    folder: str
    verdict: str = ""
    failure: str = ""
    scenarios: Mapping[str, Mapping[str, Summary]] = field(default_factory=dict)

    @property
    def trusted(self) -> bool:
        """Whether its numbers may be read."""
        return not self.failure and self.verdict != "FAIL"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """Return what `asdict` took apart."""
        scenarios = {
            name: {key: Summary(**values) for key, values in quantities.items()}
            for name, quantities in data["scenarios"].items()
        }
        return cls(**{**data, "scenarios": scenarios})


@dataclass(frozen=True)
class Grid:
    """A study's outcome, those of its alternatives, and how their models compare.

    Attributes
    ----------
    essence
        What decides the study's results, as plain values.
    band
        Kind and level of the bands.
    base, alternatives
        Outcomes.
    variants
        Of models fitted to the same workers, best first: ``model``, ``elpd``, ``elpd_diff``,
        ``dse``, ``p``, ``influential``.
    """

    essence: Mapping[str, Any]
    band: Band
    base: Outcome
    alternatives: Sequence[Outcome]
    variants: Sequence[Mapping[str, Any]] = ()


def summarize(counterfactual: xr.Dataset, band: Band) -> dict[str, dict[str, Summary]]:
    """Return the headlines of each scenario.

    Parameters
    ----------
    counterfactual
        With the quantities (scenario, chain, draw).
    band
        Kind and level.
    """
    found = {}
    for place, name in enumerate(counterfactual["scenario"].to_numpy()):
        draws = counterfactual[list(QUANTITIES)].isel(scenario=place)
        found[str(name)] = {key: _summary(draws[key], band) for key in QUANTITIES}
    return found


def _summary(draws: xr.DataArray, band: Band) -> Summary:
    mean, low, high = (float(x[0]) for x in estimate("x", draws, band).values())
    return Summary(mean, low, high, float(draws.std(ddof=1)))


def write_grid(grid: Grid, folder: Path) -> Path:
    """Write a grid into a run folder."""
    data = {**asdict(grid), "essence": dict(grid.essence)}
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return write_atomically(folder / GRID, text)


def read_grid(folder: Path, posterior: xr.DataTree, band: Band) -> Grid | None:
    """Return the grid in a run folder, if there is one and it is of this posterior's study.

    Parameters
    ----------
    folder
        The run folder.
    posterior
        With its study in its provenance.
    band
        Kind and level of the bands; those of a grid with others are not shown beside them.
    """
    place = folder / GRID
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        study = json.loads(str(posterior.attrs.get("study") or "{}"))
        found = Grid(
            data["essence"],
            Band(**data["band"]),
            Outcome.from_json(data["base"]),
            tuple(map(Outcome.from_json, data["alternatives"])),
            tuple(data["variants"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    essence = {key: study.get(key) for key in _ESSENCE}
    if (study.get("counterfactual") or {}).get("weighted"):
        essence["weighted"] = True
    same = essence == dict(found.essence)
    return found if same and found.band == band else None


def difference(
    outcome: Outcome, base: Outcome, scenario: str, quantity: str
) -> tuple[float, float]:
    """Return how far an outcome is from the base: in its units, and in the base's posterior sds."""
    try:
        here, there = (one.scenarios[scenario][quantity] for one in (outcome, base))
    except KeyError:  # it failed, or has no such scenario
        return np.nan, np.nan
    gap = here.mean - there.mean
    return gap, gap / there.sd if there.sd > 0 else np.nan
