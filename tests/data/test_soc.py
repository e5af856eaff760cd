from __future__ import annotations

import pytest

from taskroy.data.soc import soc_group
from taskroy.errors import DataError


@pytest.mark.parametrize(
    "code", ["11-1011.00", "11-1011", "11-1010", "11-1000", "11-10", "111011", " 11-10 "]
)
def test_spellings_become_one(code: str) -> None:
    assert soc_group(code, "minor") == "11-10"
    assert soc_group(code, "major") == "11"


@pytest.mark.parametrize("code", ["11", "11-0000", "110000", "11-00"])
def test_major_groups_have_no_minor_group(code: str) -> None:
    assert soc_group(code, "major") == "11"
    assert soc_group(code, "minor") is None


@pytest.mark.parametrize("code", ["", "sales", "1-10", "11-10110", "Nov-10", "11_10"])
def test_other_texts_are_no_codes(code: str) -> None:
    assert soc_group(code, "minor") is None
    assert soc_group(code, "major") is None


def test_unknown_level() -> None:
    with pytest.raises(DataError, match="level 'detailed' does not exist"):
        soc_group("11-10", "detailed")  # type: ignore[arg-type]
