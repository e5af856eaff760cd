"""Alternatives that need fits of their own: fitted here in turn, or on a cluster at once."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from taskroy.alternatives import Alternative, study_text
from taskroy.errors import FitError, StudyError
from taskroy.fit_folder import fit_into
from taskroy.posteriors.bands import Band
from taskroy.posteriors.grid import Summary, summarize
from taskroy.progress import Progress
from taskroy.run import add_counterfactual
from taskroy.run_folder import claimed
from taskroy.stages import CHECKPOINT, load_data
from taskroy.study import Study
from taskroy.study_tables import CounterfactualSettings

if TYPE_CHECKING:
    from distributed import Client, Future

# NumPyro follows what a model does in one list a process: fits in two threads would mix theirs.
_ONE_AT_A_TIME = threading.Lock()

type Answer = tuple[str, Mapping[str, Mapping[str, Summary]]]
#: Of the panel and of the tasks.
type Hashes = tuple[str, str]

#: Choices that may leave the data as they are: every worker may be seen long enough already.
_OF_THE_DATA = ("sample", "labor-share", "tasks")


def refitted(
    one: Alternative,
    data: Hashes,
    folder: Path,
    band: Band,
    progress: Progress | None = None,
) -> Answer | None:
    """Fit an alternative and ask its posterior the study's question.

    Parameters
    ----------
    one
        The alternative.
    data
        The study's own.
    folder
        Of the alternative.
    band
        How its posterior is summed up.
    progress
        Told how far the work is.

    Returns
    -------
    tuple or None
        The gate's verdict, and what scenarios came to; None if its data are the study's own.

    Raises
    ------
    TaskroyError
        As each stage does.
    """
    from taskroy.posteriors.checkpoint import delete_checkpoint, describe_fit, stands
    from taskroy.posteriors.checks import check
    from taskroy.posteriors.store import open_posterior

    study = one.study
    panel, tasks = load_data(study)
    if one.choice in _OF_THE_DATA and (panel.sha256, tasks.sha256) == data:
        return None
    fit, kept = describe_fit(panel, tasks, study.model, study.inference), folder / CHECKPOINT
    with claimed(folder, overwrite=False):  # that of a fit that runs somewhere is left alone
        if not stands(kept, fit):  # what a machine with other devices kept is of no use here
            delete_checkpoint(kept)
    place, _ = fit_into(study, study_text(study), folder, progress=progress)
    settings = CounterfactualSettings(weighted=study.counterfactual.weighted)
    result = add_counterfactual(
        open_posterior(place, lazy=True), study.scenario, place, settings=settings,
        progress=progress,
    )  # fmt: skip
    found = summarize(result["counterfactual"].to_dataset(), band)
    return check(open_posterior(place, lazy=True)).verdict, found


@contextmanager
def fitting(
    wanted: Sequence[Alternative],
    data: Hashes,
    folder: Path,
    band: Band,
    progress: Progress | None,
    client: Client | None,
) -> Iterator[Callable[[Alternative], Answer | None]]:
    """Give a function that does what `refitted` does for each of some alternatives.

    Parameters
    ----------
    wanted
        The alternatives.
    data, band, progress
        As of `refitted`.
    folder
        Holds a folder for each.
    client
        Connected to a cluster whose workers see the folder (`require_shared`): all fits are sent
        there when the first is asked for, and those that were not begun when nobody waits any more
        are taken back. Without, each is fitted when asked for.
    """
    if client is None or not wanted:
        yield lambda one: refitted(one, data, folder / one.folder, band, progress)
        return
    sent: dict[str, Future[Answer | None]] = {}

    def ask(one: Alternative) -> Answer | None:
        # Not before: until then the cluster has other things to do, which take seconds.
        for other in () if sent else wanted:
            place = folder.resolve() / other.folder
            task = (_on_worker, _anywhere(other), data, place, band)
            sent[other.folder] = client.submit(*task, pure=False)
        return _result(sent[one.folder])

    try:
        yield ask
    finally:
        client.cancel(list(sent.values()))


def _anywhere(one: Alternative) -> Alternative:
    """Return the alternative with paths that are whole, whatever folder a process is in."""
    return replace(one, study=Study.from_toml(study_text(one.study), where=one.value))


def _on_worker(one: Alternative, data: Hashes, folder: Path, band: Band) -> Answer | None:
    from taskroy.numerics import keep_blas_to_one_thread, keep_programs

    with _ONE_AT_A_TIME:
        keep_programs()
        keep_blas_to_one_thread()
        return refitted(one, data, folder, band)


def require_shared(client: Client, folder: Path) -> None:
    """Raise a StudyError if a worker of a cluster does not see a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    sign = folder.resolve() / f".{secrets.token_hex(8)}.seen"
    sign.touch()
    try:
        seen = client.run(sign.exists)
    finally:
        sign.unlink()
    if blind := sorted(worker for worker, sees in seen.items() if not sees):
        raise StudyError(
            f"The cluster's worker {blind[0]} does not see the folder of the alternatives.",
            where=str(folder),
            expected="a folder on a disk that all workers share: they fit the alternatives there",
            remedy="choose such a folder with --output, or leave out --cluster",
        )


def _result(future: Future[Answer | None]) -> Answer | None:
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        answer: Answer | None = future.result()
    except (KilledWorker, CancelledError, OSError) as error:
        raise FitError(
            f"The cluster lost the fit: {type(error).__name__}: {error}",
            remedy="look at what its workers say, and start again: it goes on from what was kept",
        ) from error
    return answer
