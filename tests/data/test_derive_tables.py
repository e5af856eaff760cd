from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from taskroy.data import derive_tables
from taskroy.data.onet import OnetRelease
from taskroy.errors import DataError

TABLES = Path(__file__).parents[2] / "data" / "tables"


def release() -> OnetRelease:
    """Four occupations: 11-1011 with a core and a supplemental task, others with one task."""
    tasks = pd.DataFrame(
        [
            ("11-1011.00", "1", "Lead.", "Core"),
            ("11-1011.00", "2", "Write.", "Supplemental"),
            ("11-1011.00", "9", "No activity.", "Core"),
            ("11-1021.00", "3", "Read.", ""),
            ("13-1011.00", "4", "Ask.", "Core"),
            ("55-1011.00", "5", "March.", "Core"),
        ],
        columns=["onet_soc", "task_id", "task", "task_type"],
    )
    links = pd.DataFrame(
        [
            ("11-1011.00", "1", "x"),
            ("11-1011.00", "1", "x"),
            ("11-1011.00", "1", "y"),
            ("11-1011.00", "2", "y"),
            ("11-1021.00", "3", "x"),
            ("13-1011.00", "4", "y"),
            ("55-1011.00", "5", "x"),
        ],
        columns=["onet_soc", "task_id", "element_id"],
    )
    return OnetRelease(tasks, links, pd.DataFrame())


LABELS = pd.DataFrame(
    {
        "task_id": ["1", "2", "77", "4"],
        "task": ["Lead.", "Write.", "Read.", "Ask."],
        "human_beta": [1.0, 0.0, 0.5, 0.0],
    }
)


def test_core_tasks_weigh_twice_and_split_over_their_activities() -> None:
    weights = derive_tables.minor_weights(derive_tables.activity_shares(release()))
    # 11-1011: task 1 weighs 2/3, of which 2/3 on x; task 2 weighs 1/3, on y. 11-1021: x.
    x = (2 / 3 * 2 / 3 + 1.0) / 2
    assert weights.index.tolist() == ["11-10", "13-10"]  # no military
    assert weights["detailed"].tolist() == [2, 1]
    expected = np.array([[x, 1 - x], [0.0, 1.0]])
    np.testing.assert_allclose(weights[["x", "y"]], expected, atol=1e-15)


def test_exposure_is_the_weighted_mean_label_matched_by_id_then_text() -> None:
    shares = derive_tables.activity_shares(release())
    exposure = derive_tables.activity_exposure(shares, LABELS)
    lead_x, lead_y, write, read, ask = 4 / 9, 2 / 9, 1 / 3, 1.0, 1.0
    np.testing.assert_allclose(exposure["weight"], [lead_x + read, lead_y + write + ask])
    np.testing.assert_allclose(
        exposure["human_beta"],
        [(lead_x + 0.5 * read) / (lead_x + read), lead_y / (lead_y + write + ask)],
    )


def test_tables_of_two_releases_are_refused() -> None:
    whole = release()
    mixed = dataclasses.replace(whole, tasks=whole.tasks.iloc[1:])
    with pytest.raises(DataError, match="Tasks to DWAs names tasks"):
        derive_tables.activity_shares(mixed)


def test_labels_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "full_labelset.tsv"
    path.write_text("Task ID\tTask\thuman_exposure_agg\n1\tLead.\tE0\n")
    with pytest.raises(DataError, match="lacks the column 'gpt4_exposure'"):
        derive_tables.read_labels(path)
    path.write_text("Task ID\tTask\thuman_exposure_agg\tgpt4_exposure\n1.0\tLead.\tE0\tE3\n")
    with pytest.raises(DataError, match="label 'E3' is unknown"):
        derive_tables.read_labels(path)
    path.write_text("Task ID\tTask\thuman_exposure_agg\tgpt4_exposure\n1.0\tLead.\tE1\tE2\n")
    labels = derive_tables.read_labels(path)
    assert labels.iloc[0, 2:].tolist() == [1.0, 1.0, 1.0, 0.0, 0.5, 1.0]
    assert labels["task_id"].tolist() == ["1"]


def test_licence_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        derive_tables.main([str(tmp_path), str(tmp_path), str(tmp_path / "out")])
    assert caught.value.code == DataError.exit_code
    assert "LICENSE.gpts-are-gpts" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_label_means_are_the_published_ones(shared_data: Callable[[str], Path]) -> None:
    labels = derive_tables.read_labels(shared_data("exposure/full_labelset.tsv"))
    means = labels.drop(columns=["task_id", "task"]).mean().round(3).tolist()
    assert len(labels) == 19265
    assert means == [0.149, 0.308, 0.468, 0.140, 0.348, 0.556]
    assert (labels["human_gamma"] >= labels["human_beta"]).all()


def test_rerun_reproduces_the_shipped_bytes(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    derive_tables.main([str(shared_data("onet")), str(shared_data("exposure")), str(tmp_path)])
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == [
        "LICENSE.gpts-are-gpts",
        "activities.csv",
        "exposure.csv",
        "task_weights_minor.csv",
    ]
    for name in written:
        assert (tmp_path / name).read_bytes() == (TABLES / name).read_bytes(), name
