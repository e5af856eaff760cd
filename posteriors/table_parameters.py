"""Tables of prior against posterior: what the data taught, parameter by parameter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr

from taskroy.posteriors.bands import SAMPLE, Band, estimate
from taskroy.posteriors.tables import Column, Table
from taskroy.posteriors.titles import plain_title, titles_of

_MANY_TASKS = 10  # beyond, K(K-1)/2 correlations are too many to read
_LITTLE = 0.9
_PARTLY = 0.5
_WIDER = 1.3  # three standard errors of the ratio of two variances, of 400 draws each
#: Readings that others name.
SILENT, LOUD = "the data say little", "the data say much"
WIDER = "the posterior is wider than the prior"


@dataclass(frozen=True)
class _Parameter:
    symbol: str
    meaning: str
    panel: str  # of the figure; empty for those in the second table only


_PARAMETERS = {
    "wage_shock_scale": _Parameter("ϱ", "Wage shocks, sd", "Scales"),
    "taste_scale": _Parameter("ν", "Taste for occupations, scale", "Scales"),
    "experience_return": _Parameter("Δ", "Return to experience in the occupation", "Scales"),
    "intercept_scale": _Parameter("τ", "Occupation intercepts, sd", "Scales"),
    "amenity_scale": _Parameter("τκ", "Amenities, sd", "Scales"),
    "loading_scale": _Parameter("λ", "Factor loadings, scale", "Scales"),
    "skill_mean": _Parameter("s̄", "Mean skill", "Mean skills"),
    "skill_sd": _Parameter("√Σ", "Skill sd", "Standard deviations of skills"),
    "unique_sd": _Parameter("√D", "Skill sd beside the factors", ""),
    "skill_corr": _Parameter("Corr(s)", "Skill correlation", ""),
    "mean_potential": _Parameter("m̄", "Mean potential log wage", ""),
    "intercept": _Parameter("μ", "Occupation intercept", ""),
    "amenity": _Parameter("κ", "Amenity", ""),
    "coefficient": _Parameter("β", "Coefficient", ""),
}


def parameter_tables(tree: xr.DataTree, band: Band) -> tuple[Table, Table]:
    """Return prior against posterior, for the main parameters and for the others.

    Parameters
    ----------
    tree
        With groups ``posterior`` and ``prior``.
    band
        Kind and level of the intervals.

    Returns
    -------
    tuple of Table
        Scales and skills; and parameters of occupations, correlations and covariates. R̂ is empty
        where there is but one chain.
    """
    posterior, prior, read = _compared(tree)
    several = posterior.sizes["chain"] > 1
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 of constants: not a number
        rhat = (
            arviz_stats.rhat(posterior, sample_dims=SAMPLE) if several else np.full(len(read), None)
        )
    frame = read.assign(
        label=[label.partition(": ")[2] or label for label in read["parameter"]],
        **estimate("posterior", posterior, band),
        **estimate("prior", prior, band),
        rhat=np.asarray(rhat, dtype=float),
        ess_bulk=np.asarray(_size(posterior, "bulk")),
        ess_tail=np.asarray(_size(posterior, "tail")),
        panel=[_PARAMETERS[name].panel for name in read["name"]],
    )
    columns = (
        Column("parameter", "Parameter"),
        Column("posterior", "Posterior mean [band]", "number", band=True),
        Column("prior", "Prior mean [band]", "number", band=True),
        Column("variance_ratio", "Variance, posterior / prior", "ratio"),
        Column("reading", "In words"),
        Column("rhat", "R̂", "rhat"),
        Column("ess_bulk", "Bulk ESS", "count"),
        Column("ess_tail", "Tail ESS", "count"),
    )
    notes = (
        "Skills, intercepts, amenities and scales are in log-wage units.",
        "A ratio of 1 means that the data taught nothing: what is concluded from that parameter "
        "comes from the prior. One above 1 means that the data made it less sure: they lie where "
        "the prior did not expect them.",
        *(() if several else ("R̂ compares chains and says nothing about a single one: “–”.",)),
    )
    main = frame["panel"] != ""
    weights = "none (parameters of the model)"
    return (
        Table(
            "parameters",
            f"Prior and posterior of the main parameters, with {band.name}s",
            weights,
            frame[main].reset_index(drop=True),
            columns,
            notes,
        ),
        Table(
            "further-parameters",
            f"Prior and posterior of the other parameters, with {band.name}s",
            weights,
            frame[~main].reset_index(drop=True),
            columns,
            notes,
        ),
    )


def readings(tree: xr.DataTree) -> pd.DataFrame:
    """Return what the data say of every parameter.

    Parameters
    ----------
    tree
        With groups ``posterior``, ``prior`` and ``constant_data``.

    Returns
    -------
    pandas.DataFrame
        A row for each number: ``name`` of its variable, ``parameter`` in words,
        ``variance_ratio`` of posterior over prior, and ``reading``, among `SILENT` and `WIDER`,
        others that may begin as `LOUD` does, and a dash of what the model fixes.
    """
    return _compared(tree)[2]


def _compared(tree: xr.DataTree) -> tuple[xr.DataArray, xr.DataArray, pd.DataFrame]:
    """Return draws of posterior and prior, parameter by parameter, and their readings."""
    labels, posterior = _stacked(tree["posterior"].to_dataset(), tree)
    prior_labels, prior = _stacked(tree["prior"].to_dataset(), tree)
    keys = [(name, index) for name, index, _ in labels]
    known = {(name, index): i for i, (name, index, _) in enumerate(prior_labels)}
    prior = prior.reindex(parameter=[known.get(key, -1) for key in keys])
    mean, ends = posterior.mean(SAMPLE), prior.quantile([0.005, 0.995], SAMPLE)
    ratio = (posterior.var(SAMPLE, ddof=1) / prior.var(SAMPLE, ddof=1)).to_numpy()
    outside = ((mean < ends[0]) | (mean > ends[1])).to_numpy()
    read = pd.DataFrame(
        {
            "name": [name for name, _, _ in labels],
            "parameter": [label for _, _, label in labels],
            "variance_ratio": ratio,
            "reading": [_reading(r, beyond=o) for r, o in zip(ratio, outside, strict=True)],
        }
    )
    return posterior, prior, read


def _reading(ratio: float, *, beyond: bool) -> str:
    """Say what a ratio of variances means; where the mean has left the prior, that first."""
    if not np.isfinite(ratio):
        return "–"
    narrowed = "the data say something" if ratio > _PARTLY else LOUD
    if beyond:
        far = "the result lies beyond what the prior expected"
        if ratio > _WIDER:
            return f"{far}, and is less sure than the prior"
        return f"{far}, and is no surer" if ratio > _LITTLE else f"{narrowed}; {far}"
    if ratio > _WIDER:
        return WIDER
    return SILENT if ratio > _LITTLE else narrowed


def _size(draws: xr.DataArray, method: str) -> xr.DataArray:
    result: xr.DataArray = arviz_stats.ess(draws, sample_dims=SAMPLE, method=method)
    return result


def _stacked(
    group: xr.Dataset, tree: xr.DataTree
) -> tuple[list[tuple[str, tuple[int, ...], str]], xr.DataArray]:
    """Return labels and draws of every parameter, (chain, draw, parameter)."""
    occupations = titles_of(tree)
    labels, draws = [], []
    for name, about in _PARAMETERS.items():
        if name not in group:
            continue
        variable = group[name].transpose(*SAMPLE, ...)
        for index in _entries(name, variable.shape[2:]):
            of = ", ".join(
                occupations[i] if dim == "occupation" else plain_title(variable[dim].to_numpy()[i])
                for dim, i in zip(variable.dims[2:], index, strict=True)
            )
            label = f"{about.meaning} ({about.symbol})"
            labels.append((name, index, f"{label}: {of}" if of else label))
            draws.append(variable[dict(zip(variable.dims[2:], index, strict=True))].to_numpy())
    stacked = xr.DataArray(
        np.stack(draws, axis=-1),
        dims=(*SAMPLE, "parameter"),
        coords={"parameter": np.arange(len(draws))},
    )
    return labels, stacked


def _entries(name: str, shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if name != "skill_corr":
        yield from np.ndindex(*shape)
    elif shape[0] <= _MANY_TASKS:
        yield from ((i, j) for i in range(shape[0]) for j in range(i + 1, shape[1]))
