"""Commands on a study: write one, look at its data, fit it, do everything, and vary it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taskroy.cli_options import (
    AllowFailed,
    Cluster,
    Output,
    Overwrite,
    Resume,
    StudyFile,
    configure_jax_for,
    folder_of,
    read_study,
    require_one_of,
)
from taskroy.commands import Answer
from taskroy.errors import StudyError
from taskroy.terminal import TerminalProgress


def run(
    study: StudyFile = None,
    output: Output = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    allow_failed: AllowFailed = False,
    cluster: Cluster = None,
) -> Answer:
    """Do everything, from data to report.

    Data, fit, gate, counterfactual, report. Started again, it goes on from the stored posterior, or
    from what a fit or a counterfactual that was stopped had done.
    """
    require_one_of(overwrite, resume)
    text, settings = read_study(study)
    from taskroy.cluster import connected
    from taskroy.run import run as run_study

    configure_jax_for(settings)
    with connected(cluster) as client, TerminalProgress() as progress:
        done = run_study(
            settings,
            text,
            output or folder_of(study),
            overwrite=overwrite,
            resume=resume,
            allow_failed=allow_failed,
            progress=progress,
            client=client,
        )
    data = {
        "report": done.report,
        "posterior": done.posterior,
        "reused": done.reused,
        "gate": done.gate.to_json(),
        "headlines": [headline.to_json() for headline in done.headlines],
    }
    sentences = (headline.sentences() for headline in done.headlines)
    return Answer(data, (*sentences, f"Gate: {done.gate.verdict}.", f"Report: {done.report}"))


def init(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="File to write.")] = Path(
        "study.toml"
    ),
) -> Answer:
    """Write a commented study file to start from."""
    from taskroy.study_file import default_text

    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(default_text())
    except FileExistsError as error:
        raise StudyError(
            "Something stands here already, and is not overwritten.",
            where=str(path),
            remedy="choose another name, or move it away",
        ) from error
    return Answer({"study": path}, (f"Written: {path}. Next: taskroy data check {path}",))


def data_check(study: StudyFile = None) -> Answer:
    """Check a study and its data; nothing is fitted."""
    _, settings = read_study(study)
    from taskroy.describe import data_answer
    from taskroy.stages import load_data

    return data_answer(settings, *load_data(settings))


def fit(
    study: StudyFile = None,
    output: Output = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    coordinator: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where process 0 of several can be reached."),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="How many processes fit together, each given this command.")
    ] = 1,
    process: Annotated[
        int, typer.Option(min=0, help="Which of them this is; 0 stores the posterior.")
    ] = 0,
) -> Answer:
    """Fit the study's model and store the posterior.

    Started again after it was stopped, it goes on from what it had done. Several processes, on one
    machine or several, share the workers of a study with devices = "workers"; together they keep
    nothing of a fit that is stopped.
    """
    require_one_of(overwrite, resume)
    text, settings = read_study(study)
    from taskroy.fit_folder import fit_into, help_fit
    from taskroy.processes import Processes

    together = Processes(coordinator, processes, process)
    together.check(settings.inference, resume=resume)
    configure_jax_for(settings, processes)
    together.join()
    if process > 0:
        help_fit(settings)
        return Answer({"posterior": None}, ("Done; process 0 stores the posterior.",))
    with TerminalProgress() as progress:
        place, reused = fit_into(
            settings,
            text,
            output or folder_of(study),
            overwrite=overwrite,
            resume=resume,
            progress=progress,
        )
    return Answer({"posterior": place, "reused": reused}, (f"Posterior: {place}",))


def sensitivity(
    study: StudyFile = None,
    output: Output = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out alternatives that need a new fit.")
    ] = False,
    allow_failed: AllowFailed = False,
    cluster: Cluster = None,
) -> Answer:
    """Run the study and its alternatives, to see which assumption would change the answer.

    One choice at a time is changed: of the question, which takes seconds, and of the model and the
    sample, which takes a new fit each; on a cluster whose workers see the folder of --output, these
    fits are made at once. Started again, it goes on.
    """
    text, settings = read_study(study)
    from taskroy.cluster import connected
    from taskroy.describe import sensitivity_answer
    from taskroy.sensitivity import sensitivity as run_alternatives

    configure_jax_for(settings)
    with connected(cluster) as client, TerminalProgress() as progress:
        grid, report = run_alternatives(
            settings,
            text,
            output or folder_of(study),
            quick=quick,
            allow_failed=allow_failed,
            progress=progress,
            client=client,
        )
    return sensitivity_answer(grid, report)
