"""The gate: what must hold before a posterior's bands may be read.

Each line has a number, the bar it is held to, what it means and what to do; the verdict is that of
the worst line on the draws. Bars are those of quality: R̂ ≤ 1.01, bulk and tail ESS ≥ 400 and ≥ 100
a chain, no divergences, E-BFMI ≥ 0.3, PSIS k̂ ≤ 0.7 (Vehtari et al. 2021, 2024; Betancourt 2017).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from taskroy.inference.importance_resampling import (
    LARGEST_PARETO_K,
    smoothed_weights,
)
from taskroy.posteriors.checks_of_model import checks_of_model
from taskroy.posteriors.constants import constants_of_model, that_never_vary
from taskroy.posteriors.convergence import ESS, convergence, more_draws, worst_of
from taskroy.posteriors.gate import CheckLine, Gate, Status

BFMI = 0.3
GRID_ERROR = 1e-4
#: Of the log-likelihood: draws are weighted wrongly by a factor of e, and by more where it varies.
USELESS_GRID_ERROR = 1.0
LARGEST_SHIFT = 0.3
#: In posterior sds: bands are then not where the posterior is.
USELESS_SHIFT = 1.0
#: Above it importance weights have no finite mean (Vehtari et al. 2024).
USELESS_PARETO_K = 1.0
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
    draws, constant = posterior["posterior"].to_dataset(), constants_of_model(posterior)
    lines += convergence(draws.drop_vars(_SKILLS), constant, "parameters", "FAIL")
    lines += convergence(draws[[_SKILLS]], constant, "workers' skills", "REVIEW")
    if "counterfactual" in posterior.children:
        headlines = posterior["counterfactual"].to_dataset()[list(_HEADLINES)]
        # No worker may lose in any draw, and nothing may change where nothing is automated.
        same = that_never_vary(headlines)
        lines += convergence(headlines, same, "counterfactual headlines", "FAIL")
    return Gate((*lines, *_sampler(posterior), *checks_of_model(posterior)))


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
            number=divergences,
            threshold=0,
        ),
        CheckLine(
            "E-BFMI",
            "PASS" if bfmi >= BFMI else "REVIEW",
            f"{bfmi:.2f}",
            f"at least {BFMI}",
            "Low values mean heavy tails that chains cross slowly.",
            "Run a longer warm-up.",
            number=bfmi,
            threshold=BFMI,
        ),
        CheckLine(
            "tree depth",
            "PASS" if capped == 0 else "REVIEW",
            f"{100 * capped:.1f}% of draws at the cap of {limit}",
            "none",
            "Capped draws are right but move little.",
            "Raise max_tree_depth or run a longer warm-up.",
            number=capped,
            threshold=0,
        ),
    ]


def _bfmi(energy: np.ndarray) -> np.ndarray:
    """Return E-BFMI by chain: mean squared change of energy over its variance."""
    return np.asarray(np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1))


def _graded(value: float, passes: float, useless: float) -> Status:
    """Pass up to one bar, fail above the other; what is not a number fails."""
    if value <= passes:
        return "PASS"
    return "REVIEW" if value <= useless else "FAIL"


def _quadrature(posterior: xr.DataTree) -> CheckLine:
    error = float(posterior.attrs["grid"]["summed_error"])
    return CheckLine(
        "quadrature",
        _graded(abs(error), 100 * GRID_ERROR, np.nextafter(USELESS_GRID_ERROR, 0)),
        f"{error:.1e} in the log-likelihood; at most "
        f"{posterior.attrs['grid']['largest_error']:.1e} in a worker-year",
        f"{100 * GRID_ERROR:g} in all; {USELESS_GRID_ERROR:g} and more fails",
        "Numerical error of the choice probabilities, measured against the ten-digit reference at "
        "eight draws from the smallest to the largest ν: the largest of them. One of a log unit "
        "weighs draws wrongly by a factor of e: they are not the posterior's.",
        "Fit again with a tenth of the tolerance under [inference].",
        number=error,
        threshold=100 * GRID_ERROR,
    )


def _laplace(statistics: xr.Dataset) -> CheckLine:
    # A k-hat that is not a number says nothing good, nor do weights that are not.
    bad = int((~(statistics["skill_pareto_k"] <= LARGEST_PARETO_K)).sum())
    return CheckLine(
        "Laplace's method",
        "PASS" if bad == 0 else "REVIEW",
        f"{bad} workers with k-hat above {LARGEST_PARETO_K} or none; smallest relative effective "
        f"size {np.min(statistics['skill_relative_ess'].to_numpy()):.2f}; error of the "
        f"log-likelihood {np.sum(statistics['laplace_error'].to_numpy()):.2f} in all",
        "no worker",
        "Integrating skills out takes each worker's posterior for a Gaussian; k-hat says where it "
        "is not one. Skills are drawn by importance resampling all the same.",
        'Use method = "nuts", which has no such error.',
        number=bad,
        threshold=0,
    )


def _laplace_shift(posterior: xr.DataTree) -> CheckLine:
    """How far means would move if draws were weighted by what Laplace's method misses."""
    correction = posterior["laplace"]["log_correction"]
    weights = smoothed_weights(correction.to_numpy())
    draws = posterior["posterior"].to_dataset().drop_vars(_SKILLS)
    draws = draws.isel(draw=correction["draw"].to_numpy()).drop_vars("draw", errors="ignore")
    weight = xr.DataArray(weights.weight.reshape(correction.shape), dims=correction.dims)
    sample = ("chain", "draw")
    move = (draws * weight).sum(sample, skipna=False) - draws.mean(sample, skipna=False)
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 of what the model fixes
        shift = abs(move) / draws.std(sample, skipna=False)
    far = worst_of(shift, constants_of_model(posterior), np.max)
    # One bar's far side is in doubt where the weights are.
    graded = _graded(far.value, LARGEST_SHIFT if weights.reliable else -np.inf, USELESS_SHIFT)
    return CheckLine(
        "Laplace's method, means",
        "FAIL" if far.unknown else graded,
        far.told(f"{far.value:.2f} posterior sds")
        + f"; k-hat of the correction {weights.pareto_k:.2f}",
        f"at most {LARGEST_SHIFT}; above {USELESS_SHIFT:g} fails",
        "How far the mean of a parameter moves if draws are weighted by the likelihood over that "
        "of Laplace's method, estimated with proposals of skills that all draws share. By more "
        "than a posterior sd bands lie beside the posterior.",
        'Use method = "nuts", which has no such error, or "svi", which corrects it.',
        number=far.value,
        threshold=LARGEST_SHIFT,
    )


def _variational(posterior: xr.DataTree) -> list[CheckLine]:
    weights = smoothed_weights(posterior["sample_stats"]["log_weight"].to_numpy())
    shape = CheckLine(
        "SVI, PSIS k-hat",
        _graded(weights.pareto_k, LARGEST_PARETO_K, USELESS_PARETO_K),
        f"{weights.pareto_k:.2f}",
        f"at most {LARGEST_PARETO_K}; above {USELESS_PARETO_K:g} fails",
        "How far the approximation is from the posterior, over all parameters at once. Below the "
        "bar its draws were resampled by importance, which takes off most of the distance; above "
        "it its bands are not to be trusted: they are often too narrow. Above "
        f"{USELESS_PARETO_K:g} importance weights have no finite mean (Vehtari et al. 2024): "
        "nothing ties these draws to the posterior.",
        'Use method = "nuts" for answers; SVI is for a first look.',
        number=weights.pareto_k,
        threshold=LARGEST_PARETO_K,
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
        more_draws(weights.effective, ESS),
        number=weights.effective,
        threshold=ESS,
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
