"""The table of a calibration, in Markdown: what was found, and all that it depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskroy.benchmarks.calibration_effort import effort


def table(found: Mapping[str, Any]) -> str:
    """Return what was found as Markdown, with everything that it depends on.

    Parameters
    ----------
    found
        As ``calibration.json`` holds it.
    """
    plan, fits, place = found["plan"], found["fits"], found["machine"]
    model, inference, assessed = plan["model"], plan["inference"], found["calibration"]
    variant = ", ".join(f"{k} {v}" for k, v in model.items() if k != "priors")
    priors = "; ".join(f"{k} {_prior(v)}" for k, v in model["priors"].items())
    by = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    columns = ("quantity", "mean", "sd", "mean and variance", "chi-square", "ECDF", "in 50%")
    lines = [
        "# Calibration",
        "",
        "Written by `taskroy calibrate`.",
        "",
        assessed["sentence"],
        "",
        f"* Route `{inference['method']}`; seed {plan['seed']}; {assessed['replications']:,} data "
        f"sets of {plan['workers']} workers and {plan['years']} years, four occupations, two "
        f"tasks; truths ranked among {assessed['draws']} draws.",
        f"* Model: {variant}.",
        f"* Priors, of simulator and fit alike: {priors}.",
        f"* Effort: {effort(plan, fits)}; largest error of the quadrature in log P "
        f"{fits['largest_grid_error']:.1e}.",
        f"* Commit {found['commit']}; {by}; {place['cpu']}, {place['cores']} cores, "
        f"{place['device']}; {found['date']}.",
        "",
        "*Mean* and *sd* are of the truths' normal scores, 0 and 1 where all is right. Tests are "
        f"p-values, and fail below {assessed['level']:.1e}. *In 50%* and *in 90%* are the shares "
        "of truths inside central intervals, with 95% binomial intervals. *Effective* is the "
        "median effective number of the draws ranked against; where it is below about 100, extreme "
        "ranks are a little too frequent by that alone.",
        "",
        _line((*columns, "in 90%", "effective", "verdict")),
        _line(["---"] * (len(columns) + 3)),
    ]
    for row in assessed["rows"]:
        tests = [f"{row[name]:.2g}" for name in ("mean_and_variance", "chi_square", "ecdf")]
        covered = [
            f"{100 * row[name]:.0f}% ({100 * row[f'{name}_low']:.0f} to "
            f"{100 * row[f'{name}_high']:.0f})"
            for name in ("coverage_50", "coverage_90")
        ]
        cells = (row["quantity"], f"{row['mean']:+.3f}", f"{row['sd']:.3f}", *tests)
        effective = f"{fits['effective_draws'][row['quantity']]:.0f}"
        lines.append(_line((*cells, *covered, effective, row["verdict"])))
    return "\n".join(lines) + "\n"


def _prior(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"{value:g}"
    return ", ".join(f"{name} {number:g}" for name, number in value.items())


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
