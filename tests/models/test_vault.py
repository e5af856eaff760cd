"""Twenty models whose density must not change unless it is meant to."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
VAULT = json.loads((HERE / "vault.json").read_text())
recipe = runpy.run_path(str(HERE / "make_vault.py"))


def test_the_vault_holds_both_shocks_and_improbable_careers() -> None:
    assert len(VAULT) == 20
    assert {model["shock"] for model in VAULT} == {"occupation", "worker"}
    assert min(model["result"]["value"] for model in VAULT) < -30


@pytest.mark.parametrize("index", range(len(VAULT)))
def test_value_and_gradient(index: int) -> None:
    stored = VAULT[index]["result"]
    found = recipe["evaluate"](VAULT[index])
    np.testing.assert_allclose(found["value"], stored["value"], rtol=1e-10)
    for name, gradient in stored["gradient"].items():
        largest = np.abs(gradient).max()
        np.testing.assert_allclose(
            found["gradient"][name], gradient, rtol=1e-10, atol=1e-10 * largest, err_msg=name
        )
