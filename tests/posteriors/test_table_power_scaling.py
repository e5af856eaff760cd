"""What is said of power scaling: words that match the numbers."""

from __future__ import annotations

import pandas as pd
import pytest
import xarray as xr

from taskroy.posteriors import table_power_scaling
from taskroy.posteriors.power_scaling import BLOCKS
from taskroy.posteriors.table_power_scaling import power_scaling_table, power_scaling_words


@pytest.mark.parametrize(
    ("likelihood", "noise", "said"),
    [(0.01, 0.01, "the data hardly do"), (0.2, 0.15, "lost in noise"), (0.2, 0.01, "in conflict")],
)
def test_the_words_tell_data_that_are_silent_from_data_drowned_in_noise(
    monkeypatch: pytest.MonkeyPatch, likelihood: float, noise: float, said: str
) -> None:
    values = {"likelihood": (likelihood, noise), "all priors": (0.1, 0.01)}
    values |= dict.fromkeys(BLOCKS, (0.001, 0.01)) | {"skill sds": (0.09, 0.01)}
    long = pd.DataFrame(
        [
            ("one", "mean_change", "Mean change", block, sensitivity, shuffled)
            for block, (sensitivity, shuffled) in values.items()
        ],
        columns=["scenario", "key", "quantity", "block", "sensitivity", "noise"],
    )
    monkeypatch.setattr(table_power_scaling, "power_scaling", lambda _: long)
    [sentence] = power_scaling_words(power_scaling_table(xr.DataTree()))
    assert said in sentence
