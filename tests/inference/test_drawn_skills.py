"""Skills of draws numbered chain by chain: what is written is read, in any parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskroy.inference.drawn_skills import ChosenSkills, DrawnSkills
from taskroy.posteriors.room import room_on_disk


@given(st.integers(1, 4), st.integers(1, 9), st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_rows_come_back_in_order(chains: int, draws: int, sizes: list[int]) -> None:
    rows = np.arange(6.0 * chains * draws).reshape(-1, 2, 3)
    skills = DrawnSkills(np.zeros((chains, draws, 2, 3)))
    first = 0
    for size in (*sizes, len(rows)):
        skills.write(first, rows[first : first + size])
        first = min(first + size, len(rows))
    np.testing.assert_array_equal(skills[np.arange(len(rows))[::-1]], rows[::-1])
    read = list(skills.blocks(sizes[0]))
    np.testing.assert_array_equal(np.concatenate([part for _, part in read]), rows)
    for number, part in read:
        np.testing.assert_array_equal(part, rows[number : number + len(part)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_on_disk_it_is_the_same(tmp_path: Path, dtype: Any) -> None:
    rows = np.random.default_rng(0).normal(size=(14, 3, 2)).astype(dtype)
    skills = DrawnSkills(room_on_disk(tmp_path / "a/skill", (2, 7, 3, 2), dtype))
    skills.write(0, rows[:5])
    skills.write(5, rows[5:])
    np.testing.assert_array_equal(skills[np.array([13, 0, 7])], rows[[13, 0, 7]])
    np.testing.assert_array_equal(np.concatenate([part for _, part in skills.blocks(4)]), rows)
    some = ChosenSkills(skills, np.array([2, 9, 11]))
    np.testing.assert_array_equal(some[np.array([2, 0])], rows[[11, 2]])
