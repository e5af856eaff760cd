"""Groups of people that nobody is in are left out, and named."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import report_tree as trees
from taskroy.errors import ModelError
from taskroy.models.scenario import Augmentation, Scenario
from taskroy.posteriors.bands import Band
from taskroy.posteriors.counterfactual import counterfactual
from taskroy.posteriors.empty_groups import (
    GroupsLeftOut,
    leave_out_empty_groups,
    weights_within,
)
from taskroy.posteriors.scenario_questions import Common
from taskroy.posteriors.table_people import known_groups, people_table
from taskroy.posteriors.table_scenario import scenarios


def weighted(weight: np.ndarray) -> xr.DataTree:
    """Return a posterior of two draws of 20 workers, of whom the panel names two groups."""
    tree = trees.make_tree(titles="abcd", workers=(12, 30, 14, 25), people=20)
    groups = {name: group.to_dataset() for name, group in tree.children.items()}
    groups["posterior"] = groups["posterior"].isel(draw=slice(1))
    member = np.stack([np.arange(20) < 12, np.arange(20) >= 12])
    groups["constant_data"] = groups["constant_data"].assign(
        member=(("people", "worker"), member), worker_weight=("worker", weight)
    ).assign_coords(people=["educ: 12", "educ: 16"])  # fmt: skip
    found = xr.DataTree.from_dict(groups)
    found.attrs = tree.attrs | {"model": tree.attrs["model"] | {"shock": "worker"}}
    return found


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(
        ModelError, match=r"survey weight of every worker is zero.*\n.*\nTo do: leav"
    ):
        Common.of(weighted(np.zeros(20)))


def test_weights_within_groups_sum_to_one_where_there_are_any() -> None:
    members = np.array([[True, True, False], [False, False, True]])
    found = weights_within(members, np.array([1.0, 3.0, 0.0]))
    np.testing.assert_array_equal(found, [[0.25, 0.75, 0.0], [np.nan] * 3])


def test_a_group_that_is_empty_in_some_draws_is_left_out_of_all() -> None:
    change = np.array([[0.1, np.nan, np.nan, 0.4], [0.2, np.nan, 0.3, 0.5]])
    effects = {"people_change": change, "people_winners": np.ones((2, 4)), "winners": np.ones(2)}
    by_right = np.array([False, True, False, False])
    with pytest.warns(GroupsLeftOut, match="scenario 's': .* the group 'c' in some draws"):
        leave_out_empty_groups(effects, "abcd", by_right, "s")
    for name in ("people_change", "people_winners"):
        assert np.isnan(effects[name]).tolist() == 2 * [[False, True, True, False]]
    assert (effects["winners"] == 1).all()
    by_right[2] = True
    leave_out_empty_groups(effects, "abcd", by_right, "s")  # no warning
    leave_out_empty_groups({"winners": np.ones(2)}, "", by_right[:0], "s")


def test_they_are_named_when_the_scenario_is_played_and_below_the_table() -> None:
    tree = weighted(np.where(np.arange(20) < 12, 1.0, 0.0))
    scenario = Scenario(name="s", step=(Augmentation(),))
    task = str(tree["constant_data"]["task"].to_numpy()[0])
    with pytest.warns(GroupsLeftOut, match=f"'educ: 16', 'skill at {task}: lowest 1%' in some"):
        found = counterfactual(
            tree, [scenario], skill_groups=(task, "automated"), skill_percentiles=(1, 50)
        )
    (one,) = scenarios(found)
    assert known_groups(one.draws).tolist() == [True, False, False, True, True, *[False] * 3]
    table = people_table(one, found["constant_data"].to_dataset(), Band("eti", 0.9))
    assert len(table.frame) == 3
    said = [note for note in table.notes if note.startswith("Left out")]
    assert said == [
        f"Left out, because nobody is in it in some draws: educ: 16, skill at {task}: lowest 1%."
    ]
