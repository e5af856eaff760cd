"""What the two checks tell, of data and of a fit: facts for machines, tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from taskroy.commands import Answer
from taskroy.errors import GateError
from taskroy.terminal import plain

if TYPE_CHECKING:
    from taskroy.data.panel import Panel
    from taskroy.data.task_table import TaskTable
    from taskroy.posteriors.gate import Gate
    from taskroy.posteriors.grid import Grid
    from taskroy.study import Study

_STYLE = {"PASS": "green", "REVIEW": "yellow", "FAIL": "bold red"}


def data_answer(study: Study, panel: Panel, tasks: TaskTable) -> Answer:
    """Describe the data of a study: who is in the panel, which occupations, which tasks.

    Parameters
    ----------
    study, panel, tasks
        A study and what was loaded for it.

    Returns
    -------
    Answer
        Panel, occupations (with those of the task table in which nobody is seen), covariates, and
        tasks with the share of each that every scenario automates.
    """
    from taskroy.data.sample_flow import flow_in_words
    from taskroy.models.scenario_tasks import automated_shares

    facts = _panel_facts(panel)
    occupations = _occupation_facts(panel, tasks)
    automated = {s.name: automated_shares(s, tasks.exposure).tolist() for s in study.scenario}
    weight = tasks.weights.mean().tolist()
    task_facts = {
        "source": tasks.source,
        "sha256": tasks.sha256,
        "tasks": tasks.tasks,
        "mean_weight": weight,
        "automated": automated,
    }
    nobody = [row["title"] for row in occupations if row["observations"] == 0]
    return Answer(
        {"panel": facts, "occupations": occupations, "tasks": task_facts},
        (
            f"{panel.source}: {facts['workers']} workers, {facts['observations']} worker-years, "
            f"{facts['first_year']} to {facts['last_year']}, {facts['mean_years']:.1f} years a "
            f"worker; log wage {facts['mean_log_wage']:.2f} on average, "
            f"sd {facts['sd_log_wage']:.2f}.",
            *([f"Sample: {flow_in_words(panel.flow)}."] if panel.flow else []),
            f"Covariates: {', '.join(panel.covariates) or 'none'}.",
            *([f"Told apart: {_counts(facts['groups'])}."] if panel.groups else []),
            _table(
                ("occupation", "title"),
                ("workers", "worker-years", "share", "log wage", "sd"),
                [
                    (
                        *(row["occupation"], row["title"], row["workers"], row["observations"]),
                        f"{100 * row['share']:.1f}%",
                        *(_decimals(row[name]) for name in ("mean_log_wage", "sd_log_wage")),
                    )
                    for row in occupations
                ],
            ),
            *([f"Nobody is seen in: {', '.join(nobody)}."] if nobody else []),
            f"Tasks ({tasks.source}), and the share of each that machines take over:",
            _table(
                ("task",),
                ("mean weight", *automated),
                [
                    (task, f"{weight[k]:.3f}", *(f"{100 * s[k]:.0f}%" for s in automated.values()))
                    for k, task in enumerate(tasks.tasks)
                ],
            ),
            "The study and its data are in order. Nothing was fitted.",
        ),
    )


def gate_answer(gate: Gate) -> Answer:
    """Tell what the gate says; a failed one ends the command with the exit code of GateError.

    Parameters
    ----------
    gate
        The checks of a fit.
    """
    return Answer(
        gate.to_json(),
        (
            _table(
                ("", "check", "value", "bar", "what it means"),
                (),
                [
                    (
                        Text(line.status, _STYLE[line.status]),
                        *(line.name, line.value, line.bar, line.meaning),
                    )
                    for line in gate.lines
                ],
            ),
            *(f"{line.status}, {line.name}: {line.remedy}" for line in gate.to_review),
            f"The gate says {gate.verdict}"
            + (
                " of the draws; of the model, look at what is named above."
                if any(line.of == "model" for line in gate.to_review)
                else "."
            ),
        ),
        exit_code=GateError.exit_code if gate.verdict == "FAIL" else 0,
    )


def sensitivity_answer(grid: Grid, report: Path) -> Answer:
    """Tell which choice matters most, and every alternative's outcome.

    Parameters
    ----------
    grid
        Outcomes of a study and its alternatives.
    report
        Where they are laid out.
    """
    from taskroy.posteriors.table_sensitivity import sensitivity_table
    from taskroy.posteriors.words_sensitivity import sensitivity_words

    table = sensitivity_table(grid)
    words = sensitivity_words(grid, table)
    columns = table.shown_columns
    texts = [column.title for column in columns if column.kind == "text"]
    numbers = [column.title for column in columns if column.kind != "text"]
    order = sorted(range(len(columns)), key=lambda place: columns[place].kind != "text")
    rows = [tuple(row[place] for place in order) for row in table.shown_rows()]
    return Answer(
        {
            "words": words,
            "table": table.to_json(),
            "variants": list(grid.variants),
            "report": report,
        },
        (*words, _table(texts, numbers, rows), f"Report: {report}"),
    )


def benchmark_answer(found: Sequence[Mapping[str, Any]], place: Path) -> Answer:
    """Tell what benchmarks found, and where it is written.

    Parameters
    ----------
    found
        As `taskroy.benchmarks.suite.run_into` returns it.
    place
        The table.
    """
    from taskroy.benchmarks.table import number

    rows = [
        (
            *(result["benchmark"], row["what"], row["precision"]),
            "\n".join(f"{k.replace('_', ' ')} {number(v)}" for k, v in row["measured"].items()),
        )
        for result in found
        for row in result["rows"]
    ]
    return Answer(
        {"table": place, "results": list(found)},
        (_table(("benchmark", "what", "precision", "measured"), (), rows), f"Table: {place}"),
    )


def calibration_answer(found: Mapping[str, Any], place: Path) -> Answer:
    """Tell what a calibration found; one that failed ends the command with GateError's exit code.

    Parameters
    ----------
    found
        As `taskroy.benchmarks.calibrate.calibrate_into` returns it.
    place
        Its folder.
    """
    assessed = found["calibration"]
    rows = [
        (
            Text(row["verdict"], _STYLE[row["verdict"]]),
            row["quantity"],
            *(f"{row[name]:.2f}" for name in ("mean", "sd")),
            f"{min(row['mean_and_variance'], row['chi_square'], row['ecdf']):.2g}",
            *(f"{100 * row[name]:.0f}%" for name in ("coverage_50", "coverage_90")),
        )
        for row in assessed["rows"]
    ]
    numbers = ("mean", "sd", "smallest p", "in 50%", "in 90%")
    return Answer(
        {"folder": place, **found},
        (_table(("", "quantity"), numbers, rows), assessed["sentence"], f"Written: {place}"),
        exit_code=GateError.exit_code if assessed["verdict"] == "FAIL" else 0,
    )


def _panel_facts(panel: Panel) -> dict[str, Any]:
    from taskroy.data.sample_flow import flow_to_json

    frame = panel.frame
    years = frame.groupby("worker").size()
    return {
        "source": panel.source,
        "sha256": panel.sha256,
        "sample": flow_to_json(panel.flow),
        "workers": len(years),
        "observations": len(frame),
        "first_year": int(frame["year"].min()),
        "last_year": int(frame["year"].max()),
        "mean_years": float(years.mean()),
        "mean_log_wage": float(frame["log_wage"].mean()),
        "sd_log_wage": float(frame["log_wage"].std()),
        "covariates": list(panel.covariates),
        "weighted": panel.has_weights,
        "groups": {str(k): int(v) for k, v in panel.members().sum().items()},
    }


def _counts(workers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({number} workers)" for name, number in workers.items())


def _occupation_facts(panel: Panel, tasks: TaskTable) -> list[dict[str, Any]]:
    summary = panel.summary()
    facts = []
    for code in tasks.occupations:
        seen = summary.loc[code].to_dict() if code in summary.index else {}
        facts.append(
            {
                "occupation": code,
                "title": tasks.titles[code],
                "labor_share": float(tasks.labor_share[code]),
                "workers": int(seen.get("workers", 0)),
                "observations": int(seen.get("observations", 0)),
                "share": float(seen.get("share", 0.0)),
                "mean_log_wage": seen.get("mean_log_wage"),
                # One observation has no standard deviation, and JSON has no NaN.
                "sd_log_wage": seen["sd_log_wage"] if seen.get("observations", 0) > 1 else None,
            }
        )
    return facts


def _table(texts: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Columns of texts, then columns of numbers."""
    table = Table(box=None, pad_edge=False)
    for name in texts:
        table.add_column(Text(plain(name)), overflow="fold")
    for name in numbers:
        table.add_column(Text(plain(name)), justify="right", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    return table


def _decimals(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
