"""The gate: what must hold before a posterior's bands may be read.

Each line has a number, the bar it is held to, what it means and what to do; the verdict is that of
the worst line on the draws. Bars are those of quality: R̂ ≤ 1.01, bulk and tail ESS ≥ 400 and ≥ 100
a chain, no divergences, E-BFMI ≥ 0.3, PSIS k̂ ≤ 0.7 (Vehtari et al. 2021, 2024; Betancourt 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import arviz_stats
import numpy as np
import xarray as xr

from taskroy.inference.importance_resampling import (
    LARGEST_PARETO_K,
    smoothed_weights,
)
from taskroy.posteriors.checks_of_model import checks_of_model
from taskroy.posteriors.gate import CheckLine, Gate, Status

RHAT = 1.01
ESS = 400
ESS_PER_CHAIN = 100
BFMI = 0.3
GRID_ERROR = 1e-4
LARGEST_SHIFT = 0.3
_HEADLINES = ("mean_change", "winners", "log_wage_change")
_SKILLS = "skill"


def check(posterior: xr.DataTree) -> Gate:
    """Check a posterior tree; counterfactual headlines too, where there are any."""
    lines = [_quadrature(posterior)]
    if "skill_pareto_k" in posterior["sample_stats"]:
        lines.append(_laplace(posterior["sample_stats"].to_dataset()))
    if posterior.attrs["method"] == "svi":
        return Gate((*lines, *_variational(posterior), *checks_of_model(posterior)))
    if "laplace" in posterior.children:
        lines.append(_laplace_shift(posterior))
    if posterior.attrs["method"] == "simulated-mle":
        lines.append(_point_estimate(posterior))
        return Gate(tuple(lines))
    draws = posterior["posterior"].to_dataset()
    lines += _convergence(draws.drop_vars(_SKILLS), "parameters", "FAIL")
    lines += _convergence(draws[[_SKILLS]], "workers' skills", "REVIEW")
    if "counterfactual" in posterior.children:
        headlines = posterior["counterfactual"].to_dataset()[list(_HEADLINES)]
        lines += _convergence(headlines, "counterfactual headlines", "FAIL")
    return Gate((*lines, *_sampler(posterior), *checks_of_model(posterior)))


def _convergence(draws: xr.Dataset, what: str, worst: Status) -> list[CheckLine]:
    """R̂ and ESS of every number in `draws`, judged by the worst of them."""
    chains, count = draws.sizes["chain"], draws.sizes["draw"]
    ess_bar = max(ESS, ESS_PER_CHAIN * chains)
    # The R-hat of a constant, such as the diagonal of a correlation matrix, is 0/0: not a number.
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat, place = _extreme(arviz_stats.rhat(draws), np.nanmax)
    lines = [
        CheckLine(
            f"R-hat, {what}",
            "PASS" if rhat <= RHAT else worst,
            f"{rhat:.4f} ({place})",
            f"at most {RHAT}",
            "Chains that started apart agree: above the bar they have not all found the same "
            "posterior.",
            "Run longer (warmup, draws); if it stays, look at the parameter named.",
        )
    ]
    if chains == 1:
        lines[0] = CheckLine(
            f"R-hat, {what}",
            worst,
            "one chain",
            f"at most {RHAT} over several chains",
            "One chain cannot show that it has found the posterior.",
            "Run at least four chains.",
        )
    for method in ("bulk", "tail"):
        ess, place = _extreme(arviz_stats.ess(draws, method=method), np.nanmin)
        lines.append(
            CheckLine(
                f"{method} ESS, {what}",
                "PASS" if ess >= ess_bar else worst,
                f"{ess:.0f} of {chains * count} draws ({place})",
                f"at least {ess_bar}",
                "Effective number of independent draws for "
                + ("means" if method == "bulk" else "the ends of bands")
                + ": below the bar reported digits are noise.",
                _more_draws(ess, ess_bar),
            )
        )
    return lines


def _more_draws(effective: float, wanted: float) -> str:
    times = np.ceil(wanted / max(effective, 1.0))
    return f"Draw about {times:.0f} times as many." if times > 1 else "Draw more."


def _extreme(values: xr.Dataset, pick: Callable[[Any], Any]) -> tuple[float, str]:
    """Return the worst number of a dataset of diagnostics, and the name of its variable."""
    worst = {name: float(pick(v.to_numpy())) for name, v in values.items() if _varies(v)}
    if not worst:
        return float("nan"), "nothing varies"
    target = float(pick(list(worst.values())))
    return target, str(next(name for name, value in worst.items() if value == target))


def _varies(values: xr.DataArray) -> bool:
    """Tell diagnostics from the NaN of a constant, such as the diagonal of a correlation."""
    return bool(np.isfinite(values.to_numpy()).any())


def _sampler(posterior: xr.DataTree) -> list[CheckLine]:
    statistics = posterior["sample_stats"].to_dataset()
    divergences = int(statistics["diverging"].sum())
    bfmi = float(np.min(_bfmi(statistics["energy"].to_numpy())))
    limit = posterior.attrs["inference"]["max_tree_depth"]
    capped = float((statistics["tree_depth"] >= limit).mean())
    return [
        CheckLine(
            "divergences",
            "PASS" if divergences == 0 else "FAIL",
            str(divergences),
            "0",
            "A divergence is a place that the sampler could not follow, so did not explore.",
            "Raise target_accept (0.9, 0.95); if it stays, the model strains against the data.",
        ),
        CheckLine(
            "E-BFMI",
            "PASS" if bfmi >= BFMI else "REVIEW",
            f"{bfmi:.2f}",
            f"at least {BFMI}",
            "Low values mean heavy tails that chains cross slowly.",
            "Run a longer warm-up.",
        ),
        CheckLine(
            "tree depth",
            "PASS" if capped == 0 else "REVIEW",
            f"{100 * capped:.1f}% of draws at the cap of {limit}",
            "none",
            "Capped draws are right but move little.",
            "Raise max_tree_depth or run a longer warm-up.",
        ),
    ]


def _bfmi(energy: np.ndarray) -> np.ndarray:
    """Return E-BFMI by chain: mean squared change of energy over its variance."""
    return np.asarray(np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1))


def _quadrature(posterior: xr.DataTree) -> CheckLine:
    error = float(posterior.attrs["grid"]["summed_error"])
    return CheckLine(
        "quadrature",
        "PASS" if abs(error) <= 100 * GRID_ERROR else "REVIEW",
        f"{error:.1e} in the log-likelihood; at most "
        f"{posterior.attrs['grid']['largest_error']:.1e} in a worker-year",
        f"{100 * GRID_ERROR:g} in all",
        "Numerical error of the choice probabilities, measured against the ten-digit reference at "
        "eight draws from the smallest to the largest ν: the largest of them.",
        "Fit again with a tenth of the tolerance under [inference].",
    )


def _laplace(statistics: xr.Dataset) -> CheckLine:
    bad = int((statistics["skill_pareto_k"] > LARGEST_PARETO_K).sum())
    return CheckLine(
        "Laplace's method",
        "PASS" if bad == 0 else "REVIEW",
        f"{bad} workers with k-hat above {LARGEST_PARETO_K}; smallest relative effective size "
        f"{float(statistics['skill_relative_ess'].min()):.2f}; error of the log-likelihood "
        f"{float(statistics['laplace_error'].sum()):.2f} in all",
        "no worker",
        "Integrating skills out takes each worker's posterior for a Gaussian; k-hat says where it "
        "is not one. Skills are drawn by importance resampling all the same.",
        'Use method = "nuts", which has no such error.',
    )


def _laplace_shift(posterior: xr.DataTree) -> CheckLine:
    """How far means would move if draws were weighted by what Laplace's method misses."""
    correction = posterior["laplace"]["log_correction"]
    weights = smoothed_weights(correction.to_numpy())
    draws = posterior["posterior"].to_dataset().drop_vars(_SKILLS)
    draws = draws.isel(draw=correction["draw"].to_numpy()).drop_vars("draw", errors="ignore")
    weight = xr.DataArray(weights.weight.reshape(correction.shape), dims=correction.dims)
    sample = ("chain", "draw")
    sd = draws.std(sample)
    # What is known, such as the diagonal of a correlation, has no sd.
    shift = abs((draws * weight).sum(sample) - draws.mean(sample)) / sd.where(sd > 1e-9)
    far, place = _extreme(shift, np.nanmax)
    return CheckLine(
        "Laplace's method, means",
        "PASS" if far <= LARGEST_SHIFT and weights.reliable else "REVIEW",
        f"{far:.2f} posterior sds ({place}); k-hat of the correction {weights.pareto_k:.2f}",
        f"at most {LARGEST_SHIFT}",
        "How far the mean of a parameter moves if draws are weighted by the likelihood over that "
        "of Laplace's method, estimated with proposals of skills that all draws share.",
        'Use method = "nuts", which has no such error, or "svi", which corrects it.',
    )


def _variational(posterior: xr.DataTree) -> list[CheckLine]:
    weights = smoothed_weights(posterior["sample_stats"]["log_weight"].to_numpy())
    shape = CheckLine(
        "SVI, PSIS k-hat",
        "PASS" if weights.reliable else "REVIEW",
        f"{weights.pareto_k:.2f}",
        f"at most {LARGEST_PARETO_K}",
        "How far the approximation is from the posterior, over all parameters at once. Below the "
        "bar its draws were resampled by importance, which takes off most of the distance; above "
        "it its bands are not to be trusted: they are often too narrow.",
        'Use method = "nuts" for answers; SVI is for a first look.',
    )
    if not weights.reliable:
        return [shape]
    effective = CheckLine(
        "SVI, effective draws",
        "PASS" if weights.effective >= ESS else "REVIEW",
        f"{weights.effective:.0f} of {weights.weight.size}",
        f"at least {ESS}",
        "Number of independent draws that the resampled ones are worth: below the bar reported "
        "digits are noise.",
        _more_draws(weights.effective, ESS),
    )
    return [shape, effective]


def _point_estimate(posterior: xr.DataTree) -> CheckLine:
    draws = posterior.attrs["inference"]["simulation_draws"]
    return CheckLine(
        "simulated maximum likelihood",
        "FAIL",
        f"a point estimate, from {draws} simulation draws a worker",
        "a posterior",
        "A point has no band: it does not say how sure we are of anything. And the log of a "
        "simulated likelihood is biased downwards, by an amount that depends on the parameters, "
        "so the estimates are biased too.",
        'Use method = "nuts" for answers; this method is a baseline to compare with.',
    )
