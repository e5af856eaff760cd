"""All benchmarks by name, and running them into a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from taskroy.benchmarks.benchmark import Benchmark, Effort, Row
from taskroy.data.names import suggest
from taskroy.errors import StudyError

#: In order of importance.
BENCHMARKS = (
    Benchmark(
        "choice",
        "How much faster and more accurate than simulation is the exact choice factor? "
        "Wanted: 200 times faster than 1,000 draws, with an error 100 times smaller.",
    ),
    Benchmark(
        "gradients",
        "How much dearer is a gradient with skills integrated out than one with skills whitened? "
        "Wanted: at most 8 times.",
    ),
    Benchmark(
        "scaling",
        "How do time and memory of the joint gradient grow as a dimension of the panel doubles?",
    ),
    Benchmark(
        "full-panel",
        "What does the joint gradient cost at the size of the NLSY97? Wanted: at most a second.",
    ),
    Benchmark(
        "memory",
        "What does a whole fit take of memory at its peak, and how does that grow with draws and "
        "with workers? Wanted: by less than what all skills of all draws take.",
    ),
    Benchmark(
        "counterfactual",
        "What does a draw of a scenario cost at the size of the NLSY97, and how often are prices "
        "tried until they clear markets? Wanted: 1,000 draws in 10 minutes and 2 GB on two cores.",
    ),
    Benchmark(
        "sampling",
        "How many effective draws of the parameters a second does each way to sample give?",
    ),
    Benchmark(
        "agreement",
        "Do all routes give the same posterior, and the same headline, on three panels? Wanted: "
        "means within 0.3 posterior sds of those by nuts, and ratios of sds between 0.8 and 1.25.",
    ),
    Benchmark(
        "estimates",
        "What does the bias of a simulated likelihood do to estimates? Bias and sd over panels, of "
        "simulated maximum likelihood and of ours.",
    ),
    Benchmark(
        "coverage",
        "Is the likelihood, skills integrated out, that of a simulator which shares no code with "
        "it? Wanted: a mean statistic within three standard errors of the number of parameters.",
    ),
)
TABLE = "benchmarks.md"


def chosen(names: Sequence[str]) -> tuple[Benchmark, ...]:
    """Return benchmarks by name; all, where none is named.

    Raises
    ------
    StudyError
        If there is none of that name.
    """
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    for name in names:
        if name not in known:
            raise StudyError(
                f"There is no benchmark '{name}'.{suggest(name, known)}",
                where="the command line",
                expected=f"one or more of {', '.join(known)}",
                remedy="correct the name; 'taskroy bench --list' says what each one asks",
            )
    return tuple(known[name] for name in dict.fromkeys(names)) if names else BENCHMARKS


def run_into(folder: Path, benchmark: Benchmark, effort: Effort) -> dict[str, Any]:
    """Run one benchmark, store what it found, and renew the table of all in the folder.

    The long ones take hours: their rows are stored as they come, marked as unfinished until the
    last is there.

    Parameters
    ----------
    folder
        Where ``<name>.json`` and ``benchmarks.md`` go; made if it is not there.
    benchmark, effort
        What to run, and how large.

    Returns
    -------
    dict
        What was stored.
    """
    from taskroy.benchmarks.machine import machine

    folder.mkdir(parents=True, exist_ok=True)
    # Before the run, so that the load is that of others.
    where = machine()
    rows: list[Row] = []
    for row in benchmark.run(effort):
        rows.append(row)
        _store(folder, benchmark, effort, where, rows, finished=False)
    return _store(folder, benchmark, effort, where, rows, finished=True)


def _store(
    folder: Path,
    benchmark: Benchmark,
    effort: Effort,
    where: dict[str, Any],
    rows: list[Row],
    *,
    finished: bool,
) -> dict[str, Any]:
    from taskroy.benchmarks.machine import versions
    from taskroy.benchmarks.table import table
    from taskroy.posteriors.files import write_atomically

    found = {
        "benchmark": benchmark.name,
        "asks": benchmark.asks,
        "quick": effort.quick,
        "finished": finished,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": where,
        "versions": versions(),
        "rows": [asdict(row) for row in rows],
    }
    text = json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    write_atomically(folder / f"{benchmark.name}.json", text)
    stored = (folder / f"{known.name}.json" for known in BENCHMARKS)
    results = [json.loads(file.read_text(encoding="utf-8")) for file in stored if file.exists()]
    write_atomically(folder / TABLE, table(results))
    return found
