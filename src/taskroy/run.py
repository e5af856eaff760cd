"""A whole study in one folder: data, fit, gate, counterfactual, report; started again, it goes on.

What is in the folder::

    study.toml              the study as it was run, word for word
    checkpoint/             while NUTS samples: its work (taskroy.posteriors.checkpoint)
    posterior.zarr/         the posterior; once it is computed, with the counterfactual
    posterior.zarr.blocks/  while a counterfactual is computed: the blocks of draws that are done
    gate.json               what the gate says: of the fit, then of the headlines as well
    report.html             the report; its figures and, in report.json, its numbers beside it
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taskroy.fit_folder import fitted
from taskroy.headline import Headline, headlines
from taskroy.posteriors.gate import require_gate, write_gate
from taskroy.progress import Progress
from taskroy.run_folder import claimed
from taskroy.stages import POSTERIOR, load_data
from taskroy.study import Study
from taskroy.study_tables import CounterfactualSettings

if TYPE_CHECKING:
    import xarray as xr
    from distributed import Client

    from taskroy.models.scenario import Automation, Scenario
    from taskroy.posteriors.gate import Gate

_LOG = logging.getLogger(__name__)
_COUNTERFACTUAL = ("counterfactual", "counterfactual_redrawn")


@dataclass(frozen=True)
class Run:
    """What a run came to.

    Attributes
    ----------
    posterior, report
        Where they are.
    reused
        Whether the posterior stood there from an earlier run.
    gate
        The checks of the fit and of its headlines: those that the report shows.
    headlines
        The result of each scenario.
    """

    posterior: Path
    report: Path
    reused: bool
    gate: Gate
    headlines: Sequence[Headline]


def run(
    study: Study,
    study_text: str,
    folder: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    allow_failed: bool = False,
    progress: Progress | None = None,
    client: Client | None = None,
) -> Run:
    """Run a study into a folder.

    Parameters
    ----------
    study, study_text
        The study, and the text that it was read from.
    folder
        Where everything goes. A posterior that stands there is used again if it is of the same
        data, model and inference; all that follows from it is remade. A fit that was stopped goes
        on from its checkpoint, under the same condition.
    overwrite
        Fit again, from the start, and replace what stands there.
    resume
        Say so if there is no fit to go on from. Going on itself need not be asked for.
    allow_failed
        Make a (watermarked) report even of a fit that does not pass the gate.
    progress
        Told how far the work is.
    client
        Connected to a cluster that computes counterfactuals.

    Raises
    ------
    StudyError
        If the folder holds another study or other things.
    GateError
        If the fit fails the gate and `allow_failed` is not set.
    TaskroyError
        As each stage does.
    """
    from taskroy.posteriors.checks import check
    from taskroy.posteriors.report import write_report
    from taskroy.posteriors.store import open_posterior

    panel, tasks = load_data(study)
    place = folder / POSTERIOR
    with claimed(folder, overwrite=overwrite):
        posterior, reused = fitted(
            study,
            study_text,
            panel,
            tasks,
            folder,
            overwrite=overwrite,
            resume=resume,
            progress=progress,
        )
        # Before what takes long; of an earlier counterfactual nothing is asked, it is remade.
        fit_alone = posterior.drop_nodes(_COUNTERFACTUAL, errors="ignore")
        _pass(check(fit_alone), folder, allow_failed=allow_failed)
        posterior.attrs["study"] = study.to_json()  # scenarios and report may be other ones now
        add_counterfactual(
            posterior,
            study.scenario,
            place,
            settings=study.counterfactual,
            level=study.report.level,
            progress=progress,
            client=client,
        )
        posterior = open_posterior(place, lazy=True)  # the other has been replaced
        gate = check(posterior)
        _warn(gate)
        _pass(gate, folder, allow_failed=allow_failed)
        report = write_report(
            posterior,
            folder,
            interval=study.report.interval,
            level=study.report.level,
            allow_failed=allow_failed,
        )
    sums = headlines(posterior, interval=study.report.interval, level=study.report.level)
    return Run(place, report, reused, gate, sums)


def add_counterfactual(
    posterior: xr.DataTree,
    scenarios: Sequence[Automation | Scenario],
    place: Path,
    *,
    settings: CounterfactualSettings | None = None,
    level: float = 0.9,
    progress: Progress | None = None,
    client: Client | None = None,
) -> xr.DataTree:
    """Compute scenarios and store them with their posterior, replacing earlier ones.

    Blocks of draws that are done are kept beside the posterior until all is stored: called again
    after it was stopped, this goes on from them.

    Parameters
    ----------
    posterior
        A posterior.
    scenarios
        What machines take over, or what else happens.
    place
        Where the posterior is stored; it stays whole whatever happens meanwhile.
    settings
        What is computed besides what is in closed form; the defaults without.
    level
        Probability between the outer quantiles of what is summed up over draws.
    progress
        Told how far the work is.
    client
        Connected to a cluster that computes the blocks.

    Returns
    -------
    xr.DataTree
        With group ``counterfactual``. What of a posterior was left on disk
        (``open_posterior(lazy=True)``) can no longer be read from it: it has been replaced.
    """
    from taskroy.posteriors.counterfactual import counterfactual
    from taskroy.posteriors.finished_blocks import delete_blocks
    from taskroy.posteriors.store import save_posterior

    bare = posterior.drop_nodes("counterfactual", errors="ignore")
    further = (settings or CounterfactualSettings()).model_dump()
    blocks = place.with_name(f"{place.name}.blocks")
    result = counterfactual(
        bare, scenarios, **further, level=level, progress=progress, blocks=blocks, client=client
    )
    save_posterior(result, place, overwrite=True)
    delete_blocks(blocks)
    return result


def _pass(gate: Gate, folder: Path, *, allow_failed: bool) -> None:
    """Write down what the gate says, and refuse what fails it."""
    write_gate(gate, folder)
    if not allow_failed:
        require_gate(
            gate,
            where=str(folder / POSTERIOR),
            remedy="do as said below and fit again; --allow-failed makes a watermarked report "
            "all the same",
        )


def _warn(gate: Gate) -> None:
    """Say in the log what to look at: of the draws each line, of the model which there are."""
    for line in gate.to_review:
        if line.of == "draws" and line.status == "REVIEW":
            found = f"{line.name} is {line.value} ({line.bar}). {line.remedy}"
            _LOG.warning("The gate asks for a second look: %s", found)
    of_model = [line.name for line in gate.to_review if line.of == "model"]
    if of_model:
        _LOG.warning(
            "Of the model, the gate asks to look at: %s. The report says what each means, and so "
            "does 'taskroy check'.",
            "; ".join(of_model),
        )
