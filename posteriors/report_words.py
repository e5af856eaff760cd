"""The answer in sentences, from the very numbers of the tables and of report.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from taskroy.posteriors.bands import Band
from taskroy.posteriors.table_headline import mean_exposure, more_gain_probability
from taskroy.posteriors.table_scenario import Scenario
from taskroy.posteriors.tables import Column, Table, record, records, show, show_number
from taskroy.posteriors.titles import in_sentence

_VALUE = Column("value", "", "by_row", band=True)
_MANY = 6  # tasks are named one by one up to here

#: What bands mean, and what they do not.
MEANING = (
    "A band says where a number lies with the stated probability, given the data, the model and "
    "its priors. Wide bands are a result: they say how little the data can tell.",
    "A band that covers zero means that the data do not tell a rise from a fall; it does not mean "
    "that nothing happens.",
)
NOT_MEANT = (
    "that the model is right. Compare what it predicts with what was observed, below;",
    "which tasks machines will take over, and how well. Both are assumptions of the scenario, held "
    "fixed here: another exposure label or another productivity is another scenario;",
    "demand: prices of what occupations produce stay as they are, unless the scenario lets them "
    "respond, as do hours, unemployment and entry into work. The results are about log wages of "
    "people who keep working;",
    "new tasks, training, and time: skills stay as they are, but for what the scenario says, and "
    "everyone has adjusted;",
    "other people: the results hold for workers like those of the panel.",
)


def question(
    scenario: Scenario, tasks: Table, rule: object, steps: Sequence[str] = ()
) -> list[str]:
    """Say what was asked: what machines take over, and how well they do it.

    Parameters
    ----------
    scenario
        The scenario.
    tasks
        Its table of tasks.
    rule
        ``productivity`` in the study: the name of a rule, a number, ``("quantile", share)``, or
        None where it is not recorded.
    steps
        What else happens, in sentences.
    """
    frame = tasks.frame[tasks.frame["automated_share"] > 0]
    listed = [
        f"{show_number(share, 'percent')} of “{in_sentence(task)}”"
        for task, share in zip(frame["task"], frame["automated_share"], strict=True)
    ]
    if len(listed) > _MANY:
        listed = [*listed[: _MANY - 1], f"shares of {len(listed) - _MANY + 1} more tasks"]
    if not listed:
        return ["What happens to wages if machines take over nothing, and the following?", *steps]
    taken = ", ".join(listed[:-1]) + (" and " if len(listed) > 1 else "") + listed[-1]
    asked = (
        f"What happens to wages if machines take over {taken}: "
        f"{show_number(mean_exposure(scenario), 'percent')} of the work of the average worker?"
    )
    if rule == "threshold":
        how = (
            "Machines are taken to be just productive enough that the average worker who does a "
            "task neither gains nor loses by handing it over."
        )
    elif rule == "marginal":
        how = (
            "Machines are taken to be just productive enough that handing the task over makes the "
            "average worker worse off in no occupation."
        )
    elif isinstance(rule, tuple):
        how = (
            f"Machines are taken to be just productive enough that {rule[1]:.0%} of the workers "
            "who do a task gain by handing it over."
        )
    elif isinstance(rule, int | float):
        how = (
            "Machines are taken to have the log productivity, less their log price, of "
            f"{show_number(rule, 'number')} at each of these tasks."
        )
    else:
        how = "How productive machines are taken to be is in the scenario's table of tasks."
    return [asked, how, *steps]


def answer(scenario: Scenario, headline: Table, band: Band) -> list[str]:
    """Say who gains, who loses and by how much.

    Parameters
    ----------
    scenario
        The scenario.
    headline
        Its table of headline numbers, from which every number here is taken but the probability
        that more gain than lose.
    band
        Kind and level of the intervals, which stand in square brackets.

    Returns
    -------
    list of str
        Three sentences or so.
    """
    rows = {str(row["key"]): row for row in records(headline.frame)}
    lead = more_gain_probability(scenario)
    if rows["winners"]["value"] == rows["losers"]["value"] == 0:
        return ["No worker’s expected wage changes."]
    sides = "gain" if lead >= 0.5 else "lose"
    first = (
        f"{_shown(rows['winners'])} of the workers can expect a higher wage and "
        f"{_shown(rows['losers'])} a lower one; more of them {sides} than "
        f"{'lose' if sides == 'gain' else 'gain'} with probability "
        f"{show_number(max(lead, 1 - lead), 'probability')}."
    )
    mean = rows["mean_change"]
    second = f"The mean change is {_change(mean)}, {_against_zero(mean, band)}."
    best, worst = rows["best"], rows["worst"]
    if len(scenario.occupations) == 1 or best["quantity"] == worst["quantity"]:
        return [first, second]
    third = _extreme(best, "most" if best["value"] > 0 else "least", gain=best["value"] > 0)
    fourth = _extreme(worst, "least" if worst["value"] > 0 else "most", gain=worst["value"] > 0)
    return [first, second, third, fourth]


def certainty(workers: Table) -> str:
    """Say for how many workers the data tell gain from loss."""
    share = workers.frame["share"]
    loss, gain = share.iloc[0], share.iloc[-1]

    def said(value: float) -> str:
        if value == 0:
            return "none"
        return show_number(value, "percent1") if math.isfinite(value) else "few"

    return (
        f"A gain is nearly certain (probability of 90% or more) for {said(gain)} of the workers of "
        f"the panel, and a loss for {said(loss)}; for the others the data leave it open."
    )


def trend(headline: Table, band: Band) -> str:
    """Say how the change of an occupation's wage goes with its exposure; empty if it cannot be."""
    slope = headline.frame[headline.frame["key"] == "slope"]
    if slope.empty:
        return ""
    row = record(slope, 0)
    return (
        f"For 10 points more exposure the change of an occupation’s wage differs by {_shown(row)} "
        f"log points, {_against_zero(row, band)}."
    )


def spread(frame: pd.DataFrame, name: str, label: str) -> str:
    """Say which occupations lie at the two ends of a column, with numbers."""
    known = frame[np.isfinite(frame[name])]
    if known.empty:
        return f"{label}: no numbers."
    column = Column(name, "", "log_points", band=True)
    values = known[name].to_numpy()
    top, bottom = record(known, int(values.argmax())), record(known, int(values.argmin()))
    return (
        f"{label} is highest for {in_sentence(top['occupation'])}, {show(column, top)} log points, "
        f"and lowest for {in_sentence(bottom['occupation'])}, {show(column, bottom)}."
    )


def _shown(row: Mapping[str, Any]) -> str:
    return show(_VALUE, row)


def _change(row: Mapping[str, Any]) -> str:
    return f"{_shown(row)} log points ({_percent(row['percent'])})"


def _percent(value: float) -> str:
    text = show_number(value, "percent1")
    return text if text.startswith(("−", "0.0%")) else f"+{text}"


def _against_zero(row: Mapping[str, Any], band: Band) -> str:
    if row["value_low"] <= 0 <= row["value_high"]:
        return f"not distinguishable from zero: the {band.percent} band covers it"
    side = "above" if row["value"] > 0 else "below"
    return f"the whole {band.percent} band lying {side} zero"


def _extreme(row: Mapping[str, Any], rank: str, *, gain: bool) -> str:
    who = row["quantity"].partition("those from ")[2]
    verb, what = ("gain", "a gain") if gain else ("lose", "a loss")
    probability = row["positive_probability"] if gain else 1 - row["positive_probability"]
    unclear = (
        ", not distinguishable from zero" if row["value_low"] <= 0 <= row["value_high"] else ""
    )
    return (
        f"Those who work in “{in_sentence(who)}” {verb} {rank}: {_change(row)} on average"
        f"{unclear}; it is {what} with probability {show_number(probability, 'probability')}."
    )
