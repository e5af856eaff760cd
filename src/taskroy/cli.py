"""The command line: what is asked for, handed to the stages; heavy imports wait until then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from taskroy.commands import Answer, command
from taskroy.errors import StudyError
from taskroy.terminal import TerminalProgress, safe_streams

if TYPE_CHECKING:
    from taskroy.study import Study

_EXIT_CODES = """\b
Exit codes:
  0    done
  1    the disk, its rights, or something unexpected
  2    the command line or the study is wrong
  3    the data are wrong
  4    the model or a scenario is impossible
  5    the fit could not start or finish
  6    a stored posterior is missing or damaged
  7    the gate failed
  130  interrupted"""

app = typer.Typer(
    name="taskroy",
    help="Who gains and who loses when machines take over tasks, and how sure we are.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Look at the data of a study.", no_args_is_help=True)
app.add_typer(data_app, name="data")

StudyFile = Annotated[
    Path | None,
    typer.Argument(metavar="STUDY.toml", help="The study; without one, the default study."),
]
Place = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="A run folder, or a posterior in it.")
]
Output = Annotated[
    Path | None,
    typer.Option(help="Folder of the run.  [default: runs/NAME OF THE STUDY, or report]"),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Fit from the start, and replace what stands in the folder."),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on from a fit that was stopped, as is the default, and say so if there is none.",
    ),
]
AllowFailed = Annotated[
    bool,
    typer.Option("--allow-failed", help="Report a failed fit all the same, watermarked."),
]


def main() -> None:
    """Run the command line."""
    with safe_streams():
        app()


@command(app)
def run(
    study: StudyFile = None,
    output: Output = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    allow_failed: AllowFailed = False,
) -> Answer:
    """Do everything, from data to report.

    Data, fit, gate, counterfactual, report. Started again, it goes on from the stored posterior, or
    from what a fit that was stopped had done.
    """
    _one_of(overwrite, resume)
    text, settings = _study(study)
    from taskroy.run import run as run_study

    _configure_jax(settings)
    with TerminalProgress() as progress:
        done = run_study(
            settings,
            text,
            output or _folder(study),
            overwrite=overwrite,
            resume=resume,
            allow_failed=allow_failed,
            progress=progress,
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


@command(app)
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


@command(data_app, "check")
def data_check(study: StudyFile = None) -> Answer:
    """Check a study and its data; nothing is fitted."""
    _, settings = _study(study)
    from taskroy.describe import data_answer
    from taskroy.stages import load_data

    return data_answer(settings, *load_data(settings))


@command(app)
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
    _one_of(overwrite, resume)
    text, settings = _study(study)
    from taskroy.processes import Processes
    from taskroy.run import fit_into, help_fit

    together = Processes(coordinator, processes, process)
    together.check(settings.inference, resume=resume)
    _configure_jax(settings, processes)
    together.join()
    if process > 0:
        help_fit(settings)
        return Answer({"posterior": None}, ("Done; process 0 stores the posterior.",))
    with TerminalProgress() as progress:
        place, reused = fit_into(
            settings,
            text,
            output or _folder(study),
            overwrite=overwrite,
            resume=resume,
            progress=progress,
        )
    return Answer({"posterior": place, "reused": reused}, (f"Posterior: {place}",))


@command(app)
def check(place: Place) -> Answer:
    """Put a posterior through the gate."""
    from taskroy.describe import gate_answer
    from taskroy.posteriors.checks import check as check_fit
    from taskroy.posteriors.store import open_posterior
    from taskroy.stages import find_posterior

    return gate_answer(check_fit(open_posterior(find_posterior(place))))


@command(app)
def counterfactual(
    place: Place,
    study: Annotated[
        Path | None,
        typer.Option(metavar="STUDY.toml", help="Take its scenarios, not those of the fit."),
    ] = None,
) -> Answer:
    """Compute scenarios and store them."""
    given = _study(study)[1] if study else None
    from taskroy.headline import headlines
    from taskroy.posteriors.store import open_posterior
    from taskroy.run import add_counterfactual
    from taskroy.stages import find_posterior, study_of

    place = find_posterior(place)
    posterior = open_posterior(place)
    fitted = study_of(posterior, where=str(place))
    new = {k: getattr(given, k) for k in ("scenario", "counterfactual")} if given else {}
    settings = fitted.model_copy(update=new)
    _configure_jax(settings)
    posterior.attrs["study"] = settings.to_json()
    with TerminalProgress() as progress:
        result = add_counterfactual(
            posterior,
            settings.scenario,
            place,
            settings=settings.counterfactual,
            progress=progress,
        )
    sums = headlines(result, interval=settings.report.interval, level=settings.report.level)
    data = {"posterior": place, "headlines": [headline.to_json() for headline in sums]}
    return Answer(data, tuple(headline.sentences() for headline in sums))


@command(app)
def report(
    place: Place,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the report.  [default: that of the run]")
    ] = None,
    allow_failed: AllowFailed = False,
) -> Answer:
    """Write the report of a posterior."""
    from taskroy.posteriors.report import write_report
    from taskroy.posteriors.store import open_posterior
    from taskroy.stages import find_posterior, study_of

    place = find_posterior(place)
    posterior = open_posterior(place)
    settings = study_of(posterior, where=str(place)).report
    written = write_report(
        posterior,
        output or place.parent,
        interval=settings.interval,
        level=settings.level,
        allow_failed=allow_failed,
    )
    return Answer({"report": written}, (f"Report: {written}",))


@command(app)
def sensitivity(
    study: StudyFile = None,
    output: Output = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out alternatives that need a new fit.")
    ] = False,
    allow_failed: AllowFailed = False,
) -> Answer:
    """Run the study and its alternatives, to see which assumption would change the answer.

    One choice at a time is changed: of the question, which takes seconds, and of the model and the
    sample, which takes a new fit each. Started again, it goes on.
    """
    text, settings = _study(study)
    from taskroy.describe import sensitivity_answer
    from taskroy.sensitivity import sensitivity as run_alternatives

    _configure_jax(settings)
    with TerminalProgress() as progress:
        grid, report = run_alternatives(
            settings,
            text,
            output or _folder(study),
            quick=quick,
            allow_failed=allow_failed,
            progress=progress,
        )
    return sensitivity_answer(grid, report)


@command(app)
def verify(place: Place) -> Answer:
    """Check every byte of a stored posterior."""
    from taskroy.posteriors.store import verify as verify_store
    from taskroy.stages import find_posterior

    place = find_posterior(place)
    verify_store(place)
    return Answer({"posterior": place, "whole": True}, (f"Whole and unchanged: {place}",))


@command(app)
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


@command(app)
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
    given = _study(study)[1].model if study else None
    from taskroy.benchmarks.calibrate import calibrate_into, plan_of
    from taskroy.describe import calibration_answer
    from taskroy.numerics import configure_jax

    plan = plan_of(given, route, seed)
    configure_jax(chains=plan.chunk)
    with TerminalProgress() as progress:
        found = calibrate_into(output, plan, replications, progress)
    return calibration_answer(found, output)


def _study(path: Path | None) -> tuple[str, Study]:
    """Return a study with its text; what is no TOML is refused before anything heavy is loaded."""
    from taskroy.study_file import DEFAULT_NAME, default_text, parse_toml, read_text

    where, folder = (str(path), path.parent) if path else (DEFAULT_NAME, Path())
    text = read_text(path) if path else default_text()
    parse_toml(text, where)
    from taskroy.study import Study

    return text, Study.from_toml(text, where=where, folder=folder)


def _one_of(overwrite: bool, resume: bool) -> None:
    if overwrite and resume:
        raise StudyError(
            "--overwrite starts anew, --resume goes on: they exclude each other.",
            remedy="choose one of them",
        )


def _folder(study: Path | None) -> Path:
    return Path("runs", study.stem) if study else Path("report")


def _configure_jax(study: Study, processes: int = 1) -> None:
    from taskroy.numerics import configure_jax

    inference = study.inference
    configure_jax(
        chains=inference.chains, workers=inference.devices == "workers", processes=processes
    )
