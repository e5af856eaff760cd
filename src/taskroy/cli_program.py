"""Commands on the program itself: how fast and how right it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from taskroy.cli_options import read_study
from taskroy.commands import Answer
from taskroy.terminal import TerminalProgress


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAMES]...", help="Which; all without any.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(
        "benchmarks/results"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="Tiny sizes: whether they run, not what they say.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Say what each benchmark asks, and run none.")
    ] = False,
    panel: Annotated[
        Path | None,
        typer.Option(help="CSV of the NLSY97, for 'full-panel'.  [default: a simulated panel]"),
    ] = None,
) -> Answer:
    """Measure speed and accuracy, and write a table."""
    from taskroy.benchmarks.suite import TABLE, chosen, run_into

    benchmarks = chosen(names or ())
    if list_:
        asked = {benchmark.name: benchmark.asks for benchmark in benchmarks}
        return Answer({"benchmarks": asked}, tuple(f"{k}: {v}" for k, v in asked.items()))
    from taskroy.benchmarks.benchmark import Effort
    from taskroy.describe import benchmark_answer
    from taskroy.numerics import configure_jax

    configure_jax(chains=1)
    with TerminalProgress() as progress:
        effort = Effort(quick=quick, panel=panel, progress=progress)
        found = [run_into(output, benchmark, effort) for benchmark in benchmarks]
    return benchmark_answer(found, output / TABLE)


def calibrate(
    study: Annotated[
        Path | None,
        typer.Argument(
            metavar="STUDY.toml",
            help="Calibrate its variant of the model under its priors.  [default: the default "
            "variant, under tighter priors]",
        ),
    ] = None,
    replications: Annotated[int, typer.Option(min=2, help="Data sets to simulate and fit.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of truths, data and fits.")] = 1,
    route: Annotated[
        Literal["nuts", "nuts-marginal", "svi"], typer.Option(help="Route to the posterior.")
    ] = "nuts",
    output: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("calibration"),
) -> Answer:
    """Simulate data from the prior, fit them, and test whether posteriors are calibrated.

    Started again in the same folder, it goes on from the data sets that were done.
    """
    given = read_study(study)[1].model if study else None
    from taskroy.benchmarks.calibrate import calibrate_into, plan_of
    from taskroy.describe import calibration_answer
    from taskroy.numerics import configure_jax

    plan = plan_of(given, route, seed)
    configure_jax(chains=plan.chunk)
    with TerminalProgress() as progress:
        found = calibrate_into(output, plan, replications, progress)
    return calibration_answer(found, output)
