"""Scenarios, propagated through the posterior: who wins, who loses, and how sure we are.

For every posterior draw of θ and skills, the worlds before and after give choice probabilities and
expected wages in closed form (model.md, sections 3 and 6); nothing is simulated. The population is
the panel's workers, each with weight one unless weights are asked for. Shocks after the change are
drawn anew. Layout of the result: ``docs/posterior.md``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from taskroy.errors import ModelError
from taskroy.models.scenario import Automation, Scenario
from taskroy.models.scenario_tasks import automated_shares, check_scenario, expand
from taskroy.posteriors.bands import Band
from taskroy.posteriors.block_places import Here, OnCluster
from taskroy.posteriors.decomposition import PARTS
from taskroy.posteriors.draw_blocks import DrawBlocks
from taskroy.posteriors.draw_summaries import DrawSummaries, quantiles_of
from taskroy.posteriors.effects import DIMENSIONS, WIDE
from taskroy.posteriors.effects_over_draws import Work, over_draws
from taskroy.posteriors.empty_groups import leave_out_empty_groups
from taskroy.posteriors.finished_blocks import FinishedBlocks
from taskroy.posteriors.first_order import warn_if_apart
from taskroy.posteriors.flows import GROUPS
from taskroy.posteriors.idle_steps import warn_of_idle_steps
from taskroy.posteriors.inequality import MEASURES
from taskroy.posteriors.redrawn_headlines import GROUP as REDRAWN
from taskroy.posteriors.redrawn_headlines import redrawn_headlines
from taskroy.posteriors.scenario_questions import Common
from taskroy.posteriors.skill_groups import AUTOMATED, QUARTILES, SkillGroups
from taskroy.posteriors.skill_groups import skill_groups as checked_groups
from taskroy.posteriors.winners import PERCENTILES
from taskroy.progress import Progress, Silent

if TYPE_CHECKING:
    from distributed import Client


def counterfactual(
    posterior: xr.DataTree,
    scenarios: Sequence[Automation | Scenario],
    *,
    held_shocks: int = 0,
    skill_groups: Sequence[str] = (AUTOMATED,),
    skill_percentiles: Sequence[float] = QUARTILES,
    weighted: bool = False,
    level: float = 0.9,
    progress: Progress | None = None,
    blocks: str | os.PathLike[str] | None = None,
    client: Client | None = None,
) -> xr.DataTree:
    """Run scenarios on every draw of a posterior.

    Parameters
    ----------
    posterior
        A tree made by :func:`taskroy.fit`.
    scenarios
        One or more, with different names. One that automates each of several tasks becomes as many.
    held_shocks
        Sets of shocks, the same before and after, with which each worker's moves are simulated for
        every draw besides what is in closed form; 0 for none. All scenarios have the same ones.
    skill_groups
        Titles of tasks: workers are grouped by percentile of their skill at each, draw by draw, and
        winners and losers told apart. "automated" stands for the mean skill at what a scenario
        automates, weighted by the share of each task that it does.
    skill_percentiles
        Where these groups are cut.
    weighted
        Whether workers count by their mean weight in the panel, and not once each, in headlines, in
        winners and changes by occupation, and in inequality. The threshold productivity,
        decompositions by occupation, employment and flows are of workers who count once.
    level
        Probability between the outer quantiles of what is summed up over draws, such as each
        worker's change: those of equal tails.
    progress
        Told how far it is.
    blocks
        Folder that keeps each block of draws once it is done. Called again with the same one, a
        counterfactual that was stopped goes on from there, to the same numbers. The folder is left,
        to be deleted once the result is stored.
    client
        Connected to a cluster of ``dask.distributed``, whose workers compute the blocks, to the
        same numbers; without one, this process does. Workers need the same versions of taskroy and
        of JAX, and processors of the same kind.

    Returns
    -------
    DataTree
        The posterior with the group ``counterfactual``, dimension ``scenario`` first; where skills
        were drawn again, with ``counterfactual_redrawn`` too.

    Raises
    ------
    ModelError
        For scenarios without or with the same name, tasks or labels that do not exist, an
        occupation left without labour or without workers, prices that do not converge, returns to
        experience so large that the long run is not found, skills to group by that do not exist,
        weights of a panel without any, results that are not finite, or a cluster that loses a
        block.

    Warns
    -----
    NothingChanges
        For a scenario, or a step of one, that changes nothing in any draw.
    GroupsLeftOut
        For groups of people that nobody is in, in some draws.
    FirstOrderApart
        Where the approximation to first order is not to be read in some draws.
    """
    Band("eti", level)  # refuses what is no probability
    constants = posterior["constant_data"].to_dataset()
    exposure = _exposure(constants)
    alone = expand(scenarios, exposure)
    groups = checked_groups(skill_groups, skill_percentiles, list(exposure.index))
    names = [scenario.name for scenario in alone]
    if not names or len(set(names)) < len(names):
        raise ModelError(
            f"The scenarios are named {names}.", expected="one or more, each with its own name"
        )
    for scenario in alone:
        check_scenario(
            scenario,
            exposure,
            constants["task_weights"].to_numpy(),
            constants["occupation_title"].to_numpy(),
            experience="experience_return" in posterior["posterior"],
        )
    if weighted:
        _require_weights(constants)
    common = Common.of(posterior, groups, held_shocks, by_weight=weighted)
    work = Work(
        common,
        Here(common) if client is None else OnCluster(client, common),
        None if blocks is None else FinishedBlocks(Path(blocks)),
        progress or Silent(),
        tuple(map(str, constants["occupation_title"].to_numpy())),
    )
    results = [_run(posterior, scenario, exposure, work, level) for scenario in alone]
    redrawn = redrawn_headlines(posterior, alone, exposure, work)
    joined = xr.concat(results, pd.Index(names, name="scenario"), join="exact")
    joined.attrs = {"weighted": weighted}
    bare = posterior.drop_nodes(["counterfactual", REDRAWN], errors="ignore")
    parts = {name: group.to_dataset() for name, group in bare.children.items()}
    parts |= {"counterfactual": joined, **({} if redrawn is None else {REDRAWN: redrawn})}
    tree = xr.DataTree.from_dict(parts)
    tree.attrs = dict(posterior.attrs)
    tree.attrs["scenarios"] = json.dumps([s.model_dump(mode="json") for s in alone])
    return tree


def _require_weights(constants: xr.Dataset) -> None:
    if "worker_weight" not in constants:
        raise ModelError(
            "Workers are to count by their weights, and the posterior has none.",
            where="[counterfactual], weighted",
            expected="a posterior of a panel with a column 'weight', fitted by this version",
            remedy="fit a panel with weights, or set weighted = false",
        )


def _exposure(constants: xr.Dataset) -> pd.DataFrame:
    return pd.DataFrame(
        constants["exposure"].to_numpy(), list(constants.task.values), constants.exposure_label
    )


def _run(
    posterior: xr.DataTree,
    scenario: Automation | Scenario,
    exposure: pd.DataFrame,
    work: Work,
    level: float,
) -> xr.Dataset:
    draws, constants = posterior["posterior"].to_dataset(), posterior["constant_data"].to_dataset()
    question, groups = work.common.question(scenario, exposure), work.common.groups
    blocks = DrawBlocks(draws)
    with DrawSummaries.collecting(chains=blocks.chains, level=level) as wide:
        results = over_draws(work, question, blocks, scenario.name, wide=wide)
        warn_of_idle_steps(scenario, results)
        named = list(constants["people"].to_numpy()) if "people" in constants else []
        told_apart = [*named, *groups.labels]
        undefined = np.isnan(question.by).any(1).repeat(len(groups.percentiles) + 1)
        by_right = np.concatenate([np.zeros(len(named), bool), undefined])
        leave_out_empty_groups(results, told_apart, by_right, scenario.name)
        summaries = {
            f"{name}_{key}": variable
            for name in wide.names
            for key, variable in wide.summaries(name, WIDE[name]).items()
        }
    warn_if_apart(results["first_order_residual"], where=f"scenario '{scenario.name}'")
    variables = {
        name: (("chain", "draw", *DIMENSIONS.get(name, ())), blocks.by_chain(x))
        for name, x in results.items()
    }
    share = automated_shares(scenario, exposure)
    people = {"people": told_apart} if told_apart else {}
    summaries["worker_gain_probability"] = summaries.pop("worker_change_positive")
    # Shares are never negative, and where nobody goes at held shocks, nothing is gained or lost.
    for empty in ("flow_positive", "held_flow_positive", "held_flow_gain_positive"):
        summaries.pop(empty, None)
    return xr.Dataset(
        {
            **variables,
            **summaries,
            "automated_share": ("task", share),
            **({"people_share": ("people", _sizes(constants, groups))} if people else {}),
            "occupation_exposure": ("occupation", constants["task_weights"].to_numpy() @ share),
        },
        {
            "occupation": constants["occupation"].to_numpy(),
            "origin": constants["occupation"].to_numpy(),
            "destination": constants["occupation"].to_numpy(),
            "task": constants["task"].to_numpy(),
            "worker": draws["worker"].to_numpy(),
            "quantile": list(quantiles_of(level)),
            "group": list(GROUPS),
            "measure": list(MEASURES),
            "percentile": list(PERCENTILES),
            "part": list(PARTS),
            **people,
        },
    )


def _sizes(constants: xr.Dataset, groups: SkillGroups) -> NDArray[np.float64]:
    """Return the share of workers in each group of people, who count as in its changes."""
    if "member" not in constants:
        return groups.sizes
    member = constants["member"].to_numpy().astype(float)
    each = np.ones(member.shape[1])
    weight = constants["worker_weight"].to_numpy() if "worker_weight" in constants else each
    return np.concatenate([member @ weight / weight.sum(), groups.sizes])
