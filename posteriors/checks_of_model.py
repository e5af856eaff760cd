"""What a posterior says of the model: whether it suits its data, and on whom the answer hangs."""

from __future__ import annotations

import numpy as np
import xarray as xr

from taskroy.posteriors.gate import CheckLine
from taskroy.posteriors.leave_one_out import leave_one_out
from taskroy.posteriors.predictive_checks import PredictiveCheck, predictive_checks

_NAMED = 5  # workers, by number
#: Share of predictions that have to be as far out as what was seen.
RARE = 0.01


def checks_of_model(posterior: xr.DataTree) -> list[CheckLine]:
    """Return lines of the gate that do not ask whether the draws are the posterior's.

    Posteriors of earlier versions hold less to look at, and give fewer lines.
    """
    lines = []
    if "log_likelihood" in posterior.children:
        lines.append(_leave_one_out(posterior))
    groups = posterior.children
    if "posterior_predictive" in groups and "transition" in groups["posterior_predictive"]:
        lines += [_predictive(check) for check in predictive_checks(posterior)]
    return lines


def _leave_one_out(posterior: xr.DataTree) -> CheckLine:
    """Whether single workers carry the posterior."""
    found = leave_one_out(posterior)
    k = found.pareto_k.to_numpy()
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
        "Look at those careers (numbers count workers of the panel in order, from 0), and fit "
        "without them.",
        of="model",
    )


def _predictive(check: PredictiveCheck) -> CheckLine:
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
        + (', or fitted with state_dependence = "experience".' if mobility else "."),
        of="model",
    )


def _share(p: float) -> str:
    return f"{p:.0%} of predictions" if p >= RARE else "fewer than 1% of predictions"
