"""Whether chains agree and how many independent draws they are worth, number by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import arviz_stats
import numpy as np
import xarray as xr

from taskroy.posteriors.bands import SAMPLE
from taskroy.posteriors.constants import that_never_vary
from taskroy.posteriors.gate import CheckLine, Status

RHAT = 1.01
ESS = 400
ESS_PER_CHAIN = 100
_NAMED = 5  # entries, of those without a diagnostic


class Worst(NamedTuple):
    """The worst of many numbers and whose it is, and all entries whose number is not finite.

    Where nothing was looked at, because nothing varies, ``place`` is empty.
    """

    value: float
    place: str
    unknown: tuple[str, ...]

    def status(self, *, passes: bool, otherwise: Status) -> Status:
        """Fail where a number is unknown; where all are known, judge by the worst."""
        if self.unknown:
            return "FAIL"
        return "PASS" if passes or not self.place else otherwise

    def told(self, value: str) -> str:
        """Return the worst number, given in words, and name the entries without one."""
        of_known = f"{value} ({self.place})" if self.place else "nothing varies"
        if not self.unknown:
            return of_known
        named = ", ".join(self.unknown[:_NAMED])
        more = len(self.unknown) - _NAMED
        named += f" and {more} more" if more > 0 else ""
        return f"not a finite number for {named}" + (f"; {of_known}" if self.place else "")


def worst_of(values: xr.Dataset, constant: xr.Dataset, pick: Callable[[np.ndarray], Any]) -> Worst:
    """Return the worst of a diagnostic, and what it is unknown of.

    Parameters
    ----------
    values
        A number for each entry.
    constant
        True where an entry is no sampled number, and not looked at; of variables that it lacks
        every entry is sampled.
    pick
        The worst of an array, ``np.max`` or ``np.min``.
    """
    found, unknown = {}, []
    for name, of_variable in values.items():
        number = of_variable.to_numpy()
        sampled = np.ones(number.shape, bool)
        if name in constant:
            sampled = ~constant[name].transpose(*of_variable.dims).to_numpy()
        known = np.isfinite(number)
        unknown += list(_entries(str(name), sampled & ~known))
        if (sampled & known).any():
            found[str(name)] = float(pick(number[sampled & known]))
    if not found:
        return Worst(float("nan"), "", tuple(unknown))
    value = float(pick(np.array(list(found.values()))))
    return Worst(value, next(k for k, v in found.items() if v == value), tuple(unknown))


def convergence(
    draws: xr.Dataset, constant: xr.Dataset, what: str, otherwise: Status
) -> list[CheckLine]:
    """Judge draws by R̂ and ESS of every sampled number in them.

    Parameters
    ----------
    draws
        With dimensions chain and draw.
    constant
        As in `worst_of`.
    what
        What they are draws of, in words.
    otherwise
        Status where a number is beyond its bar. A number without R̂ or ESS, because its draws are
        not finite or never move, fails whatever this is.
    """
    chains, count = draws.sizes["chain"], draws.sizes["draw"]
    # R-hat ranks draws, and does not see one that is infinite; ESS counts draws that never move.
    sampled = draws.map(np.isfinite).all(SAMPLE) & ~that_never_vary(draws)
    lines = [_agreement(draws, sampled, constant, what, otherwise)]
    ess_bar = max(ESS, ESS_PER_CHAIN * chains)
    for method in ("bulk", "tail"):
        ess = worst_of(arviz_stats.ess(draws, method=method).where(sampled), constant, np.min)
        lines.append(
            CheckLine(
                f"{method} ESS, {what}",
                ess.status(passes=ess.value >= ess_bar, otherwise=otherwise),
                ess.told(f"{ess.value:.0f} of {chains * count} draws"),
                f"at least {ess_bar}",
                "Effective number of independent draws for "
                + ("means" if method == "bulk" else "the ends of bands")
                + ": below the bar reported digits are noise.",
                _LOOK if ess.unknown else more_draws(ess.value, ess_bar),
                number=ess.value,
                threshold=ess_bar,
            )
        )
    return lines


def more_draws(effective: float, wanted: float) -> str:
    """Return the remedy where draws are worth too few independent ones."""
    times = np.ceil(wanted / max(effective, 1.0))
    return f"Draw about {times:.0f} times as many." if times > 1 else "Draw more."


_LOOK = (
    "Look at the draws of what is named: they are not numbers, or were never moved. Fit again with "
    "another seed, in float64."
)


def _agreement(
    draws: xr.Dataset, sampled: xr.Dataset, constant: xr.Dataset, what: str, otherwise: Status
) -> CheckLine:
    if draws.sizes["chain"] == 1:
        return CheckLine(
            f"R-hat, {what}",
            otherwise,
            "one chain",
            f"at most {RHAT} over several chains",
            "One chain cannot show that it has found the posterior.",
            "Run at least four chains.",
        )
    # The R-hat of a constant is 0/0: not a number.
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat = worst_of(arviz_stats.rhat(draws).where(sampled), constant, np.max)
    return CheckLine(
        f"R-hat, {what}",
        rhat.status(passes=rhat.value <= RHAT, otherwise=otherwise),
        rhat.told(f"{rhat.value:.4f}"),
        f"at most {RHAT}",
        "Chains that started apart agree: above the bar they have not all found the same "
        "posterior. A sampled number that has no R-hat is not finite in some draw, or the same in "
        "all: it was not sampled.",
        _LOOK
        if rhat.unknown
        else "Run longer (warmup, draws); if it stays, look at the parameter named.",
        number=rhat.value,
        threshold=RHAT,
    )


def _entries(name: str, chosen: np.ndarray) -> Iterator[str]:
    """Name the entries of a variable that are chosen, by their indices."""
    for index in np.argwhere(chosen):
        yield f"{name}[{', '.join(map(str, index))}]" if len(index) else name
