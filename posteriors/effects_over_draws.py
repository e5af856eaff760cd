"""Effects of one scenario, draw by draw, in blocks: never all at once in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskroy.models.learning import Learning
from taskroy.models.long_run_faults import FAULTS
from taskroy.posteriors.block_places import Effects, Place
from taskroy.posteriors.check_effects import Names, check_effects
from taskroy.posteriors.draw_blocks import Block, DrawBlocks
from taskroy.posteriors.draw_summaries import DrawSummaries
from taskroy.posteriors.effects import WIDE
from taskroy.posteriors.finished_blocks import FinishedBlocks, fingerprint
from taskroy.posteriors.scenario_questions import Common, Question
from taskroy.posteriors.titles import in_sentence
from taskroy.progress import Progress


@dataclass(frozen=True)
class Work:
    """How the scenarios of a posterior are computed.

    Attributes
    ----------
    common
        What all draws and scenarios have in common.
    place
        Where blocks are computed.
    kept
        Where finished blocks are kept, and taken from; None keeps none.
    progress
        Told how far it is.
    occupations
        Titles, for messages.
    """

    common: Common
    place: Place
    kept: FinishedBlocks | None
    progress: Progress
    occupations: tuple[str, ...]


def over_draws(
    work: Work,
    question: Question,
    draws: DrawBlocks,
    scenario: str,
    *,
    wide: DrawSummaries | None = None,
    what: str = "counterfactual",
) -> dict[str, NDArray[np.float64]]:
    """Return the effects of a scenario that are kept draw by draw.

    Parameters
    ----------
    work
        Where and how.
    question
        What the scenario asks.
    draws
        The draws.
    scenario
        Its name, for messages.
    wide
        Collects the effects that are not kept draw by draw; None drops them.
    what
        What is computed, for the progress.

    Returns
    -------
    dict
        With a leading dimension of draws.

    Raises
    ------
    ModelError
        For results that are not numbers (`taskroy.posteriors.check_effects.check_effects`).
    """
    work.progress.start(f"{what}, {in_sentence(scenario)}", draws.total)
    parts, done = [], 0
    for part in _in_order(work, question, draws, scenario):
        done += len(part["price_residual"])
        for name in [name for name in WIDE if name in part]:
            rows = part.pop(name)
            if wide is not None:
                wide.add(name, rows)
        parts.append(part)
        work.progress.advance(done)
    work.progress.finish()
    return {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}


def _in_order(
    work: Work, question: Question, draws: DrawBlocks, scenario: str
) -> Iterator[Effects]:
    """Give the blocks' effects in the order of draws, few blocks begun before they are due."""
    begun: deque[Callable[[], Effects]] = deque()
    for block in draws:
        begun.append(_begin(work, question, block, scenario))
        if len(begun) > work.place.ahead:
            yield begun.popleft()()
    while begun:
        yield begun.popleft()()


def _begin(work: Work, question: Question, block: Block, scenario: str) -> Callable[[], Effects]:
    """Begin a block, or take it from those that are done."""
    kept, name = work.kept, ""
    if kept is not None:
        name = fingerprint(work.common, question, block)
        if (found := kept.load(name)) is not None:
            return lambda: found
    names = Names(scenario, work.occupations, _discount(work, question))
    wait, count = work.place.begin(question, block), block.count  # the draws need not be held

    def end() -> Effects:
        found = {k: v[:count] for k, v in wait().items()}
        check_effects(found, names)
        part = {k: v for k, v in found.items() if k not in FAULTS}
        if kept is not None:
            kept.save(name, part)
        return part

    return end


def _discount(work: Work, question: Question) -> float:
    """Return β after the steps."""
    set_by = [step.discount for step in question.steps if isinstance(step, Learning)]
    return next((own for own in reversed(set_by) if own is not None), work.common.discount)
