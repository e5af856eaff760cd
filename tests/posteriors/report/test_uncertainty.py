"""Where bands come from, as the report tells it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import report_tree as trees
from report_page import Page, Written
from taskroy.posteriors.report import write_report

NAMES = ("human", "gpt4", "threshold elsewhere")


def test_shares_are_those_of_pairs_of_draws(tree, written: Written) -> None:
    folder, page, numbers = written
    rows = {row["quantity"]: row for row in numbers["tables"]["scenario-1-uncertainty"]["rows"]}
    group, again = tree["counterfactual"].to_dataset(), tree["counterfactual_redrawn"].to_dataset()
    titles = [f"Mean wage, {title}" for title in trees.OCCUPATIONS]
    assert list(rows)[3:] == titles
    named = {
        "Share of workers who gain": "winners",
        "Mean change, all workers": "mean_change",
        "Mean change of welfare": "welfare_change",
    }
    for place, (quantity, row) in enumerate(rows.items()):
        name = named.get(quantity, "log_wage_change")
        pick = (lambda x, o=place - 3: x[..., o]) if name == "log_wage_change" else (lambda x: x)
        every, second = (pick(data[name].to_numpy()[0]) for data in (group, again))
        variance = every.ravel().var(ddof=1)
        skills = (every[:, ::4] - second).ravel().var(ddof=1) / 2
        assert row["sd"] == pytest.approx(np.sqrt(variance), rel=1e-9)
        assert row["skills"] == pytest.approx(min(skills / variance, 1), rel=1e-9)
        assert row["skills"] + row["parameters"] == pytest.approx(1, abs=1e-12)
        assert 0 < row["error"] < 0.1
    assert (folder / "tables" / "scenario-1-uncertainty.csv").exists()
    assert page.table("Where the bands come from")[0][2:4] == ["Skills", "Parameters"]
    assert "uncertainty" not in numbers["tables"]  # a single scenario
    row = rows["Mean change, all workers"]
    (said,) = numbers["dependence"]["uncertainty"]
    assert f"{row['parameters']:.0%} comes from parameters" in said
    assert f"{row['skills']:.0%} from workers’ skills" in said
    assert said in " ".join(page.text)


def test_labels_and_scenarios_stand_beside_what_is_within_them(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    tree = trees.make_tree(scenarios=NAMES)
    described = json.loads(tree.attrs["scenarios"])
    for one, label in zip(described, ("human_beta", "gpt4_beta", "gpt4_beta"), strict=True):
        one["exposure"] = label
    described[2]["productivity"] = 0.1
    tree.attrs["scenarios"] = json.dumps(described)
    page = Page(write_report(tree, tmp_path).read_text())
    rows = json.loads((tmp_path / "report.json").read_text())["tables"]["uncertainty"]["rows"]
    table = page.table("Where bands would come from")
    assert table[0][3:7] == ["Skills", "Parameters", "Exposure label", "Other scenario"]
    assert [row["scenarios_together"] for row in rows] == ["human / gpt4"] * 12 + ["all 3"] * 12
    for row in rows:
        shares = [row[name] for name in ("skills", "parameters", "labels", "scenarios")]
        assert sum(shares) == pytest.approx(1, abs=1e-12)
    mean = tree["counterfactual"]["mean_change"].mean(("chain", "draw")).to_numpy()
    within = tree["counterfactual"]["mean_change"].var(("chain", "draw"), ddof=1).to_numpy()
    two, three = rows[1], rows[13]
    assert two["scenarios"] == 0
    expected = mean[:2].var() / (within[:2].mean() + mean[:2].var())
    assert two["labels"] == pytest.approx(expected, rel=1e-9)
    assert three["sd"] == pytest.approx(np.sqrt(within.mean() + mean.var()), rel=1e-9)


def test_without_skills_drawn_again_nothing_is_said(
    gate: Callable[..., None], undrawn: None, tmp_path: Path
) -> None:
    bare = trees.make_tree(scenarios=NAMES[:2]).drop_nodes("counterfactual_redrawn")
    page = Page(write_report(bare, tmp_path).read_text())
    assert not any("come from" in caption for caption in page.tables)
    assert "where the bands come from" not in " ".join(page.text).lower()
