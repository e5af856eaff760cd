"""Power scaling: how far results move when a prior or the likelihood counts a little more.

The posterior is proportional to likelihood^a · prior^b; its draws are weighted for exponents of
0.99 and 1.01, without a new fit, and the distance between the two distributions of a quantity is
its sensitivity (Kallioinen, Paananen, Bürkner and Vehtari 2024, as in ``arviz_stats.psense``).
Above 0.05 a prior is informative; a likelihood below 0.05 says little.

Only priors that hang on nothing else are scaled. Raising the density of amenities, say, given
their spread would change the prior of that spread as well, and every result would seem to move. Of
levels, that is the prior of mean skills s̄ itself, not of s̄ given mean potential wages.
"""

from __future__ import annotations

from collections.abc import Mapping

import arviz_stats
import numpy as np
import pandas as pd
import xarray as xr
from numpyro import distributions as dist

from taskroy.posteriors.bands import SAMPLE
from taskroy.posteriors.groups_of_some_draws import CAREER

#: Sensitivity from which a prior is informative, and below which a likelihood says little.
THRESHOLD = 0.05
#: A sensitivity counts where it is this many times what shuffled densities give.
OVER_NOISE = 2.0
_SHUFFLES = 3
LIKELIHOOD, PRIORS = "likelihood", "all priors"
#: Blocks of priors, and the sites whose densities are theirs.
BLOCKS: Mapping[str, tuple[str, ...]] = {
    "taste scale": ("taste_scale",),
    "wage shock scale": ("wage_shock_scale",),
    "return to experience": ("experience_return",),
    "mean skills": ("skill_mean",),
    "spread of intercepts": ("intercept_scale",),
    "spread of amenities": ("amenity_scale",),
    "skill sds": ("skill_sd", "unique_sd"),
    "skill correlations": (
        "skill_corr_cholesky",
        "loading_triangle",
        "loading_rest",
        "loading_scale",
        *("loading", "loading_pivot"),  # of fits by earlier versions
    ),
    "coefficients": ("coefficient",),
}
_PARAMETERS = {
    "taste_scale": "Taste scale ν",
    "wage_shock_scale": "Wage shock scale ϱ",
    "experience_return": "Return to experience Δ",
    "skill_mean": "Mean skills s̄",
    "skill_sd": "Skill sds",
    "intercept_scale": "Spread of intercepts τ",
    "amenity_scale": "Spread of amenities",
    "coefficient": "Coefficients β",
}
_HEADLINES = {"winners": "Share of workers who gain", "mean_change": "Mean change"}


def has_densities(posterior: xr.DataTree) -> bool:
    """Tell whether a posterior holds the log densities that power scaling needs."""
    return {"log_prior", "log_likelihood"} <= set(posterior.children)


def power_scaling(posterior: xr.DataTree) -> pd.DataFrame:
    """Return the sensitivities of headlines and parameters to each block.

    Parameters
    ----------
    posterior
        With groups ``log_prior`` and ``log_likelihood``, and ``counterfactual`` where headlines are
        asked for.

    Returns
    -------
    pandas.DataFrame
        A row for each quantity and block: ``key`` and ``scenario`` (empty for parameters; of a
        parameter with several elements, the one that moves most), ``quantity`` in words, ``block``
        (one of `BLOCKS`, ``all priors`` or ``likelihood``), ``sensitivity``, and ``noise``, what
        densities shuffled among the draws give of it: the draws are few, and the largest of many
        elements is larger than one of them.
    """
    blocks = _block_densities(posterior)
    quantities = _quantities(posterior, next(iter(blocks.values())))
    found = [
        _sensitivities(quantities, density).assign(block=name) for name, density in blocks.items()
    ]
    return pd.concat(found, ignore_index=True)


def _sensitivities(quantities: xr.Dataset, density: xr.DataArray) -> pd.DataFrame:
    """Return a row for each quantity, by one block's log density (chain, draw)."""
    value, noise = _psense(quantities, density), _noise(quantities, density)
    return pd.DataFrame(
        [
            {**quantities[k].attrs, "sensitivity": sensitivity, "noise": noise[k]}
            for k, sensitivity in value.items()
        ]
    )


def _noise(quantities: xr.Dataset, density: xr.DataArray) -> dict[str, float]:
    """Return what a density that no quantity depends on gives: of several elements, the largest.

    Of single numbers it is that of the weights, much the same for each: averaged over them.
    """
    rng, values = np.random.default_rng(0), density.to_numpy()
    shuffled = (density.copy(data=rng.permuted(values)) for _ in range(_SHUFFLES))
    found = [_psense(quantities, one) for one in shuffled]
    noise = {k: float(np.mean([one[k] for one in found])) for k in found[0]}
    single = [
        str(k) for k, v in quantities.items() if set(v.dims) == set(SAMPLE) and float(v.std()) > 0
    ]
    average = float(np.mean([noise[k] for k in single])) if single else 0.0
    return noise | dict.fromkeys(single, average)


def _psense(quantities: xr.Dataset, density: xr.DataArray) -> dict[str, float]:
    """Return each quantity's sensitivity; of one with several elements, the largest."""
    # What never varies depends on nothing, and has no distance to divide by.
    varies = [str(k) for k, v in quantities.items() if float(v.std(SAMPLE).max()) > 0]
    tree = xr.DataTree.from_dict(
        {"posterior": quantities[varies], "log_prior": xr.Dataset({"block": density})}
    )
    found = arviz_stats.psense(tree, group="prior", sample_dims=SAMPLE)
    return {str(k): float(found[k].max()) if k in varies else 0.0 for k in quantities}


def _block_densities(posterior: xr.DataTree) -> dict[str, xr.DataArray]:
    prior = posterior["log_prior"].to_dataset()
    if "mean_potential" in prior:
        prior["skill_mean"] = _mean_skills_density(posterior, prior)
    blocks = {
        name: sum((prior[k] for k in sites if k in prior), xr.zeros_like(prior["taste_scale"]))
        for name, sites in BLOCKS.items()
        if any(k in prior for k in sites)
    }
    likelihood = posterior["log_likelihood"].to_dataset()[CAREER].sum("worker")
    return {
        LIKELIHOOD: likelihood,
        PRIORS: sum(blocks.values(), xr.zeros_like(likelihood)),
        **blocks,
    }


def _mean_skills_density(posterior: xr.DataTree, prior: xr.Dataset) -> xr.DataArray:
    """Return log N(s̄; centre, sd²): under pooled intercepts the site's density is that given m̄."""
    observed = posterior["observed_data"].to_dataset()
    known = posterior["constant_data"].to_dataset()["known_intercept"]
    wage_level = (observed["employment_share"] * observed["mean_log_wage"]).sum()
    sd = posterior.attrs["model"]["priors"]["skill_mean"]["sd"]
    mean = _at(posterior["posterior"].to_dataset()[["skill_mean"]], prior)["skill_mean"]
    density = dist.Normal(float(wage_level - known.mean()), sd).log_prob(mean.to_numpy())
    return mean.copy(data=np.asarray(density)).sum("task")


def headlines_at(posterior: xr.DataTree, some: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Return the headlines of every scenario at the draws that `some` are of.

    Parameters
    ----------
    posterior
        A tree.
    some
        With coordinates ``chain`` and ``draw``.

    Returns
    -------
    Dataset
        A variable (chain, draw) for each headline and scenario, with the attributes ``key``,
        ``scenario`` and ``quantity`` (in words). None where there is no group ``counterfactual``.
    """
    if "counterfactual" not in posterior.children:
        return xr.Dataset()
    headlines = _at(posterior["counterfactual"].to_dataset()[list(_HEADLINES)], some)
    found = {}
    for place, scenario in enumerate(headlines["scenario"].to_numpy()):
        for key, quantity in _HEADLINES.items():
            values = headlines[key].isel(scenario=place).drop_vars("scenario")
            found[f"{key}_{place}"] = values.assign_attrs(
                key=key, scenario=str(scenario), quantity=quantity
            )
    return xr.Dataset(found)


def _at(draws: xr.Dataset, some: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Return those of all draws that `some` are of."""
    chosen = draws.isel(draw=some["draw"].to_numpy())
    return chosen.assign_coords(chain=some["chain"], draw=some["draw"])


def _quantities(posterior: xr.DataTree, some: xr.DataArray) -> xr.Dataset:
    """Headlines and parameters, with what they are called as attributes."""
    draws = _at(posterior["posterior"].to_dataset(), some)
    found = dict(headlines_at(posterior, some).items())
    for key, quantity in _PARAMETERS.items():
        if key in draws and draws[key].size:
            found[key] = draws[key].assign_attrs(key=key, scenario="", quantity=quantity)
    return xr.Dataset(found)
