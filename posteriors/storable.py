"""What a tree must be to be stored: plain names, plain values, attributes that JSON can hold.

Whatever would come back from a store as something else is changed here, visibly, or refused.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr

from taskroy.errors import StoreError
from taskroy.posteriors.inspect_store import ITEM_BYTES

# Attributes by which xarray marks how a variable is encoded; it would act on them when reading.
_RESERVED_ATTRIBUTES = frozenset({"_FillValue", "coordinates", "dtype"})


def storable_groups(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return the groups of a tree, ready to be stored; what is on disk stays there.

    Parameters
    ----------
    tree
        Groups such as ``posterior`` and ``counterfactual``, with any named dimensions.

    Returns
    -------
    dict[str, xr.Dataset]
        The datasets by absolute path, the root ``"/"`` first, each without what it inherits. Text
        has a fixed length; attributes are as JSON returns them (tuples and arrays become lists).

    Raises
    ------
    StoreError
        If a name is not a plain identifier, if a variable holds anything but booleans, integers,
        real numbers or text, or if an attribute is not JSON or is one of xarray's own.
    """
    groups = {}
    for node in tree.subtree:
        for part in node.path.strip("/").split("/") if node.path != "/" else ():
            _check_name(part, node.path)
        dataset = node.to_dataset(inherit=False)
        variables = {
            str(name): _storable_variable(name, variable, node.path)
            for name, variable in dataset.variables.items()
        }
        attributes = _json_attributes(dataset.attrs, node.path)
        coordinates = {name: variables.pop(name) for name in map(str, dataset.coords)}
        groups[node.path] = xr.Dataset(variables, coordinates, attributes)
    return groups


def _storable_variable(name: Hashable, variable: xr.Variable, group: str) -> xr.Variable:
    _check_name(name, group)
    where = f"{group.rstrip('/')}/{name}"
    attributes = _json_attributes(variable.attrs, where)
    if variable.dtype.kind in "OTU":
        return xr.Variable(variable.dims, _text(variable.values, where), attributes)
    if variable.dtype.name not in ITEM_BYTES:
        raise StoreError(
            f"the variable holds {variable.dtype} values, which the store does not take.",
            where=where,
            expected="booleans, integers, real numbers or text",
            remedy="convert it before saving; a date, for instance, to its year",
        )
    if variable.ndim < 2:
        return xr.Variable(variable.dims, variable.values, attributes)
    plain = variable.copy(deep=False)  # a large one may be on disk, and is not read here
    plain.attrs, plain.encoding = attributes, {}
    return plain


def _text(values: np.ndarray, where: str) -> np.ndarray:
    originals = values.astype(object)
    plain = all(isinstance(text, str) for text in originals.flat)
    # NumPy drops NUL characters at the end of a text.
    if not plain or (fixed := originals.astype(str)).tolist() != originals.tolist():
        raise StoreError(
            "the variable mixes text with other values, or a text ends in a NUL character.",
            where=where,
            expected="text only",
            remedy="replace missing entries by an empty text, and drop a MultiIndex (reset_index)",
        )
    return fixed


def _json_attributes(attributes: Mapping[Hashable, object], where: str) -> dict[str, object]:
    if reserved := sorted(_RESERVED_ATTRIBUTES & set(map(str, attributes))):
        raise StoreError(
            f"the attribute {reserved[0]!r} has a meaning of its own to xarray.",
            where=where,
            remedy="rename the attribute, or remove it with drop_encoding() if xarray put it there",
        )
    try:
        text = json.dumps(dict(attributes), allow_nan=False, ensure_ascii=False, default=_plain)
        plain: dict[str, object] = json.loads(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"an attribute cannot be written as JSON: {error}.",
            where=where,
            expected="texts, finite numbers, booleans, None, and lists and dicts of these",
            remedy="convert it before saving, for instance with str()",
        ) from error
    return plain


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _check_name(name: Hashable, where: str) -> None:
    # Names become file names, and some of them names of attributes that xarray splits at spaces.
    if not (isinstance(name, str) and name.isidentifier() and name.isascii()):
        raise StoreError(
            f"{name!r} cannot be the name of a variable or group.",
            where=where,
            expected="ASCII letters, digits and underscores, not beginning with a digit",
            remedy="rename it before saving",
        )
