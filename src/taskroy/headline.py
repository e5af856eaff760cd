"""The result of each scenario in two or three sentences, with bands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Estimate:
    """A posterior mean with its band.

    Attributes
    ----------
    mean, low, high
        Shares are fractions of one, changes are in log-wage units.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Headline:
    """Who gains, who loses and by how much, in one scenario.

    Attributes
    ----------
    scenario
        Its name.
    winners, losers
        Shares of workers whose expected log wage rises, falls.
    mean_change
        Mean over workers of the expected change of the log wage.
    interval, level
        Kind and probability of the bands.
    """

    scenario: str
    winners: Estimate
    losers: Estimate
    mean_change: Estimate
    interval: Literal["eti", "hdi"]
    level: float

    def sentences(self) -> str:
        """Say it in words."""

        def share(estimate: Estimate) -> str:
            low, high = 100 * estimate.low, 100 * estimate.high
            return (
                f"{100 * estimate.mean:.0f}% ({100 * self.level:g}% band {low:.0f} to {high:.0f}%)"
            )

        change = self.mean_change
        return (
            f"Scenario '{self.scenario}': the expected wage rises for {share(self.winners)} of the "
            f"workers and falls for {share(self.losers)}. The expected log wage changes by "
            f"{change.mean:+.3f} on average ({100 * self.level:g}% band {change.low:+.3f} to "
            f"{change.high:+.3f})."
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and texts."""
        return asdict(self)


def headlines(
    posterior: xr.DataTree, *, interval: Literal["eti", "hdi"], level: float
) -> list[Headline]:
    """Sum up the group ``counterfactual`` of a posterior.

    Parameters
    ----------
    posterior
        With ``winners``, ``losers`` and ``mean_change`` (scenario, chain, draw).
    interval
        Equal-tailed or of highest density.
    level
        Probability inside a band, in (0, 1).

    Returns
    -------
    list of Headline
        One for each scenario.
    """
    import arviz_stats

    draws = posterior["counterfactual"].to_dataset()[["winners", "losers", "mean_change"]]
    band = getattr(arviz_stats, interval)(draws, prob=level, dim=["chain", "draw"])
    mean = draws.mean(["chain", "draw"])

    def estimate(name: str, scenario: str) -> Estimate:
        ends = band[name].sel(scenario=scenario)
        low, high = (float(ends.sel(ci_bound=end)) for end in ("lower", "upper"))
        return Estimate(float(mean[name].sel(scenario=scenario)), low, high)

    return [
        Headline(
            scenario=scenario,
            winners=estimate("winners", scenario),
            losers=estimate("losers", scenario),
            mean_change=estimate("mean_change", scenario),
            interval=interval,
            level=level,
        )
        for scenario in map(str, draws["scenario"].values)
    ]
