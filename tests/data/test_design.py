from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskroy.data.design import Covariates, with_design
from taskroy.errors import DataError


def frame(size: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "worker": np.arange(size),
            "year": 2000 + np.arange(size) % 3,
            "exper": rng.integers(0, 20, size),
            "educ": rng.integers(8, 18, size),
            "flat": 1.0,
        }
    )


def test_columns_are_named_centred_and_scaled() -> None:
    chosen = Covariates(experience="exper", experience_degree=3, columns=("educ",))
    designed, names = with_design(frame(), chosen, source="test")
    assert names == ("year 2001", "year 2002", "exper^1", "exper^2", "exper^3", "educ - mean")
    np.testing.assert_allclose(designed[list(names)].mean(), 0.0, atol=1e-12)
    assert designed["exper^1"].std(ddof=0) == pytest.approx(1.0, abs=1e-12)
    table = frame()
    z = (table["exper"] - table["exper"].mean()) / table["exper"].std(ddof=0)
    np.testing.assert_allclose(designed["exper^2"], z**2 - 1.0, atol=1e-12)
    assert designed["educ - mean"].iloc[0] == table["educ"].iloc[0] - table["educ"].mean()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 100.0), st.floats(-50.0, 50.0))
def test_polynomial_does_not_depend_on_the_unit_of_experience(scale: float, shift: float) -> None:
    chosen = Covariates(year_effects=False, experience="exper")
    table = frame()
    plain, names = with_design(table, chosen, source="test")
    other, _ = with_design(
        table.assign(exper=shift + scale * table["exper"]), chosen, source="test"
    )
    np.testing.assert_allclose(other[list(names)], plain[list(names)], atol=1e-9)


def test_one_year_has_no_year_effect() -> None:
    designed, names = with_design(frame().assign(year=2000), Covariates(), source="test")
    assert names == ()
    assert designed.shape == frame().shape


def test_constant_column_is_named() -> None:
    with pytest.raises(DataError, match="covariate column 'flat' is constant"):
        with_design(frame(), Covariates(columns=("flat",)), source="test")


def test_collinear_column_is_named() -> None:
    table = frame().assign(twice=lambda f: 3 - 2 * f["educ"])
    with pytest.raises(DataError, match="'twice - mean' is a linear combination"):
        with_design(table, Covariates(columns=("educ", "twice")), source="test")


def test_more_columns_than_rows_are_refused() -> None:
    with pytest.raises(DataError, match="linear combination"):
        with_design(frame(3), Covariates(columns=("educ", "exper")), source="test")


def test_unknown_column_gets_a_suggestion() -> None:
    with pytest.raises(DataError, match=r"'expr' is not in the panel\. Did you mean 'exper'"):
        with_design(frame(), Covariates(experience="expr"), source="test")


@pytest.mark.parametrize("degree", [0, 6, 1.5])
def test_degree_out_of_range_is_refused(degree: float) -> None:
    with pytest.raises(DataError, match=f"degree of the experience polynomial is {degree}"):
        Covariates(experience="exper", experience_degree=degree)  # type: ignore[arg-type]


def test_one_plain_column_may_be_a_text() -> None:
    assert Covariates(columns="educ").columns == ("educ",)  # type: ignore[arg-type]


def test_column_named_twice_is_refused() -> None:
    with pytest.raises(DataError, match="named twice"):
        Covariates(experience="exper", columns=("exper",))


def test_a_raw_column_with_our_name_is_refused() -> None:
    with pytest.raises(DataError, match="'year 2001' is used for a covariate"):
        with_design(frame().assign(**{"year 2001": 0}), Covariates(), source="test")
