from __future__ import annotations

import gzip
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskroy.data.design import Covariates
from taskroy.data.load import load_panel
from taskroy.data.validate import PanelWarning
from taskroy.errors import DataError

HEADER = b"worker,year,occupation,wage\n"
BODY = b"1,2001,a,10\n1,2002,b,11\n"
MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "The file is empty"),
    "blank": (b"\n \n\n", "The file is empty"),
    "header only": (HEADER, "column names and no rows"),
    "no header": (BODY, "'worker' is missing"),
    "semicolons": ((HEADER + BODY).replace(b",", b";"), "separated by semicolons"),
    "semicolons and decimal commas": (
        b"worker;year;occupation;wage\n1;2001;a;10,5\n",
        "separated by semicolons",
    ),
    "tabs": ((HEADER + BODY).replace(b",", b"\t"), "separated by tabs"),
    "decimal commas": (HEADER + b"1,2001,a,10,5\n1,2002,b,11,5\n", "Line 2 has 5 cells"),
    "short row": (HEADER + BODY + b"2,2001,a\n", "Line 4 has 3 cells"),
    "doubled column": (b"worker,year,occupation,wage,wage\n", "'wage' appears more than once"),
    "unclosed quote": (HEADER + b'1,2001,"a,10\n1,2002,b,11\n', "stops being a table"),
    "not UTF-8": (HEADER + BODY + b"2,2001,caf\xe9,10\n", "bytes at line 4 are not UTF-8"),
    "UTF-16": ("worker,year\n".encode("utf-16"), "UTF-16"),
    "NUL": (HEADER + BODY + b"2,2001,a\0,10\n", "Line 4 holds a NUL byte"),
    "workbook": (b"PK\x03\x04" + bytes(20), "an Excel workbook or a zip archive"),
    "broken gzip": (gzip.compress(HEADER + BODY)[:-9], "gzip file is damaged"),
    "broken Parquet": (b"PAR1" + bytes(40), "Parquet file cannot be read"),
    "binary": (bytes(range(128, 256)), "not UTF-8"),
    "NaN text": (HEADER + b"1,2001,a,nan\n1,2002,b,11\n", r"line 2, .*empty \('nan'\)"),
    "mixed types": (HEADER + b"1,2001,a,10\n1,x,b,11\n", "line 3, .*'x' is not a number"),
    "long number": (HEADER + BODY + b"1," + b"9" * 5000 + b",b,11\n", "is infinite"),
    "huge worker": (HEADER + b"9" * 5000 + b",2001,b,11\n", "Every row has the occupation"),
    "huge cell": (HEADER + b"1,2001,a," + b"1" * 200_000 + b"\n", "stops being a table"),
}


def frame_or_sentence(source: Path | pd.DataFrame) -> pd.DataFrame | str:
    """Read a panel, or the error's text; any other exception fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PanelWarning)  # a wage of 9999 is read, and warned of
        try:
            return load_panel(source, covariates=Covariates(year_effects=False)).frame
        except DataError as error:
            return str(error)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_panel_or_a_sentence(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.csv"
        path.write_bytes(HEADER + BODY + content)
        read = frame_or_sentence(path)
    if isinstance(read, str):
        assert str(path) in read
    else:  # the rows before the noise are still read as they were written
        assert read["log_wage"].iloc[:2].tolist() == np.log([10.0, 11.0]).tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.text(max_size=12) | st.floats().map(str))
def test_any_cell_is_read_as_its_number_or_a_fault(column: int, text: str) -> None:
    cells = ["2", "2001", "b", "12"]
    cells[column] = text
    table = pd.DataFrame(
        [["1", "2001", "a", "10"], cells], columns=["worker", "year", "occupation", "wage"]
    )
    read = frame_or_sentence(table)
    if isinstance(read, str):
        assert "the data frame" in read
    elif column == 3:
        assert np.log(float(text)) in read["log_wage"].tolist()
    else:
        assert sorted(read["log_wage"]) == np.log([10.0, 12.0]).tolist()


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_a_sentence(tmp_path: Path, name: str) -> None:
    content, message = MALFORMED[name]
    path = tmp_path / "panel.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_panel(path)
    assert str(path) in str(caught.value)


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "panel.csv").write_bytes(HEADER + BODY)
    with pytest.raises(DataError, match=r"does not exist\. Did you mean '.*panel\.csv'"):
        load_panel(tmp_path / "panels.csv")
    with pytest.raises(DataError, match=r"Its folder '.*nowhere' does not exist either"):
        load_panel(tmp_path / "nowhere" / "panel.csv")


def test_folder_and_odd_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder, not a file"):
        load_panel(tmp_path)
    with pytest.raises(DataError, match="a folder, not a file"):
        load_panel("csv", path="")
    with pytest.raises(DataError, match="a device or a pipe"):
        load_panel("/dev/null")
    with pytest.raises(DataError, match="File name too long"):
        load_panel("a" * 5000 + ".csv")
    with pytest.raises(DataError, match="cannot be read"):
        load_panel("csv", path="a\0b.csv")


@pytest.mark.parametrize(
    "dress",
    [
        lambda raw: raw,
        lambda raw: b"\xef\xbb\xbf" + raw,
        gzip.compress,
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: raw.replace(b",", b" , ") + b"\n\n",
        lambda raw: raw.replace(b"2001", b"2001.0"),
        lambda raw: raw.replace(b",a,", b',"a",'),
    ],
    ids=["plain", "BOM", "gzip", "CRLF", "spaces", "float years", "quotes"],
)
def test_harmless_forms_read_alike(tmp_path: Path, dress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "panel.csv"
    path.write_bytes(dress(b"worker,year,occupation,wage\n1,2001,a,10\n1,2002,b,11\n"))
    frame = load_panel(path).frame
    assert frame["worker"].tolist() == [1, 1]
    assert frame["year"].tolist() == [2001, 2002]
    assert frame["occupation"].tolist() == ["a", "b"]
    assert frame["log_wage"].tolist() == np.log([10.0, 11.0]).tolist()


def test_lines_are_counted_as_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_bytes(HEADER + b'1,2001,"a\nb",10\n\n1,2002,b,-1\n')
    with pytest.raises(DataError, match="line 5, column 'wage'"):
        load_panel(path)


def test_parquet_frame_and_csv_agree(tmp_path: Path, rows: pd.DataFrame) -> None:
    rows.to_parquet(tmp_path / "panel.parquet")
    rows.to_csv(tmp_path / "panel.csv", index=False)
    hashes = {
        load_panel(source).sha256
        for source in (tmp_path / "panel.parquet", tmp_path / "panel.csv", rows)
    }
    assert len(hashes) == 1


def test_frames_keep_numbers_to_the_last_bit(rows: pd.DataFrame) -> None:
    log_wage = np.random.default_rng(1).normal(2.5, 0.5, len(rows))
    panel = load_panel(rows.drop(columns="wage").assign(log_wage=log_wage))
    assert panel.frame["log_wage"].tolist() == log_wage.tolist()


def test_frames_indexed_by_their_keys_are_read(rows: pd.DataFrame) -> None:
    assert load_panel(rows.set_index(["worker", "year"])).sha256 == load_panel(rows).sha256


def test_frames_with_odd_contents_are_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="'wage' appears more than once"):
        load_panel(rows.rename(columns={"age": "wage"}))
    with pytest.raises(DataError, match=r"row 1, column 'year': '2001-01-01.*is not a number"):
        load_panel(rows.assign(year=pd.to_datetime(rows["year"].astype(str))))
    with pytest.raises(DataError, match=r"row 1, column 'wage': '\(10\+0j\)' is not a number"):
        load_panel(rows.assign(wage=rows["wage"].astype(complex)))
    with pytest.raises(DataError, match="row 1, column 'wage': 'True' is not a number"):
        load_panel(rows.assign(wage=True))
    with pytest.raises(DataError, match="no rows"):
        load_panel(pd.DataFrame())


def test_labels_stay_as_they_are_spelled(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_text("worker,year,occupation,wage\n007,2001,1.0,10\n7,2001,2.0,11\n")
    frame = load_panel(path).frame
    assert frame["worker"].tolist() == ["007", "7"]
    assert frame["occupation"].tolist() == ["1", "2"]


def test_column_map_and_filters(tmp_path: Path, rows: pd.DataFrame) -> None:
    path = tmp_path / "panel.csv"
    table = rows.rename(columns={"worker": "id", "wage": "pay"})
    table.assign(sex=["W", "W", "M", "M", "W", "W"]).to_csv(path, index=False)
    panel = load_panel(
        path,
        columns={"worker": "id", "wage": "pay"},
        filters={"age": [25, 40], "pay": [1, float("inf")], "sex": ["W"]},
    )
    assert panel.frame["worker"].tolist() == [1, 1, 3, 3]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"ages": [1, 2]}, "names the column 'ages', .* Did you mean 'age'"),
        ({"age": [1, 2]}, "keeps none of 6 rows"),
        ({"age": [2, 1]}, "neither a range nor a list of texts"),
        ({"age": 3}, "neither a range nor a list of texts"),
        ({"age": [1, 2, 3]}, "neither a range nor a list of texts"),
        ({"age": [float("nan"), 3]}, "neither a range nor a list of texts"),
        ({"occupation": [1, 2]}, "'occupation' cannot be filtered by a range"),
    ],
)
def test_wrong_filters_are_refused(rows: pd.DataFrame, filters: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_panel(rows, filters=filters)


def test_filtered_rows_are_not_validated(rows: pd.DataFrame) -> None:
    table = rows.assign(wage=[0.0, 12.5, 20.0, 21.0, 15.25, 9000.0])
    assert len(load_panel(table, filters={"wage": [2, 300]}).frame) == 4
