import numpy as np
import pandas as pd
import pytest
import xarray as xr

from taskroy.errors import StoreError
from taskroy.posteriors.storable import storable_groups


def tree_of(variable: object, **attributes: object) -> xr.DataTree:
    dataset = xr.Dataset({"x": variable})
    dataset["x"].attrs.update(attributes)
    return xr.DataTree.from_dict({"posterior": dataset})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1 + 2j]), "/posterior/x: the variable holds complex128"),
        (np.array(["2026-11-22"], "datetime64[ns]"), "holds datetime64"),
        (np.array([1], "timedelta64[s]"), "holds timedelta64"),
        (np.array([b"raw"]), "holds .S3"),
        (np.array([(1, 2.0)], "i4,f8"), "which the store does not take"),
        (np.array(["text", 1], object), "mixes text with other values"),
        (np.array(["text", None], object), "mixes text with other values"),
        (np.array(["text", np.nan], object), "mixes text with other values"),
        (np.array(["ends in nul\0"], object), "ends in a NUL"),
        (np.array([{}], object), "mixes text with other values"),
    ],
)
def test_values_that_would_not_come_back_are_refused(values: np.ndarray, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        storable_groups(tree_of(("draw", values)))


@pytest.mark.parametrize(
    "titles",
    [
        np.array(["chief", ""], object),
        np.array(["chief", ""], np.dtypes.StringDType()),
        pd.Index(["chief", ""], dtype="str"),
        pd.Index(["chief", ""], dtype=object),
    ],
)
def test_text_of_any_make_gets_a_fixed_length(titles: object) -> None:
    dataset = xr.Dataset({"x": ("occupation", [1.0, 2.0])}, coords={"occupation": titles})
    stored = storable_groups(xr.DataTree.from_dict({"posterior": dataset}))["/posterior"]
    assert stored["occupation"].dtype == "<U5"
    assert list(stored["occupation"].data) == ["chief", ""]


def test_a_multiindex_is_refused() -> None:
    index = pd.MultiIndex.from_product([["a"], [1, 2]], names=["worker", "year"])
    dataset = xr.Dataset(coords=xr.Coordinates.from_pandas_multiindex(index, "row"))
    with pytest.raises(StoreError, match="reset_index"):
        storable_groups(xr.DataTree.from_dict({"observed_data": dataset}))


@pytest.mark.parametrize("name", ["a b", "..", "zarr.json", "größe", "", 1, ("a", 1)])
def test_names_that_are_no_file_names_are_refused(name: object) -> None:
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset({name: 1.0})})
    with pytest.raises(StoreError, match="cannot be the name of a variable or group"):
        storable_groups(tree)


def test_group_names_are_checked_too() -> None:
    tree = xr.DataTree.from_dict({"posterior/log likelihood": xr.Dataset()})
    with pytest.raises(StoreError, match="'log likelihood' cannot be the name"):
        storable_groups(tree)


@pytest.mark.parametrize(
    "value", [np.nan, [float("inf")], {1, 2}, object(), "\ud800", {("a", 1): 2}, b"raw", 1j]
)
def test_attributes_that_are_not_json_are_refused(value: object) -> None:
    with pytest.raises(StoreError, match="/posterior/x: an attribute cannot be written as JSON"):
        storable_groups(tree_of(1.0, note=value))


def test_an_attribute_within_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(StoreError, match="cannot be written as JSON"):
        storable_groups(tree_of(1.0, note=loop))


@pytest.mark.parametrize("name", ["_FillValue", "coordinates", "dtype"])
def test_attributes_that_xarray_would_act_on_are_refused(name: str) -> None:
    with pytest.raises(StoreError, match=f"'{name}' has a meaning of its own"):
        storable_groups(tree_of(1.0, **{name: "bool"}))


def test_numpy_and_tuples_in_attributes_become_plain() -> None:
    tree = tree_of(1.0, a=np.float64(0.5), b=np.arange(2), c=(1, "x"), d=np.bool_(True))
    attributes = storable_groups(tree)["/posterior"]["x"].attrs
    assert attributes == {"a": 0.5, "b": [0, 1], "c": [1, "x"], "d": True}
    assert type(attributes["a"]) is float


def test_what_is_inherited_is_stored_once() -> None:
    tree = xr.DataTree.from_dict(
        {"/": xr.Dataset(coords={"task": ["a"]}), "posterior": xr.Dataset({"x": ("task", [1.0])})}
    )
    groups = storable_groups(tree)
    assert list(groups["/"].variables) == ["task"]
    assert list(groups["/posterior"].variables) == ["x"]


def test_the_tree_given_is_not_changed() -> None:
    tree = tree_of(("draw", np.array(["a"], object)), note=(1,))
    storable_groups(tree)
    assert tree["posterior/x"].dtype == object
    assert tree["posterior/x"].attrs == {"note": (1,)}
