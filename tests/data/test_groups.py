"""Groups of workers: values, quarters, what is not known, and what are no groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from taskroy.data.groups import UNKNOWN, group_members
from taskroy.data.load import load_panel
from taskroy.errors import DataError


def of(name: str, *texts: str) -> pd.DataFrame:
    return group_members(pd.DataFrame({name: texts}), "a test")


def test_texts_and_few_numbers_are_groups_as_they_are() -> None:
    found = of("sex", "f", "m", "f")
    assert list(found) == ["sex: f", "sex: m"]
    assert found["sex: f"].tolist() == [True, False, True]
    assert list(of("black", "1", "0", "1.0")) == ["black: 0", "black: 1"]


def test_many_numbers_are_cut_into_quarters() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=200).round(3)
    found = group_members(pd.DataFrame({"score": values.astype(str)}), "a test")
    assert found.shape == (200, 4)
    assert (found.sum() == 50).all()
    assert (found.sum(axis=1) == 1).all()
    for name, member in found.items():
        low, high = map(float, str(name).removeprefix("score: ").split(" to "))
        inside = values[member.to_numpy()]
        assert inside.min() == pytest.approx(low, rel=1e-5)
        assert inside.max() == pytest.approx(high, rel=1e-5)


def test_a_value_that_many_share_leaves_fewer_parts() -> None:
    found = of("educ", *["12"] * 60, *map(str, range(3, 12)), *map(str, range(13, 20)))
    assert (found.sum(axis=1) == 1).all()
    assert len(found.columns) < 4


def test_who_says_nothing_is_a_group_of_its_own() -> None:
    found = of("region", "north", "", "NA", "south")
    assert list(found) == ["region: north", "region: south", f"region: {UNKNOWN}"]
    assert found[f"region: {UNKNOWN}"].tolist() == [False, True, True, False]


def test_names_are_no_groups() -> None:
    with pytest.raises(DataError, match="'name' divides workers into 31 groups"):
        of("name", *(f"worker {i}" for i in range(31)))


def test_workers_belong_where_they_were_last_known_to() -> None:
    frame = pd.DataFrame(
        {
            "worker": [2, 2, 1, 1, 3],
            "year": [2001, 2000, 2000, 2001, 2000],
            "occupation": ["a", "b", "a", "b", "a"],
            "wage": [10.0, 11.0, 12.0, 13.0, 14.0],
            "region": ["south", "north", "north", "", ""],
        }
    )
    panel = load_panel(frame, groups=("region",))
    assert panel.groups == ("region",)
    found = panel.members()
    assert found.index.tolist() == panel.arrays(("a", "b")).worker.tolist() == [1, 2, 3]
    assert found["region: north"].tolist() == [True, False, False]
    assert found["region: south"].tolist() == [False, True, False]
    assert found[f"region: {UNKNOWN}"].tolist() == [False, False, True]
    assert load_panel(frame).members().empty


def test_groups_that_are_not_there_are_refused() -> None:
    with pytest.raises(DataError) as refusal:
        load_panel("wagepan", groups=("edc",))
    assert "The column 'edc' is missing" in str(refusal.value)
    with pytest.raises(DataError, match="nothing to be grouped by"):
        load_panel("simulated", seed=1, groups=("educ",))


def test_the_embedded_panel_has_groups() -> None:
    found = load_panel("wagepan", workers=100, seed=1, groups=("educ", "black")).members()
    assert {"black: 0", "black: 1"} <= set(found)
    education = [name for name in found if str(name).startswith("educ")]
    assert (found[education].sum(axis=1) == 1).all()
