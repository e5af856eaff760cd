"""Tables of where bands come from: skills, parameters, exposure labels, the choice of scenario."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from taskroy.posteriors.redrawn_headlines import GROUP
from taskroy.posteriors.table_scenario import Scenario, scenarios
from taskroy.posteriors.tables import Column, Table
from taskroy.posteriors.titles import in_sentence, titles_of
from taskroy.posteriors.uncertainty_split import SOURCES, families_of, uncertainty_split

_WHOLE = {
    "winners": "Share of workers who gain",
    "mean_change": "Mean change, all workers",
    "welfare_change": "Mean change of welfare",
}
_BY_OCCUPATION = "log_wage_change"
_TITLES = {
    "skills": "Skills",
    "parameters": "Parameters",
    "labels": "Exposure label",
    "scenarios": "Other scenario",
}
_NOTE = (
    "Skills: by how much the number varies if all workers’ skills are drawn anew while parameters "
    "stay. Parameters: the rest, by how much its mean given parameters varies with them."
)


def uncertainty_table(scenario: Scenario, redrawn: xr.Dataset) -> Table:
    """Return how much of each band of a scenario comes from skills, and how much from parameters.

    Parameters
    ----------
    scenario
        The scenario.
    redrawn
        Group ``counterfactual_redrawn``, without dimension ``scenario``.
    """
    one = scenario.draws.expand_dims("scenario"), redrawn.expand_dims("scenario")
    whole, each = _splits(*one, [0])
    frame = _frame([whole, each], [*_WHOLE.values(), *map(_of_wage, scenario.occupations)])
    return Table(
        f"{scenario.prefix}-uncertainty",
        "Where the bands come from: shares of each posterior variance",
        scenario.counted,
        frame,
        _columns("skills", "parameters"),
        (_NOTE, _error_note(redrawn)),
    )


def scenarios_uncertainty_table(tree: xr.DataTree) -> Table | None:
    """Return how much exposure labels and the choice of the scenario add.

    Parameters
    ----------
    tree
        With counterfactuals.

    Returns
    -------
    Table or None
        Rows for the scenarios that differ in their exposure label only, where there are any, and
        for all scenarios together; None of a single scenario, or without skills drawn again.
    """
    if GROUP not in tree.children or tree["counterfactual"].sizes["scenario"] < 2:
        return None
    draws, redrawn = tree["counterfactual"].to_dataset(), tree[GROUP].to_dataset()
    names = [in_sentence(str(name)) for name in draws["scenario"].to_numpy()]
    families = families_of(tree)
    sets = [np.flatnonzero(np.array(families) == one) for one in dict.fromkeys(families)]
    together = [some for some in sets if len(some) > 1]
    if len(sets) > 1:
        together.append(np.arange(len(families)))
    parts: list[xr.Dataset] = []
    texts: list[str] = []
    for some in together:
        of_some = {"scenario": some}
        parts += _splits(
            draws.isel(of_some), redrawn.isel(of_some), [families[place] for place in some]
        )
        texts += [*_WHOLE.values(), *map(_of_wage, titles_of(tree))]
    frame = _frame(parts, texts)
    rows = len(frame) // len(together)
    sets_in_words = [_listed([names[place] for place in some], len(names)) for some in together]
    frame.insert(0, "scenarios_together", np.repeat(sets_in_words, rows))
    return Table(
        "uncertainty",
        "Where bands would come from if each of these scenarios were as likely: shares of the "
        "variance within and between them",
        scenarios(tree)[0].counted,
        frame,
        (Column("scenarios_together", "Scenarios"), *_columns(*SOURCES)),
        (
            _NOTE,
            "Exposure label: between scenarios that differ in nothing else. Other scenario: "
            "between those that do. They are as large as the study’s scenarios are different, and "
            "do not say how likely each is.",
            _error_note(redrawn),
        ),
    )


def uncertainty_words(scenario: Scenario, redrawn: xr.Dataset) -> str:
    """Say in a sentence what the band of a scenario's mean change hangs on."""
    frame = uncertainty_table(scenario, redrawn).frame.set_index("quantity")
    row = frame.loc[_WHOLE["mean_change"]]
    name = in_sentence(scenario.name)
    if not np.isfinite(row["skills"]):
        return f"The mean change in “{name}” does not vary over the posterior."
    return (
        f"Of the variance of the mean change in “{name}”, {row['parameters']:.0%} comes from "
        f"parameters that are not known exactly, and {row['skills']:.0%} from workers’ skills, "
        f"which would not be known if parameters were (give or take {row['error']:.0%})."
    )


def _splits(
    draws: xr.Dataset, redrawn: xr.Dataset, families: Sequence[object]
) -> tuple[xr.Dataset, xr.Dataset]:
    """Split the headlines of all workers, and those by occupation; both along ``row``."""
    sample = ("scenario", "chain", "draw")

    def stacked(group: xr.Dataset) -> xr.DataArray:
        whole = xr.concat([group[name] for name in _WHOLE], "row")
        return whole.transpose(*sample, "row")

    whole = uncertainty_split(stacked(draws), stacked(redrawn), families)
    each = uncertainty_split(draws[_BY_OCCUPATION], redrawn[_BY_OCCUPATION], families)
    return whole, each.rename(occupation="row").drop_vars("row")


def _frame(parts: Sequence[xr.Dataset], texts: Sequence[str]) -> pd.DataFrame:
    columns = {
        name: np.concatenate([part[name].to_numpy() for part in parts])
        for name in ("variance", *SOURCES, "error")
    }
    sd = np.sqrt(columns.pop("variance"))
    return pd.DataFrame({"quantity": texts, "sd": sd, **columns})


def _of_wage(occupation: str) -> str:
    return f"Mean wage, {occupation}"


def _listed(names: Sequence[str], number: int) -> str:
    return f"all {number}" if len(names) == number else " / ".join(names)


def _columns(*sources: str) -> tuple[Column, ...]:
    return (
        Column("quantity", "Quantity"),
        Column("sd", "Sd, × 100", "hundredths"),
        *(Column(name, _TITLES[name], "percent1") for name in sources),
        Column("error", "Error of the share of skills", "percent1"),
    )


def _error_note(redrawn: xr.Dataset) -> str:
    number = redrawn.sizes["chain"] * redrawn.sizes["draw"]
    return (
        f"Skills were drawn once more at {number} draws of the parameters; the last column is the "
        "Monte Carlo standard error that comes from there being so few."
    )
