"""Whether posteriors are calibrated: statistics on the ranks of truths among posterior draws.

θ is drawn from the prior, data from θ, and the posterior of the data is sampled. If simulator,
model and sampler are right, and draws independent, the rank of any quantity's truth among its draws
is uniform (Cook, Gelman and Rubin 2006; Talts et al. 2018), and so is u = (rank + a uniform number)
/ (draws + 1). Each quantity takes three tests:

* **mean and variance** of the normal scores Φ⁻¹(u): posteriors that lie too high or too low, are
  too narrow or too wide;
* **chi-square** of u in bins of equal width: any other shape;
* **ECDF** of u: its largest distance from the diagonal (Kolmogorov and Smirnov).

All are held against one family-wise false-alarm rate, by Bonferroni's bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

#: Probability that a program without fault has a row that fails.
FALSE_ALARM = 1e-3
TESTS = ("mean and variance", "chi-square", "ECDF")
_INTERVALS = (0.5, 0.9)
_MOST_BINS, _FEWEST_PER_BIN = 20, 8
# A fault that a person would want seen.
_NARROWER, _SHIFT = 0.9, 0.1


def ranks(
    truth: Float[np.ndarray, "S Q"], draws: Float[np.ndarray, "S D Q"], rng: np.random.Generator
) -> Int[np.ndarray, "S Q"]:
    """Return the rank of each truth among its draws, from 0 to D; ties are broken at random.

    Parameters
    ----------
    truth, draws
        Q quantities in S replications; D nearly independent draws of each.
    rng
        Breaks ties.
    """
    below = (draws < truth[:, None]).sum(1)
    equal = (draws == truth[:, None]).sum(1)
    return below + rng.integers(0, equal + 1)


def uniforms(
    rank: Int[np.ndarray, "S Q"], draws: int, rng: np.random.Generator
) -> Float[np.ndarray, "S Q"]:
    """Spread ranks among `draws` over (0, 1): exactly uniform where the posterior is right."""
    # Never 0 or 1, whose normal scores are infinite.
    return (rank + rng.uniform(1e-12, 1 - 1e-12, rank.shape)) / (draws + 1)


class Row(NamedTuple):
    """What the tests say of one quantity.

    ``mean`` and ``sd`` are of the normal scores: 0 and 1 where all is right; an sd of 1.1 is a
    posterior sd a tenth too small. ``mean_and_variance``, ``chi_square`` and ``ecdf`` are p-values.
    ``coverage_50`` and ``coverage_90`` are shares of truths inside central intervals, ``…_low`` and
    ``…_high`` the 95% intervals of Clopper and Pearson; they show, and are not counted as tests.
    """

    quantity: str
    mean: float
    sd: float
    mean_and_variance: float
    chi_square: float
    ecdf: float
    coverage_50: float
    coverage_50_low: float
    coverage_50_high: float
    coverage_90: float
    coverage_90_low: float
    coverage_90_high: float
    verdict: Literal["PASS", "FAIL"]

    def failed(self, level: float) -> tuple[str, ...]:
        """Return the tests whose p-value is below `level`, by name."""
        found = (self.mean_and_variance, self.chi_square, self.ecdf)
        return tuple(name for name, p in zip(TESTS, found, strict=True) if p < level)


@dataclass(frozen=True)
class Calibration:
    """The tests of all quantities.

    Attributes
    ----------
    rows
        One for each quantity.
    replications, draws
        Data sets, and draws of each that truths are ranked among.
    false_alarm
        Probability that any row fails though all is right.
    """

    rows: tuple[Row, ...]
    replications: int
    draws: int
    false_alarm: float

    @property
    def level(self) -> float:
        """The p-value below which one test of one quantity fails."""
        return _level(self.false_alarm, len(self.rows))

    @property
    def verdict(self) -> Literal["PASS", "FAIL"]:
        """FAIL where any row fails."""
        return "FAIL" if any(row.verdict == "FAIL" for row in self.rows) else "PASS"

    @property
    def power(self) -> tuple[float, float]:
        """Probability that the test of mean and variance sees a fault of a near-normal posterior.

        Of an sd a tenth too small, and of a mean a tenth of an sd off, in one quantity.
        """
        # Each of its two parts is held against half the level, nearly.
        one, n = _level(self.false_alarm, len(self.rows)) / 2, self.replications
        low, high = (stats.chi2.ppf(p, n - 1) for p in (one / 2, 1 - one / 2))
        seen = stats.chi2.cdf(low * _NARROWER**2, n - 1)
        seen += stats.chi2.sf(high * _NARROWER**2, n - 1)
        far = stats.norm.isf(one / 2)
        moved = stats.norm.sf(far - _SHIFT * np.sqrt(n)) + stats.norm.cdf(
            -far - _SHIFT * np.sqrt(n)
        )
        return float(seen), float(moved)

    def sentence(self) -> str:
        """Say what was found, and what could have been."""
        failed = [row.quantity for row in self.rows if row.verdict == "FAIL"]
        found = f"{', '.join(failed)} failed" if failed else "none failed"
        sd, mean = self.power
        return (
            f"{self.verdict}: of {len(self.rows)} quantities over {self.replications:,} data sets, "
            f"{found}. A program without fault fails with probability {self.false_alarm:g} at "
            f"most; a posterior sd a tenth too small is seen with probability {sd:.2g}, a mean a "
            f"tenth of an sd off with {mean:.2g}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything as values that JSON knows."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence(),
            "replications": self.replications,
            "draws": self.draws,
            "false_alarm": self.false_alarm,
            "level": self.level,
            "rows": [row._asdict() for row in self.rows],
        }


def assess(
    rank: Int[np.ndarray, "S Q"],
    draws: int,
    quantities: Sequence[str],
    *,
    seed: int,
    false_alarm: float = FALSE_ALARM,
) -> Calibration:
    """Test the ranks of every quantity.

    Parameters
    ----------
    rank
        Of Q truths in S data sets, from 0 to `draws`.
    draws
        How many draws truths were ranked among.
    quantities
        Their names.
    seed
        Of the numbers that spread ranks over (0, 1).
    false_alarm
        Family-wise, over all tests of all quantities.

    Raises
    ------
    ValueError
        With fewer than two data sets, which have no variance.
    """
    if len(rank) < 2:
        raise ValueError(f"{len(rank)} data sets have no variance: two are the fewest")
    spread = uniforms(rank, draws, np.random.default_rng(seed))
    level = _level(false_alarm, len(quantities))
    rows = tuple(_row(name, u, level) for name, u in zip(quantities, spread.T, strict=True))
    return Calibration(rows, len(rank), draws, false_alarm)


def mean_and_variance(scores: Float[np.ndarray, " S"]) -> float:
    """Return the p-value of mean 0 and variance 1 of normal scores.

    Of a normal sample mean and variance are independent: the smaller of their two p-values counts,
    corrected for being the smaller of two.
    """
    number = len(scores)
    mean = 2 * stats.norm.sf(abs(scores.mean()) * np.sqrt(number))
    total = scores.var(ddof=1) * (number - 1)
    variance = 2 * min(stats.chi2.cdf(total, number - 1), stats.chi2.sf(total, number - 1))
    return float(-np.expm1(2 * np.log1p(-min(mean, variance, 1.0 - 1e-16))))


def chi_square(spread: Float[np.ndarray, " S"]) -> float:
    """Return the p-value of equal counts in bins, of which there are fewer where ranks are few."""
    bins = int(np.clip(len(spread) // _FEWEST_PER_BIN, 2, _MOST_BINS))
    counts = np.histogram(spread, bins, (0.0, 1.0))[0]
    return float(stats.chisquare(counts).pvalue)


def _level(false_alarm: float, quantities: int) -> float:
    return false_alarm / (len(TESTS) * quantities)


def _row(name: str, spread: Float[np.ndarray, " S"], level: float) -> Row:
    scores = stats.norm.ppf(spread)
    tests = (
        mean_and_variance(scores),
        chi_square(spread),
        float(stats.kstest(spread, "uniform").pvalue),
    )
    half, nine_tenths = (_coverage(spread, width) for width in _INTERVALS)
    return Row(
        name,
        float(scores.mean()),
        float(scores.std(ddof=1)),
        *tests,
        *half,
        *nine_tenths,
        "FAIL" if min(tests) < level else "PASS",
    )


def _coverage(spread: Float[np.ndarray, " S"], width: float) -> tuple[float, float, float]:
    inside = int((np.abs(spread - 0.5) < width / 2).sum())
    interval = stats.binomtest(inside, len(spread)).proportion_ci(0.95)
    return inside / len(spread), float(interval.low), float(interval.high)
