"""The group ``counterfactual_redrawn``: headlines of scenarios at skills drawn once more."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from taskroy.models.scenario import Automation, Scenario
from taskroy.posteriors.draw_blocks import DrawBlocks
from taskroy.posteriors.effects import DIMENSIONS
from taskroy.posteriors.effects_over_draws import Work, over_draws
from taskroy.posteriors.groups_of_some_draws import REDRAWN as REDRAWN_SKILLS

GROUP = "counterfactual_redrawn"
#: Of which the report says where their bands come from.
HEADLINES = ("winners", "mean_change", "welfare_change", "log_wage_change")


def redrawn_headlines(
    posterior: xr.DataTree,
    scenarios: Sequence[Automation | Scenario],
    exposure: pd.DataFrame,
    work: Work,
) -> xr.Dataset | None:
    """Return headlines at the same θ as some draws of the posterior, but at other draws of skills.

    Parameters
    ----------
    posterior
        A tree.
    scenarios
        Checked, and each one alone.
    exposure
        Labels of the tasks.
    work
        Where and how effects are computed.

    Returns
    -------
    Dataset or None
        `HEADLINES` (scenario, chain, draw, …), the coordinate ``draw`` saying of which draws; None
        where no skills were drawn again, as in trees of earlier versions.
    """
    if REDRAWN_SKILLS not in posterior.children:
        return None
    again = posterior[REDRAWN_SKILLS].to_dataset()
    draws = posterior["posterior"].to_dataset().isel(draw=again["draw"].to_numpy())
    draws = draws.assign(skill=again["skill"].variable)
    blocks = DrawBlocks(draws)
    found = []
    for scenario in scenarios:
        question = work.common.question(scenario, exposure, only=HEADLINES)
        effects = over_draws(
            work, question, blocks, scenario.name, what="the same at skills drawn again"
        )
        variables = {
            name: (
                ("chain", "draw", *DIMENSIONS.get(name, ())),
                blocks.by_chain(effects[name]),
            )
            for name in HEADLINES
        }
        found.append(xr.Dataset(variables, {"occupation": draws["occupation"].to_numpy()}))
    names = pd.Index([scenario.name for scenario in scenarios], name="scenario")
    joined = xr.concat(found, names, join="exact")
    return joined.assign_coords(chain=again["chain"], draw=again["draw"])
