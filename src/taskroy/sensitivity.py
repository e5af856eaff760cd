"""A study and its alternatives, run side by side; started again, it goes on.

What is in the folder, besides that of a run (:mod:`taskroy.run`)::

    sensitivity.json           the outcome of every alternative
    alternatives/NAME/         a folder for each
        study.toml             the alternative, as a study of its own
        outcome.json           what it came to, written last
        posterior.zarr/        where it took a new fit, with its counterfactual
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskroy.alternatives import TITLES, Alternative, alternatives, essence, study_text
from taskroy.errors import TaskroyError
from taskroy.posteriors.bands import Band
from taskroy.posteriors.files import write_atomically
from taskroy.posteriors.grid import Grid, Outcome, summarize, write_grid
from taskroy.progress import Progress
from taskroy.refits import Answer, fitting, require_shared
from taskroy.run import run
from taskroy.run_folder import STUDY, claimed
from taskroy.stages import POSTERIOR, load_data
from taskroy.study import Study

if TYPE_CHECKING:
    import xarray as xr
    from arviz_stats.utils import ELPDData
    from distributed import Client

_LOG = logging.getLogger(__name__)
FOLDER, OUTCOME = "alternatives", "outcome.json"


def sensitivity(
    study: Study,
    text: str,
    folder: Path,
    *,
    quick: bool = False,
    allow_failed: bool = False,
    progress: Progress | None = None,
    client: Client | None = None,
) -> tuple[Grid, Path]:
    """Run a study and its alternatives into a folder, and write its report.

    Parameters
    ----------
    study, text
        The study, and the text that it was read from.
    folder
        Of the run. What stands there is used again: the posterior of the study, and every
        alternative that was done.
    quick
        Leave out the alternatives that need a fit of their own.
    allow_failed
        Go on even if the study's own fit does not pass the gate.
    progress
        Told how far the work is.
    client
        Connected to a cluster that computes counterfactuals, and fits alternatives, one at a time
        in each process of its workers; these see the folder and the files of the data.

    Returns
    -------
    tuple
        The outcomes, and where the report is.

    Raises
    ------
    TaskroyError
        As `taskroy.run.run` does, for the study itself. An alternative that fails is an outcome.
    """
    from taskroy.posteriors.report import write_report
    from taskroy.posteriors.store import open_posterior

    panel, tasks = load_data(study)
    if client is not None and not quick:
        require_shared(client, folder)
    # An earlier grid stays until there is a new one: its alternatives may take hours.
    done = run(study, text, folder, allow_failed=allow_failed, progress=progress, client=client)
    posterior = open_posterior(done.posterior, lazy=True)
    band = Band(study.report.interval, study.report.level)
    base = Outcome(
        "", "the study itself", True, ".", done.gate.verdict,
        scenarios=summarize(posterior["counterfactual"].to_dataset(), band),
    )  # fmt: skip
    held = tasks.select(panel.occupations)
    wanted = [one for one in alternatives(study, held) if not (quick and one.refits)]
    outcomes, found = [], _leave_one_out(posterior)
    elpd = {"the study itself": found} if found is not None else {}
    # Where the bands of alternatives come from is not told, so no skills need be there twice.
    bare = posterior.drop_nodes(
        ["counterfactual", "counterfactual_redrawn", "redrawn_skills"], errors="ignore"
    )
    inside = folder / FOLDER
    kept = {one.folder: _kept(inside / one.folder / OUTCOME, one.study) for one in wanted}
    to_fit = [one for one in wanted if one.refits and kept[one.folder] is None]
    hashes = (panel.sha256, tasks.sha256)
    with fitting(to_fit, hashes, inside, band, progress, client) as fitted:
        for number, one in enumerate(wanted, 1):
            _LOG.info(
                "Alternative %d of %d: %s, %s.", number, len(wanted), TITLES[one.choice], one.value
            )
            ask = partial(_asked, one, bare, inside / one.folder, band, progress, client)
            outcome = kept[one.folder] or _outcome(
                one, partial(fitted, one) if one.refits else ask, inside / one.folder
            )
            if outcome is None:
                _LOG.info("It is the study itself: nothing to compare.")
                continue
            if outcome.failure:
                _LOG.warning("This alternative failed: %s", outcome.failure)
            outcomes.append(outcome)
            if one.refits and outcome.trusted:
                other = open_posterior(inside / one.folder / POSTERIOR, lazy=True)
                same_people = other.attrs["panel_sha256"] == posterior.attrs["panel_sha256"]
                if same_people and (found := _leave_one_out(other)) is not None:
                    elpd[f"{TITLES[one.choice]}: {one.value}"] = found
    grid = Grid(essence(study), band, base, tuple(outcomes), _variants(elpd))
    write_grid(grid, folder)
    report = write_report(
        posterior,
        folder,
        interval=study.report.interval,
        level=study.report.level,
        allow_failed=allow_failed,
    )
    return grid, report


def _outcome(one: Alternative, answer: Callable[[], Answer | None], folder: Path) -> Outcome | None:
    """Return what an alternative comes to, and keep it; None if its data are the study's own."""
    blank = Outcome(TITLES[one.choice], one.value, one.refits, f"{FOLDER}/{folder.name}")
    try:
        found = answer()
    except TaskroyError as error:  # one row without numbers; the next run tries again
        return replace(blank, failure=" ".join(str(error).split()))
    if found is None:
        return None
    outcome = replace(blank, verdict=found[0], scenarios=found[1])
    text = json.dumps({"study": _summed_up(one.study), "outcome": asdict(outcome)}, indent=1)
    write_atomically(folder / OUTCOME, text + "\n")
    return outcome


def _summed_up(study: Study) -> dict[str, Any]:
    return essence(study) | {"report": json.loads(study.report.model_dump_json())}


def _kept(place: Path, study: Study) -> Outcome | None:
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        same = data["study"] == _summed_up(study)
        return Outcome.from_json(data["outcome"]) if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _asked(
    one: Alternative,
    posterior: xr.DataTree,
    folder: Path,
    band: Band,
    progress: Progress | None,
    client: Client | None,
) -> Answer:
    """Ask the study's own posterior another question."""
    from taskroy.posteriors.checks import check
    from taskroy.posteriors.counterfactual import counterfactual

    with claimed(folder, overwrite=False):
        write_atomically(folder / STUDY, study_text(one.study))
        scenarios, weighted = one.study.scenario, one.study.counterfactual.weighted
        result = counterfactual(
            posterior, scenarios, weighted=weighted, progress=progress, client=client
        )
    return check(result).verdict, summarize(result["counterfactual"].to_dataset(), band)


def _leave_one_out(posterior: xr.DataTree) -> ELPDData | None:
    from taskroy.posteriors.leave_one_out import leave_one_out
    from taskroy.posteriors.weighable import why_not_weighable

    if "log_likelihood" not in posterior.children:
        return None
    if why := why_not_weighable(posterior):
        _LOG.warning("It is left out of the comparison of models by its careers: %s.", why)
        return None
    return leave_one_out(posterior)


def _variants(elpd: dict[str, ELPDData]) -> list[dict[str, Any]]:
    """Compare models fitted to the same workers, best first."""
    from taskroy.posteriors.leave_one_out import compare_variants

    if len(elpd) < 2:
        return []
    table = compare_variants(elpd)
    return [
        {
            "model": str(name),
            **{str(key): float(value) for key, value in row.items()},
            "influential": int((elpd[str(name)].pareto_k > elpd[str(name)].good_k).sum()),
        }
        for name, row in table.iterrows()
    ]
