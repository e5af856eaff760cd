"""Table of where people go because of the change, at the same shocks before and after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from taskroy.posteriors.table_scenario import ONE_EACH, Scenario
from taskroy.posteriors.tables import Column, Table

_FLOWS = 15


def held_flows_table(scenario: Scenario) -> Table | None:
    """Return the pairs of occupations between which most workers move at unchanged shocks.

    None where shocks were not held, or of counterfactuals of earlier versions.
    """
    draws = scenario.draws
    if "held_flow_mean" not in draws:
        return None
    flow = draws["held_flow_mean"].to_numpy()
    moves = np.where(np.eye(len(flow), dtype=bool), 0.0, flow)
    order = np.argsort(-moves, axis=None, kind="stable")[:_FLOWS]
    origin, destination = np.unravel_index(order, moves.shape)
    some = moves[origin, destination] > 0
    origin, destination = origin[some], destination[some]

    def at(name: str) -> np.ndarray:
        return np.asarray(draws[name].to_numpy()[origin, destination])

    frame = pd.DataFrame(
        {
            "origin": [scenario.occupations[o] for o in origin],
            "destination": [scenario.occupations[o] for o in destination],
            "flow": at("held_flow_mean"),
            "sd": at("held_flow_sd"),
            "change": at("held_flow_gain_mean") / at("held_flow_mean"),
        }
    )
    return Table(
        f"{scenario.prefix}-held-flows",
        "The largest moves because of the change, at the same wage and taste shocks before and "
        "after, in shares of all workers: posterior means and standard deviations",
        f"{ONE_EACH}, in every simulated set of shocks",
        frame,
        (
            Column("origin", "From"),
            Column("destination", "To"),
            Column("flow", "Share of workers", "percent1"),
            Column("sd", "Posterior sd, × 100", "hundredths"),
            Column("change", "Change of their log wage, log points", "log_points"),
        ),
        (
            "The change is that of the mean mover, over all draws: movers of a draw count by how "
            "many they are there.",
        ),
    )
