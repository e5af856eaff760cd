"""Commands on a stored posterior."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taskroy.cli_options import AllowFailed, Cluster, Place, configure_jax_for, read_study
from taskroy.commands import Answer
from taskroy.terminal import TerminalProgress


def check(place: Place) -> Answer:
    """Put a posterior through the gate."""
    from taskroy.describe import gate_answer
    from taskroy.posteriors.checks import check as check_fit
    from taskroy.posteriors.store import open_posterior
    from taskroy.stages import find_posterior

    return gate_answer(check_fit(open_posterior(find_posterior(place))))


def counterfactual(
    place: Place,
    study: Annotated[
        Path | None,
        typer.Option(metavar="STUDY.toml", help="Take its scenarios, not those of the fit."),
    ] = None,
    cluster: Cluster = None,
) -> Answer:
    """Compute scenarios and store them.

    Started again after it was stopped, it goes on from what it had done.
    """
    given = read_study(study)[1] if study else None
    from taskroy.cluster import connected
    from taskroy.headline import headlines
    from taskroy.posteriors.store import open_posterior
    from taskroy.run import add_counterfactual
    from taskroy.stages import find_posterior, study_of

    place = find_posterior(place)
    posterior = open_posterior(place, lazy=True)
    fitted = study_of(posterior, where=str(place))
    new = {k: getattr(given, k) for k in ("scenario", "counterfactual")} if given else {}
    settings = fitted.model_copy(update=new)
    configure_jax_for(settings)
    posterior.attrs["study"] = settings.to_json()
    with connected(cluster) as client, TerminalProgress() as progress:
        result = add_counterfactual(
            posterior,
            settings.scenario,
            place,
            settings=settings.counterfactual,
            level=settings.report.level,
            progress=progress,
            client=client,
        )
    sums = headlines(result, interval=settings.report.interval, level=settings.report.level)
    data = {"posterior": place, "headlines": [headline.to_json() for headline in sums]}
    return Answer(data, tuple(headline.sentences() for headline in sums))


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


def verify(place: Place) -> Answer:
    """Check every byte of a stored posterior."""
    from taskroy.posteriors.store import verify as verify_store
    from taskroy.stages import find_posterior

    place = find_posterior(place)
    verify_store(place)
    return Answer({"posterior": place, "whole": True}, (f"Whole and unchanged: {place}",))
