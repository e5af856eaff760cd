from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from taskroy.data.load import load_panel
from taskroy.data.rules import MAX_ROWS
from taskroy.data.validate import PanelWarning
from taskroy.errors import DataError

HEADER = "worker,year,occupation,wage"
GOOD = ("1,2001,a,10", "1,2002,b,11", "2,2001,a,12", "2,2002,a,13")


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "panel.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "column", "what"),
    [
        ("1,2002,b,11", "worker, year", "The worker-year '1, 2002' appears more than once"),
        ("1.0,2002.0,b,11", "worker, year", "The worker-year '1, 2002' appears more than once"),
        ("3,2001,a,", "wage", r"The cell is empty \(''\)"),
        ("3,2001,a,NaN", "wage", r"The cell is empty \('NaN'\)"),
        ("3,2001,a,inf", "wage", "'inf' is infinite"),
        ("3,2001,a,1e999", "wage", "'1e999' is infinite"),
        ("3,2001,a,1e200", "wage", "'1e200' is too large"),
        ("3,2001,a,1e-200", "wage", "'1e-200' is too small"),
        ("3,2001,a,0", "wage", "The wage '0' is not positive"),
        ("3,2001,a,-4.5", "wage", "The wage '-4.5' is not positive"),
        ("3,2001,a,twelve", "wage", "'twelve' is not a number"),
        ("3,2001,a,$12", "wage", "'\\$12' is not a number"),
        ("3,2001,a,1_000", "wage", "'1_000' is not a number"),
        ("3,2001,a,٣", "wage", "'٣' is not a number"),
        ('3,2001,a,"12,5"', "wage", "'12,5' is not a number.*decimal point"),
        ("3,2001.5,a,12", "year", "'2001.5' is not a year"),
        ("3,20010,a,12", "year", "'20010' is not a year"),
        ("3,,a,12", "year", "The cell is empty"),
        ("3,MMI,a,12", "year", "'MMI' is not a number"),
        (",2001,a,12", "worker", "The cell is empty"),
        ("3,2001,,12", "occupation", "The cell is empty"),
    ],
)
def test_each_rule_names_line_column_and_value(
    tmp_path: Path, row: str, column: str, what: str
) -> None:
    path = write(tmp_path, *GOOD, row)
    with pytest.raises(DataError, match=what) as caught:
        load_panel(path)
    assert f"{path}, line 6, column '{column}'" in [fault.where for fault in caught.value.faults]


def test_all_faults_come_back_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "1,2001,a,-1", "1,2002,,x", ",2001,a,12", "2,20.5,a,inf")
    with pytest.raises(DataError) as caught:
        load_panel(path)
    places = {fault.where.removeprefix(f"{path}, ") for fault in caught.value.faults}
    assert places == {
        "line 2, column 'wage'",
        "line 3, column 'occupation'",
        "line 3, column 'wage'",
        "line 4, column 'worker'",
        "line 5, column 'year'",
        "line 5, column 'wage'",
    }
    assert all(fault.expected and fault.remedy for fault in caught.value.faults)


def test_ten_rows_a_rule_and_the_count_of_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path, *(f"{n},2001,a,0" for n in range(70)))
    with pytest.raises(DataError, match="60 more rows fail the same rule") as caught:
        load_panel(path)
    assert len(caught.value.faults) == MAX_ROWS + 1
    assert "line 2," in caught.value.faults[0].where


def test_missing_columns_are_all_named_with_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "1,2001,a,10", header="Workers,year,occ,wages")
    with pytest.raises(DataError) as caught:
        load_panel(path)
    text = str(caught.value)
    assert "'worker' is missing. Did you mean 'Workers'?" in text
    assert "'occupation' is missing" in text
    assert "'wage' (or 'log_wage') is missing. Did you mean 'wages'?" in text


def test_mapped_column_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column 'pay' is missing"):
        load_panel(write(tmp_path, *GOOD), columns={"wage": "pay"})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"wages": "wage"}, "names 'wages', which a panel does not have. Did you mean 'wage'"),
        ({"worker": "year", "year": "year"}, "uses the column 'year' twice"),
    ],
)
def test_wrong_column_maps_are_refused(tmp_path: Path, columns: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_panel(write(tmp_path, *GOOD), columns=columns)


def test_unknown_occupations_get_the_nearest_code(tmp_path: Path) -> None:
    path = write(tmp_path, "1,2001,sales,10", "1,2002,servce,11")
    with pytest.raises(DataError, match=r"'servce' is unknown.*Did you mean 'service'"):
        load_panel(path, occupations=("sales", "service"))


def test_soc_spellings_of_known_codes_are_no_fault(tmp_path: Path) -> None:
    rows = ("1,2001,11-1000,10", "1,2002,11-10,11", "2,2001,13-1011.00,12", "2,2002,13-1020,13")
    panel = load_panel(write(tmp_path, *rows), occupations=("11-10", "13-10"))
    assert panel.occupations == ("11-10", "13-10")


def test_code_without_soc_group_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'a' has no SOC minor group"):
        load_panel(write(tmp_path, *GOOD), occupation_level="minor")


def test_single_occupation_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = write(tmp_path, "1,2001,a,10", "2,2001,a,11")
    with pytest.raises(
        DataError, match=r"(?s)Every row has the occupation 'a'.*there is no choice"
    ):
        load_panel(path)


def test_one_observation_and_unsorted_years_are_allowed(tmp_path: Path) -> None:
    panel = load_panel(write(tmp_path, "2,2003,a,10", "2,2001,b,11", "1,2002,a,12"))
    assert panel.frame["year"].tolist() == [2002, 2001, 2003]
    assert panel.frame["log_wage"].tolist() == np.log([12.0, 11.0, 10.0]).tolist()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (("1", "-1"), "The weight '-1' is negative"),
        (("1", ""), "The cell is empty"),
        (("0", "0"), "as in every row"),
        (("1", "heavy"), "'heavy' is not a number"),
    ],
)
def test_weights(tmp_path: Path, weights: tuple[str, str], message: str) -> None:
    path = write(
        tmp_path,
        f"1,2001,a,10,{weights[0]}",
        f"1,2002,b,11,{weights[1]}",
        header=HEADER + ",weight",
    )
    with pytest.raises(DataError, match=message):
        load_panel(path)


def test_wage_and_log_wage_must_agree(tmp_path: Path) -> None:
    header = HEADER + ",log_wage"
    path = write(tmp_path, "1,2001,a,10,2.3026", "1,2002,b,11,2.3979", header=header)
    assert load_panel(path).frame["log_wage"].tolist() == [2.3026, 2.3979]
    path = write(tmp_path, "1,2001,a,10,2.3026", "1,2002,b,11,2.5", header=header)
    with pytest.raises(DataError, match=r"line 3, .*'2.5' is not the log of the wage"):
        load_panel(path)


def test_log_wage_that_holds_wages_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "1,2001,a,1000", "1,2002,b,2", header="worker,year,occupation,log_wage")
    with pytest.raises(DataError, match=r"log wage '1000' is out of any range.*name it wage"):
        load_panel(path)


@pytest.mark.parametrize(
    ("wages", "message"),
    [
        ((1250, 1300), "median wage is 1275 an hour"),
        ((0.2, 0.3), "median wage is 0.25 an hour"),
        ((10, 11, 200000), "highest log wage is 12.2"),
    ],
)
def test_unusual_currency_scale_is_warned(rows: pd.DataFrame, wages: Any, message: str) -> None:
    table = rows.iloc[: len(wages)].assign(wage=wages)
    with pytest.warns(PanelWarning, match=message):
        load_panel(table)


def test_normalised_log_wages_are_not_warned(rows: pd.DataFrame) -> None:
    table = rows.drop(columns="wage").assign(log_wage=np.linspace(-1.0, 1.0, 6))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_panel(table).frame) == 6


def test_covariate_rules(rows: pd.DataFrame) -> None:
    from taskroy.data.design import Covariates

    table = rows.assign(age=["30", "x", "", "41", "25", "27"])
    with pytest.raises(DataError) as caught:
        load_panel(table, covariates=Covariates(columns=("age", "eduction")))
    text = str(caught.value)
    assert "row 2, column 'age': 'x' is not a number" in text
    assert "row 3, column 'age': The cell is empty" in text
    assert "column 'eduction' is missing" in text
    with pytest.raises(DataError, match="'year' is one of the panel's own columns"):
        load_panel(rows, covariates=Covariates(columns=("year",)))


def test_truth_values_serve_as_indicators(rows: pd.DataFrame) -> None:
    from taskroy.data.design import Covariates

    table = rows.assign(member=[True, False, True, True, False, False])
    panel = load_panel(table, covariates=Covariates(columns=("member",)))
    assert panel.frame["member"].tolist() == [1, 0, 1, 1, 0, 0]


def test_rows_with_empty_cells_can_be_dropped(tmp_path: Path) -> None:
    path = write(tmp_path, *GOOD, "3,2001,,12", "4,2001,a,")
    with pytest.warns(PanelWarning, match="dropped 2 of 6 rows"):
        panel = load_panel(path, drop_missing=True)
    assert len(panel.frame) == 4
    path = write(tmp_path, "3,2001,,12", "4,2001,a,")
    with pytest.raises(DataError, match="Every row lacks"):
        load_panel(path, drop_missing=True)
