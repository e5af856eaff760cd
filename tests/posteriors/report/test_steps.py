"""The report says in words what the steps of a scenario do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

import report_tree as trees
from report_page import Page
from taskroy.models.scenario import (
    Augmentation,
    Automation,
    Bargaining,
    Learning,
    Prices,
    Scenario,
    Simplification,
)
from taskroy.posteriors.bands import Band
from taskroy.posteriors.report import write_report
from taskroy.posteriors.report_provenance import productivity_rules
from taskroy.posteriors.report_words import question
from taskroy.posteriors.table_scenario import scenarios, task_table


class TestSteps:
    def test_tells_what_steps_do(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        tree = trees.make_tree()
        steps = [
            Automation(productivity="marginal"),
            Augmentation(gain=0.2, tasks=("Work Output",)),
            Augmentation(gain=0.1, above=0.3),
            Simplification(quantile=0.4, strength=0.5),
            Simplification(requirement=1.5),
            Bargaining(share=0.9, elasticity=0.5),
            Prices(elasticity=2.5),
        ]
        name = str(tree["counterfactual"]["scenario"].to_numpy()[0])
        scenario = Scenario(name=name, step=tuple(steps))
        tree.attrs["scenarios"] = json.dumps([scenario.model_dump(mode="json")])
        group = tree["counterfactual"].to_dataset()
        tree["counterfactual"] = xr.DataTree(
            group.assign(
                bargaining=group["bargaining"] - 0.1,
                log_price=group["productivity"],
                price_residual=0 * group["winners"] + 3e-12,
                surplus_share=group["winners_by_occupation"],
            )
        )
        page = Page(write_report(tree, tmp_path).read_text())
        text = " ".join(page.text)
        for said in (
            "makes the average worker worse off in no occupation",
            "log skill changes by 0.2 at “Work Output”",
            "changes by 0.1 at tasks exposed above 0.3",
            "below the 0.4-quantile of workers make up 50% of what they lack at every task",
            "skill is below 1.5",
            "receive 90% of what is added to their jobs, less the easier",
            "elasticity of substitution of 2.5",
            "what employers keep of the gain",
            "markets clear to 3e-12 in log prices",
            "known intercepts would take those prices to be equal",
        ):
            assert said in text, said
        head = page.table("Change of each occupation")[0]
        assert "Bargaining" in " ".join(head)
        assert "Skills" not in " ".join(head)
        assert len(page.table("Prices and the sharing of gains")[0]) == 3

    def test_a_scenario_without_machines_is_reported(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        tree = trees.make_tree()
        group = tree["counterfactual"].to_dataset()
        for name in ("automated_share", "occupation_exposure"):
            group[name] = 0 * group[name]
        group["productivity_threshold"] = np.nan * group["productivity_threshold"]
        tree["counterfactual"] = xr.DataTree(group)
        name = str(group["scenario"].to_numpy()[0])
        steps = (Augmentation(), Learning(returns=0.15), Prices(elasticity="infinite"))
        scenario = Scenario(name=name, step=steps)
        tree.attrs["scenarios"] = json.dumps([scenario.model_dump(mode="json")])
        page = Page(write_report(tree, tmp_path).read_text())
        text = " ".join(page.text)
        assert "machines take over nothing, and the following?" in text
        assert "Everyone’s log skill changes by 0.1 at every task, in proportion to its" in text
        assert "Prices of what occupations produce stay as they are." in text
        assert "held the year before pays him 15 log points more than it pays a newcomer" in text

    def test_a_quantile_is_named(self, gate: Callable[..., None], tmp_path: Path) -> None:
        tree = trees.make_tree()
        name = str(tree["counterfactual"]["scenario"].to_numpy()[0])
        machines = Automation(name=name, productivity="quantile", quantile=0.75)
        tree.attrs["scenarios"] = json.dumps([machines.model_dump(mode="json")])
        (scenario,) = scenarios(tree)
        rule = productivity_rules(tree)[scenario.name]
        asked = question(scenario, task_table(scenario, Band("eti", 0.9)), rule)
        assert "just productive enough that 75% of the workers who do a task gain" in asked[1]
