from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskroy.data.design import Covariates
from taskroy.data.load import load_panel
from taskroy.data.panel import Panel
from taskroy.errors import DataError


@st.composite
def panels(draw: st.DrawFn) -> pd.DataFrame:
    """Unbalanced tables of up to six workers, five years and three occupations (two at least)."""
    cells = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(1990, 1994)),
            min_size=2,
            max_size=20,
            unique=True,
        )
    )
    size = len(cells)
    codes = draw(st.lists(st.sampled_from("abc"), min_size=size, max_size=size))
    codes[0], codes[1] = "a", "b"
    wages = draw(st.lists(st.floats(1.0, 400.0), min_size=size, max_size=size))
    return pd.DataFrame(
        {
            "worker": [w for w, _ in cells],
            "year": [y for _, y in cells],
            "occupation": codes,
            "log_wage": np.log(wages),
        }
    )


def plain(table: pd.DataFrame) -> Panel:
    return load_panel(table, covariates=Covariates(year_effects=False))


@settings(max_examples=25, deadline=None)
@given(panels(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(table: pd.DataFrame, random: Any) -> None:
    order = list(range(len(table)))
    random.shuffle(order)
    assert plain(table.iloc[order]).sha256 == plain(table).sha256


@settings(max_examples=25, deadline=None)
@given(panels())
def test_arrays_round_trip_the_frame(table: pd.DataFrame) -> None:
    panel = plain(table)
    codes = np.array(["c", "b", "a"])
    arrays = panel.arrays(codes.tolist())
    seen = arrays.observed
    back = pd.DataFrame(
        {
            "worker": np.repeat(arrays.worker, seen.sum(axis=1)),
            "year": arrays.year[seen],
            "occupation": codes[arrays.occupation[seen]],
            "log_wage": arrays.log_wage[seen],
        }
    )
    expected = table.sort_values(["worker", "year"], ignore_index=True)
    pd.testing.assert_frame_equal(back, expected, check_dtype=False, check_exact=True)


@settings(max_examples=15, deadline=None)
@given(panels(), st.permutations(["a", "b", "c"]))
def test_relabelled_occupations_permute_the_codes(table: pd.DataFrame, order: list[str]) -> None:
    arrays = plain(table).arrays(["a", "b", "c"])
    other = plain(table).arrays(order)
    position = np.array([order.index(code) for code in "abc"])
    seen = arrays.observed
    np.testing.assert_array_equal(other.occupation[seen], position[arrays.occupation[seen]])
    np.testing.assert_array_equal(other.log_wage, arrays.log_wage)


def test_padded_cells_are_left_aligned_and_harmless() -> None:
    table = pd.DataFrame(
        {
            "worker": ["b", "a", "b"],
            "year": [3, 2, 1],
            "occupation": ["y", "y", "x"],
            "log_wage": [1.5, 2.5, 0.5],
            "weight": [2.0, 3.0, 4.0],
        }
    )
    arrays = plain(table).arrays(["x", "y"])
    assert arrays.worker.tolist() == ["a", "b"]
    assert arrays.observed.tolist() == [[True, False], [True, True]]
    assert arrays.log_wage.tolist() == [[2.5, 2.5], [0.5, 1.5]]
    assert arrays.occupation.tolist() == [[1, 0], [0, 1]]
    assert arrays.occupation.dtype == np.int32
    assert arrays.year.tolist() == [[2, 0], [1, 3]]
    assert arrays.weight.tolist() == [[3.0, 0.0], [4.0, 2.0]]
    assert arrays.worker_weight.tolist() == [3.0, 3.0]
    assert arrays.design.shape == (2, 2, 0)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("log_wage", (545, 8, 1)),
        ("occupation", (545, 1)),
        ("observed", (545,)),
        ("worker", (545, 1)),
        ("design", (545, 8)),
        ("weight", (8, 545)),
        ("year", (545, 1)),
    ],
)
def test_mixed_up_shapes_are_refused(name: str, shape: tuple[int, ...]) -> None:
    panel = load_panel()
    arrays = panel.arrays(panel.occupations)
    changed: dict[str, Any] = {name: np.zeros(shape)}
    with pytest.raises(DataError, match=f"array '{name}' has shape"):
        dataclasses.replace(arrays, **changed)


def test_arrays_refuse_padding_that_is_not_finite() -> None:
    panel = load_panel()
    arrays = panel.arrays(panel.occupations)
    wages = arrays.log_wage.copy()
    wages[0, 0] = np.nan
    with pytest.raises(DataError, match="'log_wage' holds a value that is not finite"):
        dataclasses.replace(arrays, log_wage=wages)


def test_arrays_refuse_a_worker_without_observations() -> None:
    panel = load_panel()
    arrays = panel.arrays(panel.occupations)
    observed = arrays.observed.copy()
    observed[3] = False
    with pytest.raises(DataError, match="A worker has no observed year"):
        dataclasses.replace(arrays, observed=observed)


def test_arrays_name_an_occupation_that_the_list_lacks() -> None:
    panel = load_panel()
    codes = [code for code in panel.occupations if code != "service"] + ["servants"]
    with pytest.raises(DataError, match=r"'service' is in the panel .* Did you mean 'servants'"):
        panel.arrays(codes)


def test_arrays_refuse_a_repeated_occupation() -> None:
    panel = load_panel()
    with pytest.raises(DataError, match="repeats a code"):
        panel.arrays([*panel.occupations, "sales"])


def test_summary_counts_workers_and_shares() -> None:
    summary = load_panel().summary()
    assert summary["observations"].sum() == 4360
    assert summary["share"].sum() == pytest.approx(1.0, abs=1e-12)
    assert summary.loc["farm-laborers", "workers"] == 27
    assert summary.loc["farm-laborers", "observations"] == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="log_wage"), "lacks log_wage"),
        (lambda f: f.iloc[:0], "has no rows"),
        (lambda f: f.assign(log_wage=np.inf), "is not finite"),
        (lambda f: f.iloc[::-1], "not sorted by worker and year"),
        (lambda f: f.assign(year=1980), "A worker-year appears twice"),
    ],
)
def test_panel_guards_its_invariants(change: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Panel(change(load_panel().frame), (), "made by hand")
