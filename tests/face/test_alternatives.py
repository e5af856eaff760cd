"""Alternatives are valid studies, each different from its study in one choice."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest

from taskroy.alternatives import TITLES, Alternative, alternatives, essence, study_text
from taskroy.stages import load_data
from taskroy.study import Study
from taskroy.study_tables import USUAL_CHOICES, Choice

PLAIN = '[tasks]\nlevel = "wagepan"\ntasks = "gwa-category"\n'
RICH = """
[panel]
source = "wagepan"
min_years = 2
[tasks]
level = "wagepan"
tasks = "gwa-group"
[model]
intercept = "known"
covariance = "factor"
[[scenario]]
name = "in whole"
above = 0.4
productivity = 0.1
[[scenario]]
name = "several"
[[scenario.step]]
kind = "automation"
[[scenario.step]]
kind = "bargaining"
share = 0.8
[[scenario.step]]
kind = "prices"
elasticity = 3
"""
# Where in a study each choice may make a difference.
PLACES = {
    "exposure": ("scenario",),
    "cut": ("scenario",),
    "productivity": ("scenario",),
    "bargaining": ("scenario",),
    "prices": ("scenario",),
    "intercept": ("model", "intercept"),
    "amenities": ("model", "amenities"),
    "state-dependence": ("model", "state_dependence"),
    "shock": ("model", "shock"),
    "labor-share": ("tasks", "labor_share"),
    "sample": ("panel", "min_years"),
    "tasks": ("tasks", "tasks"),
}


@cache
def of(text: str) -> tuple[Study, list[Alternative]]:
    study = Study.from_toml(text, where="s.toml")
    return study, alternatives(study, load_data(study)[1])


def differences(one: Any, other: Any, place: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            found
            for key in one | other
            for found in differences(one.get(key), other.get(key), (*place, key))
        ]
    return [] if one == other else [place]


@pytest.mark.parametrize("text", [PLAIN, RICH])
def test_each_differs_in_its_choice_alone(text: str) -> None:
    study, found = of(text)
    assert {one.choice for one in found} == set(USUAL_CHOICES)
    for one in found:
        places = differences(essence(study), essence(one.study))
        allowed = {("model", "covariance"), ("model", "factors")}
        if one.choice != "covariance":
            allowed = {PLACES[one.choice]}
        assert places, one
        assert set(places) <= allowed, one
        assert one.refits == (places[0][0] != "scenario")


@pytest.mark.parametrize("text", [PLAIN, RICH])
def test_each_is_a_study_of_its_own(text: str) -> None:
    _, found = of(text)
    assert len({one.folder for one in found}) == len(found)
    for one in found:
        assert Study.from_toml(study_text(one.study), where=one.value) == one.study
        if one.choice == "tasks":
            load_data(one.study)  # whose scenarios are possible
    assert all(before.refits <= after.refits for before, after in pairwise(found))


def test_scenarios_keep_their_names_and_prices_come_last() -> None:
    study, found = of(RICH)
    names = [scenario.name for scenario in study.scenario]
    assert all([s.name for s in one.study.scenario] == names for one in found)
    bargained = next(one for one in found if one.choice == "bargaining")
    assert [step.kind for step in bargained.study.scenario[1].step] == ["automation", "prices"]


def test_where_nothing_is_gained_there_is_nothing_to_share() -> None:
    learning = '[[scenario]]\nname = "l"\n[[scenario.step]]\nkind = "learning"\n'
    _, found = of(PLAIN + learning + '[sensitivity]\nvary = ["bargaining"]\n')
    assert found == []


def test_a_study_says_what_is_varied_and_how_long_fits_are() -> None:
    vary = '[sensitivity]\nvary = ["prices", "shock"]\ndraws = 7\nwarmup = 5\n'
    study, found = of(PLAIN + vary)
    assert {one.choice for one in found} == {"prices", "shock"}
    for one in found:
        inference = one.study.inference
        expected = (7, 5) if one.refits else (study.inference.draws, study.inference.warmup)
        assert (inference.draws, inference.warmup) == expected


def test_names_of_tasks_leave_exposure_alone() -> None:
    _, found = of(PLAIN + '[[scenario]]\nname = "x"\ntasks = ["Mental Processes"]\n')
    assert not {"exposure", "cut"} & {one.choice for one in found}


def test_every_choice_has_a_title() -> None:
    assert set(TITLES) == set(get_args(Choice))


def test_each_occupation_and_each_task_is_left_out_in_turn() -> None:
    vary = '[sensitivity]\nvary = ["without-occupation", "without-task"]\n'
    named = '[[scenario]]\nname = "x"\ntasks = ["Mental Processes"]\n'
    study, found = of(PLAIN + named + vary)
    panel, tasks = load_data(study)
    gone = [one for one in found if one.choice == "without-occupation"]
    assert [one.value for one in gone] == list(tasks.titles)
    other, same = load_data(gone[0].study)
    assert set(panel.occupations) - set(other.occupations) == {tasks.occupations[0]}
    assert same.sha256 == tasks.sha256
    # A scenario that names the task is not one without it.
    gone = [one for one in found if one.choice == "without-task"]
    assert [one.value for one in gone] == [t for t in tasks.tasks if t != "Mental Processes"]
    _, fewer = load_data(gone[0].study)
    assert fewer.tasks == tuple(t for t in tasks.tasks if t != gone[0].value)
    np.testing.assert_allclose(fewer.weights.sum(axis=1), 1, rtol=1e-12)
    ratio = fewer.weights / tasks.weights[list(fewer.tasks)]
    np.testing.assert_allclose(ratio.std(axis=1), 0, atol=1e-12)  # scaled, row by row
    assert not {"without-occupation", "without-task"} & set(USUAL_CHOICES)
