"""What is said of prior against posterior follows their variances."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import report_tree as trees
from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_fit import parameters_drawing
from taskroy.posteriors.table_parameters import parameter_tables

BAND = Band("eti", 0.9)
SHOCKS = "Wage shocks, sd (ϱ)"


def with_shocks(shift: float, scale: float) -> xr.DataTree:
    """Return a posterior in which the data say much of all but the wage shocks.

    Their prior is standard normal, their posterior normal with a mean and sd to choose.
    """
    tree = trees.make_tree()
    rng = np.random.default_rng(2)
    for name, centre, sd in (("prior", 0.0, 1.0), ("posterior", shift, scale)):
        group = tree[name].to_dataset()
        draws = rng.normal(size=group["wage_shock_scale"].shape)
        draws = centre + sd * (draws - draws.mean()) / draws.std(ddof=1)
        group["wage_shock_scale"] = (("chain", "draw"), draws)
        if name == "posterior":
            group["skill_mean"] = 0.1 * group["skill_mean"]
        tree[name] = xr.DataTree(group)
    return tree


@pytest.mark.parametrize(
    ("shift", "variance", "reading", "seen"),
    [
        (0.0, 0.25, "the data say much", "each posterior is narrower than its prior"),
        (0.0, 0.75, "the data say something", "each posterior is narrower than its prior"),
        (0.0, 1.0, "the data say little", f"the data say little about {SHOCKS}"),
        (0.0, 2.0, "the posterior is wider than the prior", f"wider than priors of {SHOCKS}"),
        (9.0, 0.25, "the data say much; the result lies beyond", "each posterior is narrower"),
        (9.0, 0.75, "the data say something; the result lies beyond", "each posterior is narrower"),
        (9.0, 0.95, "expected, and is no surer", "each posterior is narrower"),
        (9.0, 2.0, "and is less sure than the prior", f"wider than priors of {SHOCKS}"),
    ],
)
def test_words_follow_the_ratio_of_variances(
    shift: float, variance: float, reading: str, seen: str
) -> None:
    table, _ = parameter_tables(with_shocks(shift, variance**0.5), BAND)
    row = table.frame.set_index("parameter").loc[SHOCKS]
    assert row["variance_ratio"] == pytest.approx(variance)
    assert reading in row["reading"]
    assert ("say much" in row["reading"]) == (variance < 0.5)
    said = parameters_drawing(table, BAND).alt
    assert seen in said
    assert ("each posterior is narrower" in said) == (variance not in (1.0, 2.0))
