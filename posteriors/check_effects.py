"""Whether the effects of some draws are numbers, and in words why not where they are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from taskroy.errors import ModelError
from taskroy.models.broyden import CONVERGED
from taskroy.models.long_run_faults import FAULTS
from taskroy.posteriors.effects import AUTOMATED_SKILL, BY_PEOPLE, DIMENSIONS, FLOW_CHANGES

# Not numbers by right: the productivity of machines where there are none; where nothing is
# automated, who is skilled at what is and what becomes of them; and the wages of who moves, where
# nobody does.
_MAY_BE_MISSING = frozenset({"productivity_threshold", *BY_PEOPLE, *AUTOMATED_SKILL, *FLOW_CHANGES})

#: What tells why others are not numbers.
TELLING = ("price_residual", *FAULTS, "employment_before", "employment_after")

type _Effects = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Names:
    """What an error about a scenario's effects calls things.

    Attributes
    ----------
    scenario
        Its name.
    occupations
        Titles.
    discount
        β after the scenario, how much next year's experience counts in a choice.
    """

    scenario: str
    occupations: tuple[str, ...]
    discount: float

    @property
    def where(self) -> str:
        """The scenario, for messages."""
        return f"scenario '{self.scenario}'"


def check_effects(effects: _Effects, names: Names) -> None:
    """Check that effects are numbers.

    Parameters
    ----------
    effects
        Those of some draws, with what tells why they may not be numbers.
    names
        For messages.

    Raises
    ------
    ModelError
        For prices that do not converge; where experience pays, workers whose long run was not
        found; an occupation in which nobody works; other results that are not finite.
    """
    _require_long_run(effects, names)
    _require_employment(effects, names, "before")
    _require_prices(effects, names)
    _require_employment(effects, names, "after")
    _require_numbers(effects, names)


def _require_prices(effects: _Effects, names: Names) -> None:
    residual = effects["price_residual"]
    apart = ~(residual <= CONVERGED)
    if apart.any():
        raise ModelError(
            f"Occupation prices do not converge in {apart.sum()} of {len(apart)} draws: the "
            f"largest excess is {np.max(residual):.2g} in log prices.",
            where=names.where,
            expected=f"{CONVERGED:g} or less in every draw",
            remedy="allow more iterations, or a larger elasticity",
        )


def _require_long_run(effects: _Effects, names: Names) -> None:
    unsettled, stuck = effects["unsettled"], effects["stuck"]
    if unsettled.any() and names.discount > 0:
        raise ModelError(
            "What an occupation is worth from next year on, the fixed point a = F(m + β·a) of each "
            f"worker's choices at the discount β = {names.discount:g}, was not found for up to "
            f"{unsettled.max():.0f} workers in {np.count_nonzero(unsettled)} of {len(unsettled)} "
            "draws.",
            where=names.where,
            expected="returns to experience of no more than some dozens of times the shocks' sd",
            remedy="lower 'discount' or 'returns' of the step with kind = 'learning'; of a model "
            "with state_dependence = 'experience', 'discount' in [model]",
        )
    if stuck.any():
        raise ModelError(
            f"Up to {stuck.max():.0f} workers leave an occupation so seldom that rounding decides "
            f"where they are in the long run, in {np.count_nonzero(stuck)} of {len(stuck)} draws.",
            where=names.where,
            expected="returns to experience that some leave an occupation in spite of",
            remedy="lower 'returns' of the step with kind = 'learning'",
        )


def _require_employment(effects: _Effects, names: Names, when: Literal["before", "after"]) -> None:
    empty = effects[f"employment_{when}"] <= 0
    if empty.any():
        place = int(empty.sum(0).argmax())
        raise ModelError(
            f"Nobody works in '{names.occupations[place]}' {when} the scenario in "
            f"{empty[:, place].sum()} of {len(empty)} draws, so it has no mean wage: the "
            "probability to choose it is too small for a number.",
            where=names.where,
            expected="some employment in every occupation and draw",
            remedy="leave the occupation out of the study, or look at the posterior's checks"
            if when == "before"
            else "automate a smaller share, or let machines be more productive",
        )


def _require_numbers(effects: _Effects, names: Names) -> None:
    wrong = sorted(
        k for k, v in effects.items() if k not in _MAY_BE_MISSING and not np.isfinite(v).all()
    )
    if not wrong:
        return
    missing = ~np.isfinite(effects[wrong[0]])
    of_occupations = DIMENSIONS.get(wrong[0], ())[-1:] == ("occupation",)
    each = missing.reshape(-1, missing.shape[-1]).any(0) if of_occupations else np.zeros(0, bool)
    here = f" of '{names.occupations[int(each.argmax())]}'" if each.any() else ""
    raise ModelError(
        f"'{wrong[0]}'{here} is not finite in some draws.",
        where=names.where,
        expected="finite wages in every occupation and draw",
        remedy="automate a smaller share, or look at the posterior's checks",
    )
