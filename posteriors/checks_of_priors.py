"""What a posterior says of its priors: whether they count, what data added, what they expected."""

from __future__ import annotations

import numpy as np
import xarray as xr

from taskroy.posteriors.gate import CheckLine
from taskroy.posteriors.power_scaling import has_densities
from taskroy.posteriors.table_parameters import LOUD, SILENT, WIDER, readings
from taskroy.posteriors.table_power_scaling import CONFLICT, PRIOR, power_scaling_table
from taskroy.posteriors.weighable import not_known, why_not_weighable

_POWER_SCALING = "priors against data"
_NAMED = 5  # skill sds, in words
_ENDS = 0.005, 0.995  # of the range in which a prior expects a panel


def checks_of_priors(posterior: xr.DataTree) -> list[CheckLine]:
    """Return lines of the gate that ask of the priors.

    Parameters
    ----------
    posterior
        A tree; what it lacks gives no line.
    """
    groups = set(posterior.children)
    lines = []
    if has_densities(posterior):
        why = why_not_weighable(posterior)
        lines.append(
            not_known(_POWER_SCALING, "Which prior counts", why)
            if why
            else _power_scaling(posterior)
        )
    if {"prior", "constant_data"} <= groups:
        lines.append(_informed(posterior))
    if {"prior_predictive", "observed_data"} <= groups:
        lines += _expected(posterior)
    return lines


def _power_scaling(posterior: xr.DataTree) -> CheckLine:
    """Whether a prior counts."""
    table = power_scaling_table(posterior)
    told = []
    for reading, words in ((CONFLICT, "prior and data both pull at"), (PRIOR, "a prior pulls at")):
        rows = table.frame[table.frame["reading"] == reading]
        if len(rows):
            named = (f"{row['quantity']} ({row['most']})" for _, row in rows.iterrows())
            told.append(f"{words} {', '.join(named)}")
    return CheckLine(
        _POWER_SCALING,
        "REVIEW" if told else "PASS",
        "; ".join(told) or f"no prior counts for any of {len(table.frame)} quantities",
        "no prior counts",
        "A prior pulls where weighting it by a hundredth more moves a parameter or a headline "
        "(power scaling); where the likelihood does, too, prior and data may be in conflict.",
        "Compare prior and posterior; say why the prior is what it is, or widen it.",
        of="model",
    )


def _informed(posterior: xr.DataTree) -> CheckLine:
    """Whether the data say anything of skill sds, on which who gains and loses hangs."""
    read = readings(posterior)
    read = read[np.isfinite(read["variance_ratio"])]
    informed = int(read["reading"].str.startswith(LOUD).sum())
    sds = read[(read["name"] == "skill_sd") & ~read["reading"].str.startswith(LOUD)]
    least = [
        f"{row['parameter'].partition(': ')[2]} ({row['variance_ratio']:.2f})"
        for _, row in sds.sort_values("variance_ratio", ascending=False).iterrows()
    ]
    more = f" and {len(least) - _NAMED} more" if len(least) > _NAMED else ""
    return CheckLine(
        "posterior against prior",
        "REVIEW" if sds["reading"].isin([SILENT, WIDER]).any() else "PASS",
        f"the data say much of {informed} of {len(read)} parameters"
        + (f"; less of the skill sds of {', '.join(least[:_NAMED])}{more}" if least else ""),
        "the data say something of every skill sd",
        "The data say much of a parameter whose posterior variance is at most half that of its "
        "prior, or that lies beyond what the prior expected, and little where nine tenths are left "
        "(in brackets: what is left). What is concluded from these comes from the prior.",
        "Say why the prior is what it is; fewer tasks, or factors, leave less to the prior.",
        of="model",
    )


def _expected(posterior: xr.DataTree) -> list[CheckLine]:
    """Whether the prior expects panels such as the one that was seen."""
    seen = posterior["observed_data"].to_dataset()
    drawn = posterior["prior_predictive"].to_dataset()
    compared = {
        "sd of log wages": (seen["log_wage_sd"], drawn["log_wage_sd"]),
        "share who stay": (1 - seen["switching_rate"], 1 - drawn["switching_rate"]),
    }
    told, outside = [], False
    for what, (one, many) in compared.items():
        values = many.to_numpy()[np.isfinite(many.to_numpy())]
        if not values.size or not np.isfinite(float(one)):
            continue  # nobody was seen twice
        low, high = np.quantile(values, _ENDS)
        outside |= not low <= float(one) <= high
        told.append(f"{what} {float(one):.2f}, expected {low:.2f} to {high:.2f}")
    if not told:
        return []
    return [
        CheckLine(
            "prior predictive",
            "REVIEW" if outside else "PASS",
            "; ".join(told),
            "within 99% of what the prior expects",
            "Whether panels simulated from the prior, before any data, are at times like the one "
            "that was seen. A prior that rules the data out has to be overcome by them.",
            "Move or widen the priors of scales under [model.priors], or check units and "
            "occupation codes of the panel.",
            of="model",
        )
    ]
