"""What an answer depends on, in the few sentences that fit on a report's first page."""

from __future__ import annotations

from collections.abc import Sequence

#: What is said where no alternatives stand beside a report.
NOT_VARIED = (
    "Which of the analyst’s choices would change the answer has not been tried: ‘taskroy "
    "sensitivity STUDY.toml --output FOLDER’, with the study’s file and the folder of this report, "
    "does that, and adds what it finds here. With --quick it fits nothing anew."
)


def first_page_words(
    alternatives: Sequence[str] | None, priors: Sequence[str], uncertainty: Sequence[str]
) -> list[str]:
    """Say what the answer depends on most: choices, priors, what is not known.

    Parameters
    ----------
    alternatives
        Sentences on the study's alternatives in brief; None if none were run.
    priors, uncertainty
        All sentences on priors and on where bands come from, the headlines first.

    Returns
    -------
    list of str
        Of priors and of bands the first sentence: the others stand in their section.
    """
    chosen = [NOT_VARIED] if alternatives is None else list(alternatives)
    return [*chosen, *priors[:1], *uncertainty[:1]]
