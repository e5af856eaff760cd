"""What a posterior says of its priors, against trees whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from report_tree import TASKS, make_tree
from taskroy.posteriors.checks_of_priors import checks_of_priors
from taskroy.posteriors.table_parameters import LOUD, readings

INFORMED, EXPECTED = "posterior against prior", "prior predictive"


def line_of(tree: xr.DataTree, name: str):
    return next(line for line in checks_of_priors(tree) if line.name == name)


def changed(group: str, **values: xr.DataArray) -> xr.DataTree:
    tree = make_tree()
    tree[group] = xr.DataTree(tree[group].to_dataset().assign(values))
    return tree


def test_parameters_of_which_the_data_say_much_are_counted() -> None:
    tree = make_tree()
    line = line_of(tree, INFORMED)
    assert (line.status, line.of) == ("PASS", "model")
    posterior, prior = (tree[group].to_dataset() for group in ("posterior", "prior"))
    informed = total = 0
    for name in prior:  # by hand: variances, and means beyond 99% of the prior
        for place in np.ndindex(prior[name].shape[2:]):
            if name == "skill_corr" and place[0] >= place[1]:
                continue
            after, before = (group[name].to_numpy()[:, :, *place] for group in (posterior, prior))
            low, high = np.quantile(before, [0.005, 0.995])
            much = after.var(ddof=1) <= before.var(ddof=1) / 2 or not low <= after.mean() <= high
            informed, total = informed + much, total + 1
    assert line.value == f"the data say much of {informed} of {total} parameters"
    assert readings(tree)["reading"].str.startswith(LOUD).sum() == informed


def test_skill_sds_that_are_left_to_the_prior_are_named() -> None:
    """A skill sd whose draws are as those of its prior."""
    prior = make_tree()["prior"]["skill_sd"].to_numpy()[..., 1]
    sds = make_tree()["posterior"]["skill_sd"].copy()
    sds[..., 1] = np.quantile(prior, (np.arange(200).reshape(2, 100) + 0.5) / 200)
    line = line_of(changed("posterior", skill_sd=sds), INFORMED)
    assert line.status == "REVIEW"
    assert f"; less of the skill sds of {TASKS[1]} (" in line.value
    assert TASKS[0] not in line.value


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("log_wage_sd", 0.53, "PASS"),
        ("log_wage_sd", 9.0, "REVIEW"),
        ("switching_rate", 0.99, "REVIEW"),
    ],
)
def test_a_prior_that_rules_out_what_was_seen_is_told(
    name: str, value: float, expected: str
) -> None:
    tree = changed("observed_data", **{name: xr.DataArray(value)})
    line = line_of(tree, EXPECTED)
    assert (line.status, line.of) == (expected, "model")
    low, high = np.quantile(tree["prior_predictive"]["log_wage_sd"], [0.005, 0.995])
    sd = float(tree["observed_data"]["log_wage_sd"])
    assert line.value.startswith(f"sd of log wages {sd:.2f}, expected {low:.2f} to {high:.2f}; ")
    stay = 1 - float(tree["observed_data"]["switching_rate"])
    assert f"share who stay {stay:.2f}, expected " in line.value


def test_where_nobody_is_seen_twice_nothing_is_said_of_who_stays() -> None:
    rate = make_tree()["prior_predictive"]["switching_rate"]
    line = line_of(changed("prior_predictive", switching_rate=np.nan * rate), EXPECTED)
    assert "stay" not in line.value


def test_a_tree_without_a_prior_gives_no_line() -> None:
    tree = make_tree().drop_nodes(["prior", "prior_predictive"])
    assert checks_of_priors(tree) == []
