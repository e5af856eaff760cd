from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from taskroy.data.task_weights import DEFAULT_LABOR_SHARE, task_weights
from taskroy.data.wagepan import TITLES
from taskroy.errors import DataError

LEVELS = {"minor": 95, "major": 22, "wagepan": 9}
TASKS = {"gwa": 37, "gwa-group": 9, "gwa-category": 4}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("tasks", TASKS)
def test_shipped_tables_are_complete_and_normalised(level: Any, tasks: Any) -> None:
    table = task_weights(level, tasks)
    assert table.weights.shape == (LEVELS[level], TASKS[tasks])
    np.testing.assert_allclose(table.weights.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert (table.weights.to_numpy() >= 0).all()
    assert list(table.exposure.columns) == [
        f"{rater}_{measure}"
        for rater in ("human", "gpt4")
        for measure in ("alpha", "beta", "gamma")
    ]
    assert table.exposure.to_numpy().min() >= 0.0
    assert table.exposure.to_numpy().max() <= 1.0
    assert table.titles.str.len().min() > 3
    assert (table.labor_share == DEFAULT_LABOR_SHARE).all()


def test_coarser_tasks_are_sums_of_finer_ones() -> None:
    fine, coarse = task_weights("wagepan", "gwa"), task_weights("wagepan", "gwa-category")
    mental = [
        "Judging the Qualities of Objects, Services, or People",
        "Processing Information",
        "Evaluating Information to Determine Compliance with Standards",
        "Analyzing Data or Information",
        "Making Decisions and Solving Problems",
        "Thinking Creatively",
        "Updating and Using Relevant Knowledge",
        "Developing Objectives and Strategies",
        "Scheduling Work and Activities",
        "Organizing, Planning, and Prioritizing Work",
    ]
    np.testing.assert_allclose(
        fine.weights[mental].sum(axis=1), coarse.weights["Mental Processes"], atol=1e-12
    )


def test_a_major_group_is_the_mean_over_its_detailed_occupations() -> None:
    major = task_weights("major").weights.loc["23"]
    minor = task_weights("minor").weights.loc[["23-10", "23-20"]]
    counts = np.array([5, 2])  # O*NET-SOC 29.2 occupations with tasks: 23-10 and 23-20
    np.testing.assert_allclose(major, counts @ minor.to_numpy() / counts.sum(), atol=1e-9)


def test_exposure_has_the_known_extremes() -> None:
    """The README of the data gives 0.81 and 0.80 for the two most exposed, 0.004 for the least."""
    beta = task_weights().exposure_of("gpt4_beta")
    assert beta["Documenting/Recording Information"] == pytest.approx(0.81, abs=0.02)
    assert beta["Working with Computers"] == pytest.approx(0.80, abs=0.02)
    assert beta["Performing General Physical Activities"] == pytest.approx(0.004, abs=0.004)
    ordered = task_weights(tasks="gwa-category").exposure
    assert (ordered["gpt4_alpha"] <= ordered["gpt4_beta"]).all()
    assert (ordered["gpt4_beta"] <= ordered["gpt4_gamma"]).all()


def test_wagepan_table_covers_the_panel_and_every_minor_group_once() -> None:
    table = task_weights("wagepan", "gwa-category")
    assert table.occupations == tuple(TITLES)
    mapped = pd.read_csv(
        Path(__file__).parents[2] / "data" / "tables" / "wagepan_soc.csv", dtype=str
    )
    assert sorted(mapped["soc_minor"]) == sorted(task_weights("minor").occupations)
    assert mapped["reason"].str.len().min() >= 5


def test_select_keeps_the_order_asked_for() -> None:
    table = task_weights("wagepan").select(["service", "sales"])
    assert table.occupations == ("service", "sales")
    assert table.titles.tolist() == ["Service workers", "Sales workers"]
    assert table.labor_share.index.tolist() == ["service", "sales"]
    whole = task_weights("wagepan")
    assert whole.select(whole.occupations).sha256 == whole.sha256
    assert table.sha256 != whole.sha256


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (["servce", "sales"], r"'servce' is not in the task table\. Did you mean 'service'"),
        (["sales", "sales"], "repeats a code"),
        ([], "is empty"),
    ],
)
def test_select_refuses(codes: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        task_weights("wagepan").select(codes)


def test_without_a_task_the_others_are_scaled() -> None:
    whole = task_weights("wagepan", "gwa-category")
    gone = whole.tasks[1]
    table = task_weights("wagepan", "gwa-category", without=[gone])
    kept = whole.weights.drop(columns=gone)
    pd.testing.assert_frame_equal(table.weights, kept.div(1 - whole.weights[gone], axis=0))
    assert gone not in table.exposure.index
    assert whole.without(()).sha256 == whole.sha256
    with pytest.raises(DataError, match=f"no task '{gone[:-1]}' .* Did you mean '{gone}'"):
        whole.without([gone[:-1]])
    with pytest.raises(DataError, match="is left without any task"):
        whole.without(whole.tasks)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "minors"}, "'minors' is no level of task weights. Did you mean 'minor'"),
        ({"tasks": "gwa-groups"}, "'gwa-groups' is no tasks .* Did you mean 'gwa-group'"),
        ({"labor_share": 1.0}, "labour share is 1.0"),
        ({"labor_share": float("nan")}, "labour share is nan"),
        ({"labor_share": None}, "labour share is None"),
        ({"weights": "nowhere.csv"}, "does not exist"),
    ],
)
def test_wrong_settings_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        task_weights(**arguments)


def test_unknown_label_gets_a_suggestion() -> None:
    with pytest.raises(DataError, match=r"no exposure label 'gpt_beta'. Did you mean 'gpt4_beta'"):
        task_weights().exposure_of("gpt_beta")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: {"weights": 2 * t.weights}, "does not sum to one"),
        (lambda t: {"weights": -t.weights}, "negative"),
        (lambda t: {"labor_share": t.labor_share.iloc[::-1]}, "'labor_share' does not list"),
        (lambda t: {"labor_share": t.labor_share + 1}, "labour share is not between"),
        (lambda t: {"exposure": t.exposure.iloc[1:]}, "'exposure' does not list"),
        (lambda t: {"exposure": t.exposure + 1}, "exposure is not between"),
        (lambda t: {"titles": t.titles.iloc[1:]}, "'titles' does not list"),
    ],
)
def test_task_table_guards_its_invariants(change: Any, message: str) -> None:
    table = task_weights("wagepan", "gwa-category")
    with pytest.raises(DataError, match=message):
        dataclasses.replace(table, **change(table))


class TestOwnTables:
    HEADER = "occupation,title,lift,think\n"

    def write(self, folder: Path, text: str, name: str = "own.csv") -> Path:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def test_weights_titles_and_shares(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path,
            "occupation,title,labor_share,lift,think\n"
            "a,Movers,0.5,0.9999999,0.0\nb,,0.7,0.25,0.75\n",
        )
        table = task_weights(weights=path)
        assert table.weights.to_numpy().tolist() == [[1.0, 0.0], [0.25, 0.75]]
        assert table.titles.tolist() == ["Movers", "b"]
        assert table.labor_share.tolist() == [0.5, 0.7]
        assert table.exposure.shape == (2, 0)
        with pytest.raises(DataError, match="have no exposure label 'gpt4_beta'"):
            table.exposure_of("gpt4_beta")

    def test_identical_rows_are_allowed(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, "occupation,lift,think\na,.5,.5\nb,.5,.5\n")
        assert task_weights(weights=path).weights.shape == (2, 2)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("a,A,0.5,0.6\nb,B,0.5,0.5\n", r"line 2: The task weights of 'a' sum to 1\.1"),
            ("a,A,-0.5,1.5\nb,B,0.5,0.5\n", "line 2, column 'lift': '-0.5' is out of range"),
            ("a,A,,1\nb,B,0.5,0.5\n", "line 2, column 'lift': The cell is empty"),
            ("a,A,half,.5\nb,B,0.5,0.5\n", "'half' is not a number"),
            ("a,A,.5,.5\na,B,0.5,0.5\n", "line 3, column 'occupation': 'a' appears more than once"),
            (",A,.5,.5\nb,B,0.5,0.5\n", "line 2, column 'occupation': The cell is empty"),
            ("a,A,.5,.5\n", "The table has 1 occupations and 2 tasks"),
            ("", "column names and no rows"),
        ],
    )
    def test_faulty_weights(self, tmp_path: Path, body: str, message: str) -> None:
        with pytest.raises(DataError, match=message):
            task_weights(weights=self.write(tmp_path, self.HEADER + body))

    def test_shares_out_of_range(self, tmp_path: Path) -> None:
        text = "occupation,labor_share,lift,think\na,1,.5,.5\nb,0.5,.5,.5\n"
        with pytest.raises(DataError, match="column 'labor_share': '1' is out of range"):
            task_weights(weights=self.write(tmp_path, text))

    def test_shares_from_a_file(self, tmp_path: Path) -> None:
        shares = [f"{code},0.{5 + j % 4}" for j, code in enumerate(TITLES)]
        good = self.write(tmp_path, "\n".join(["occupation,labor_share", *shares]))
        table = task_weights("wagepan", labor_share=good)
        assert table.labor_share["managers"] == 0.6
        bad = self.write(tmp_path, "\n".join(["occupation,labor_share", *shares[1:], "x,2"]))
        with pytest.raises(DataError, match=r"(?s)'2' is out of range.*'professional' is missing"):
            task_weights("wagepan", labor_share=bad)
        with pytest.raises(DataError, match="column 'labor_share' is missing"):
            task_weights("wagepan", labor_share=self.write(tmp_path, "occupation,share\na,1\n"))

    def test_exposure_from_a_file(self, tmp_path: Path) -> None:
        weights = self.write(tmp_path, self.HEADER + "a,A,.5,.5\nb,B,.2,.8\n")
        labels = self.write(tmp_path, "task,robots\nthink,0.1\nlift,0.9\n", "labels.csv")
        table = task_weights(weights=weights, exposure=labels)
        assert table.exposure_of("robots").tolist() == [0.9, 0.1]
        for text, message in (
            ("task,robots\nthink,0.1\nlif,0.9\n", "'lift' is missing. Did you mean 'lif'"),
            ("task,robots\nthink,0.1\nlift,1.9\n", "line 3, column 'robots': '1.9' is out of"),
            ("task\nthink\nlift\n", "no column of labels"),
        ):
            labels.write_text(text)
            with pytest.raises(DataError, match=message):
                task_weights(weights=weights, exposure=labels)
