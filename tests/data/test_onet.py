from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from taskroy.data.onet import read_onet
from taskroy.errors import DataError

RELEASE = {
    "Task Statements": {
        "O*NET-SOC Code": ["11-1011.00", "11-1011.00", "11-1021.00", "13-1011.00", "55-1011.00"],
        "Task ID": ["1", "2", "3", "4", "5"],
        "Task": ["Lead.", "Write.", "Read.", "Ask.", "March."],
        "Task Type": ["Core", "Supplemental", "", "Core", "Core"],
    },
    "Tasks to DWAs": {
        "O*NET-SOC Code": [
            *(["11-1011.00"] * 3),
            "11-1021.00",
            "13-1011.00",
            "55-1011.00",
        ],
        "Task ID": ["1", "1", "2", "3", "4", "5"],
        "DWA ID": ["D1", "D2", "D2", "D1", "D2", "D1"],
    },
    "DWA Reference": {"Element ID": ["4.A.1.a.1", "4.A.2.a.1"], "DWA ID": ["D1", "D2"]},
    "Content Model Reference": {
        "Element ID": ["4.A.1", "4.A.1.a", "4.A.1.a.1", "4.A.2", "4.A.2.a", "4.A.2.a.1"],
        "Element Name": ["Input", "Looking", "Getting", "Mental", "Data", "Judging"],
    },
}


def write(folder: Path, form: str, **changes: dict[str, list[str]]) -> Path:
    for name, columns in {**RELEASE, **changes}.items():
        table = pd.DataFrame(columns)
        if form == "xlsx":
            table.to_excel(folder / f"{name}.xlsx", index=False)
        else:
            table.to_csv(folder / f"{name}.txt", index=False, sep="\t")
    return folder


@pytest.mark.parametrize("form", ["xlsx", "txt"])
def test_both_forms_are_read(tmp_path: Path, form: str) -> None:
    release = read_onet(write(tmp_path, form))
    assert release.tasks["task_type"].tolist() == ["Core", "Supplemental", "", "Core", "Core"]
    assert release.links["element_id"].iloc[:3].tolist() == ["4.A.1.a.1", "4.A.2.a.1", "4.A.2.a.1"]
    assert release.activities.to_dict("list") == {
        "element_id": ["4.A.1.a.1", "4.A.2.a.1"],
        "title": ["Getting", "Judging"],
        "group": ["Looking", "Data"],
        "category": ["Input", "Mental"],
    }


def test_missing_table_column_and_activity(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'Task Statements' of O\\*NET is not in the folder"):
        read_onet(tmp_path)
    write(tmp_path, "txt", **{"DWA Reference": {"Element ID": ["4.A.1.a.1"], "DWA": ["D1"]}})
    with pytest.raises(DataError, match="'DWA Reference' lacks the column 'DWA ID'"):
        read_onet(tmp_path)
    write(tmp_path, "txt", **{"DWA Reference": {"Element ID": ["4.A.1.a.1"], "DWA ID": ["D1"]}})
    with pytest.raises(DataError, match=r"'D2' is not in the DWA Reference \(3 rows\)"):
        read_onet(tmp_path)


def test_excel_form_without_openpyxl_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "xlsx")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install openpyxl"):
        read_onet(tmp_path)


def test_damaged_workbook_is_a_sentence(tmp_path: Path) -> None:
    write(tmp_path, "xlsx")
    (tmp_path / "DWA Reference.xlsx").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(DataError, match="workbook cannot be read"):
        read_onet(tmp_path)


def test_release_18_1_in_text_form(shared_data: Callable[[str], Path]) -> None:
    release = read_onet(shared_data("onet_18_1_text"))
    assert len(release.activities) == 37
    assert release.activities["group"].nunique() == 9
    assert release.activities["category"].nunique() == 4
