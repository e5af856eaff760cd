"""The share of a variance that lies between the values of a choice."""

from __future__ import annotations

import numpy as np
import pytest

from taskroy.posteriors.bands import Band
from taskroy.posteriors.grid import Grid, Outcome, Summary
from taskroy.posteriors.table_choices import choices_table


def outcome(choice: str, mean: float, sd: float, verdict: str = "PASS", **more: str) -> Outcome:
    numbers = Summary(mean, mean - sd, mean + sd, sd)
    found = {"s": {"winners": Summary(0.6, 0.5, 0.7, 0.05), "mean_change": numbers}}
    return Outcome(choice, "x", True, "f", verdict, scenarios=found, **more)


def grid(*alternatives: Outcome) -> Grid:
    return Grid({}, Band("eti", 0.9), outcome("", 0.02, 0.01), alternatives)


def test_shares_are_those_of_a_mixture_of_the_values() -> None:
    table = choices_table(
        grid(
            outcome("Tasks", 0.03, 0.02),
            outcome("Exposure label", -0.10, 0.01),
            outcome("Tasks", 0.02, 0.01),
            outcome("Exposure label", 9.0, 0.01, "FAIL"),
        )
    )
    assert table is not None
    rows = table.frame.set_index("choice")
    assert list(rows.index) == ["Exposure label", "Tasks"]
    assert rows["values"].tolist() == [2, 3]
    rng = np.random.default_rng(1)
    values = [(0.02, 0.01), (0.03, 0.02), (0.02, 0.01)]
    draws = np.concatenate([rng.normal(mean, sd, 400_000) for mean, sd in values])
    inside = np.mean([sd**2 for _, sd in values])
    # The noise of a variance of a million draws is a thousandth of it.
    assert rows.loc["Tasks", "share_of_mean_change"] == pytest.approx(
        1 - inside / draws.var(), abs=0.01
    )
    expected = 0.06**2 / (0.06**2 + 0.01**2)
    assert rows.loc["Exposure label", "share_of_mean_change"] == pytest.approx(expected, rel=1e-12)
    assert (rows["share_of_winners"] == 0).all()


def test_without_a_result_that_can_be_trusted_there_is_no_table() -> None:
    assert choices_table(grid(outcome("Tasks", 0.1, 0.1, "FAIL"))) is None
    assert choices_table(grid()) is None
