"""What a posterior says of the model: whether it suits its data, and on whom the answer hangs."""

from __future__ import annotations

import numpy as np
import xarray as xr
from arviz_stats.utils import ELPDData
from scipy.stats import kstest

from taskroy.posteriors.checks_of_priors import checks_of_priors
from taskroy.posteriors.gate import CheckLine
from taskroy.posteriors.leave_one_out import leave_one_out, wage_pit
from taskroy.posteriors.predictive_checks import PredictiveCheck, predictive_checks
from taskroy.posteriors.titles import in_sentence
from taskroy.posteriors.weighable import not_known, why_not_weighable
from taskroy.posteriors.worker_influence import Influence, most_influential

_NAMED = 5  # workers, by number
#: Share of predictions that have to be as far out as what was seen.
RARE = 0.01
_FAR = 0.5  # posterior sds by which a single worker may not move a headline
_OUT = (
    "Look at those careers (numbers count the panel's workers in order of their ids, from 0). To "
    "fit without them give the table a column that is 0 in their rows and 1 in others, and keep "
    "the others: filters = {that_column = [1, 1]} under [panel]."
)


def checks_of_model(posterior: xr.DataTree) -> list[CheckLine]:
    """Return lines of the gate that do not ask whether the draws are the posterior's.

    Posteriors of earlier versions hold less to look at, and give fewer lines.
    """
    lines = []
    if "log_likelihood" in posterior.children:
        if why := why_not_weighable(posterior):
            lines.append(not_known("leave one worker out", "Who carries the posterior", why))
        else:
            lines += _weighed(posterior)
    lines += checks_of_priors(posterior)
    groups = posterior.children
    if "posterior_predictive" in groups and "transition" in groups["posterior_predictive"]:
        known = posterior.attrs.get("model") or {}
        static = known.get("state_dependence", "none") == "none"
        lines += [_predictive(check, static) for check in predictive_checks(posterior)]
    return lines


def _weighed(posterior: xr.DataTree) -> list[CheckLine]:
    """Return what the draws say, weighed as if each worker were left out."""
    found = leave_one_out(posterior)
    lines = [_leave_one_out(found)]
    farthest = most_influential(posterior, found)
    if farthest is not None:
        lines.append(_influence(farthest))
    if "new_worker" in posterior.children:
        lines.append(_wages_of_new_workers(posterior, found))
    return lines


def _leave_one_out(found: ELPDData) -> CheckLine:
    """Whether single workers carry the posterior."""
    # A k-hat that is not a number is no good one.
    k = np.nan_to_num(found.pareto_k.to_numpy(), nan=np.inf)
    influential = np.flatnonzero(k > found.good_k)
    few = influential[np.argsort(-k[influential])][:_NAMED]
    named = f" (number {', '.join(str(worker) for worker in few)})" if len(few) else ""
    return CheckLine(
        "leave one worker out",
        "REVIEW" if len(influential) else "PASS",
        f"{len(influential)} of {len(k)} workers with k-hat above {found.good_k:.2f}{named}; "
        f"expected log density of a new worker's career {found.elpd / len(k):.2f}; effective "
        f"number of parameters {found.p:.1f}",
        "no worker",
        "The posterior without a worker is the posterior weighted by the inverse of the "
        "likelihood of that career (PSIS-LOO). Above the bar a single career moves the "
        "posterior so much that the weights fail.",
        _OUT,
        of="model",
        number=len(influential),
        threshold=0,
    )


def _influence(found: Influence) -> CheckLine:
    """Whether a single worker moves a headline."""
    unknown = f"; not known of {found.unknown} more, whose weights fail" if found.unknown else ""
    return CheckLine(
        "leave one worker out, headlines",
        "PASS" if abs(found.in_sds) < _FAR and not found.unknown else "REVIEW",
        f"without worker number {found.worker}, who counts most, {found.quantity.lower()} "
        f"({in_sentence(found.scenario)}) moves by {100 * found.move:+.2f} points, "
        f"{found.in_sds:+.2f} posterior sds{unknown}",
        f"less than {_FAR} posterior sds",
        "How far the mean of a headline moves if what a worker's career says of the parameters is "
        "left out (PSIS-LOO); he stays among the workers who are counted.",
        _OUT,
        of="model",
        number=found.in_sds,
        threshold=_FAR,
    )


def _wages_of_new_workers(posterior: xr.DataTree, found: ELPDData) -> CheckLine:
    """Whether wages lie where the model, fitted without the worker, expects them (LOO-PIT)."""
    pit = wage_pit(posterior, found).to_numpy()
    p = float(kstest(pit, "uniform").pvalue)
    tails = [float((pit < 0.05).mean()), float((pit > 0.95).mean())]
    return CheckLine(
        "predicts: a new worker's mean log wage",
        "PASS" if p >= RARE else "REVIEW",
        f"{tails[0]:.0%} of workers below and {tails[1]:.0%} above the 90% interval that is "
        f"predicted without them; Kolmogorov-Smirnov p {p:.2g}",
        f"p at least {RARE:g}; 5% on each side",
        "Whether workers' mean log wages lie where the model expects them of others with the same "
        "covariates (LOO-PIT): more in the tails than 5% say that it expects too narrow a spread, "
        "fewer, too wide a one.",
        "The model does not reproduce the spread of wages between workers: widen it by covariates, "
        "or read bands of single workers with care.",
        of="model",
        number=p,
        threshold=RARE,
    )


def _predictive(check: PredictiveCheck, static: bool) -> CheckLine:
    mobility = check.name in ("switching_rate", "transition", "specialist_mobility")
    return CheckLine(
        f"predicts: {check.label}",
        "PASS" if check.p >= RARE else "REVIEW",
        f"observed {check.observed:.2f}; predicted {check.low:.2f} to {check.high:.2f} (90%); "
        f"{_share(check.p)} as far out",
        f"at least {RARE:.0%} as far out",
        "Whether panels simulated from the posterior look like the one that was seen"
        + (
            ", by the distance from predicted means in predicted sds."
            if check.name in ("employment_share", "mean_log_wage", "transition")
            else "."
        ),
        "The model does not reproduce it: what hangs on it is to be read with care"
        + (', or fitted with state_dependence = "experience".' if mobility and static else "."),
        of="model",
        number=check.p,
        threshold=RARE,
    )


def _share(p: float) -> str:
    return f"{p:.0%} of predictions" if p >= RARE else "fewer than 1% of predictions"
