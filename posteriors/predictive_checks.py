"""Posterior predictive checks: what was seen, among panels that the posterior would give.

Of summaries that hang on skills (:class:`Sorting`) what was seen is evaluated at each draw's
skills, as in Gelman, Meng and Stern (1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

_LEVEL = 0.9
# Below it a number is the same in all panels, and says nothing.
_LEAST_SD = 1e-9


_ONE = {
    "log_wage_sd": "sd of log wages",
    "between_share": "share of the variance of log wages between occupations",
    "switching_rate": "share of consecutive observations with a change of occupation",
}
_DISTANCE = ("move_distance", "distance in tasks of moves, relative to moves anywhere")
_OF_SKILLS = {
    "comparative_advantage": "potential log wage in the occupation held, above the worker's mean",
    "specialist_mobility": "correlation of a worker's specialisation and mobility",
}
_SEVERAL = {
    "employment_share": "employment shares of occupations",
    "mean_log_wage": "mean log wages of occupations",
    "transition": "transitions between occupations",
}


@dataclass(frozen=True)
class PredictiveCheck:
    """One summary: what was seen, what the posterior gives, and how rare that is.

    Attributes
    ----------
    name, label
        Of the summary.
    observed
        What was seen; of summaries that hang on skills, the mean over draws. Of several numbers,
        one for each occupation or pair of them: their distance from predicted means, in predicted
        sds (root mean square).
    low, high
        Ends of the interval of 90% of what is predicted of it; of summaries that hang on skills,
        of its distance from what is seen at the same skills, put at `observed`.
    p
        Share of predictions that are as far out: on either side for one number; for several, of
        predictions and what was seen those that are as far from the means.
    """

    name: str
    label: str
    observed: float
    low: float
    high: float
    p: float


def predictive_checks(tree: xr.DataTree) -> tuple[PredictiveCheck, ...]:
    """Compare what was seen with panels simulated from the posterior.

    Parameters
    ----------
    tree
        With groups ``observed_data``, ``posterior_predictive`` and ``constant_data``, and numbers
        of workers and observations as attributes.
    """
    seen, drawn = (
        tree[group].to_dataset().stack(sample=("chain", "draw"), create_index=False)
        if group == "posterior_predictive"
        else tree[group].to_dataset()
        for group in ("observed_data", "posterior_predictive")
    )
    weights = tree["constant_data"]["task_weights"].to_numpy()
    count = _one_count(tree)
    far = relative_distance(drawn["transition"].to_numpy(), weights)
    checks = [
        *(_one(name, label, seen[name], drawn[name]) for name, label in _ONE.items()),
        _one(*_DISTANCE, relative_distance(seen["transition"].to_numpy()[..., None], weights), far),
        *(
            _one(name, label, drawn[f"{name}_observed"], drawn[name])
            for name, label in _OF_SKILLS.items()
        ),
        *(
            _several(name, label, seen[name], drawn[name], count.get(name, 0.0))
            for name, label in _SEVERAL.items()
        ),
    ]
    return tuple(check for check in checks if check is not None)


def relative_distance(transition: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how far in tasks moves go, relative to moves that go anywhere: below 1, to the like.

    Parameters
    ----------
    transition
        Shares of consecutive observations from one occupation (row) to another, (O, O, S).
    weights
        Task weights of occupations, (O, K). The distance of two is one less the cosine of the angle
        between their weights (Gathmann and Schönberg 2010).

    Returns
    -------
    ndarray
        Mean distance of moves over that if everybody who leaves an occupation went to others in
        proportion to their employment, (S,). NaN where nobody moves.
    """
    length = np.linalg.norm(weights, axis=1)
    distance = 1 - weights @ weights.T / np.outer(length, length)
    elsewhere = 1 - np.eye(len(weights))
    moves = transition * elsewhere[..., None]
    share = transition.sum(0)
    anywhere = np.einsum("od,ds->os", distance, share) / (elsewhere @ share)
    with np.errstate(invalid="ignore"):
        found = np.einsum("od,ods->s", distance, moves) / (moves.sum(1) * anywhere).sum(0)
    return np.asarray(found)


def _one(
    name: str, label: str, seen: xr.DataArray | np.ndarray, drawn: xr.DataArray | np.ndarray
) -> PredictiveCheck | None:
    replicated = np.asarray(drawn, float)
    observed = np.broadcast_to(np.asarray(seen, float), replicated.shape)
    there = np.isfinite(observed) & np.isfinite(replicated)
    if not there.any():
        return None  # nobody was seen twice
    observed, replicated = observed[there], replicated[there]
    tails = (replicated >= observed).mean(), (replicated <= observed).mean()
    # Of skills, both move from draw to draw: the interval is that of what is between them.
    centre = float(observed.mean())
    paired = replicated - (observed - centre)
    return _check(name, label, centre, paired, min(1.0, 2 * min(tails)))


def _several(
    name: str, label: str, seen: xr.DataArray, drawn: xr.DataArray, count: float
) -> PredictiveCheck | None:
    """Compare several numbers by their distance from the mean, in sds.

    Mean and sd are over predictions and what was seen together, as if it were one more of them: if
    the model is right all are alike, and ``p`` is that of a Monte Carlo test whatever their number.
    No sd is below `count`, one count as a share: a cell that is hardly ever entered would otherwise
    weigh as much as the next, and there are thousands of them.
    """
    replicated = drawn.transpose(..., "sample").to_numpy().reshape(-1, drawn.sizes["sample"])
    panels = np.column_stack([seen.to_numpy().ravel(), replicated])
    # An occupation that nobody holds has no mean wage.
    panels = panels[np.isfinite(panels).all(1)]
    panels = panels[panels.std(1) >= _LEAST_SD]
    if not len(panels):
        return None
    sd = np.maximum(panels.std(1, keepdims=True), count)
    distance = np.sqrt((((panels - panels.mean(1, keepdims=True)) / sd) ** 2).mean(0))
    found, each = float(distance[0]), distance[1:]
    return _check(name, label, found, each, float((distance >= found).mean()))


def _one_count(tree: xr.DataTree) -> dict[str, float]:
    """Return what one observation, or one pair of consecutive ones, adds to a share.

    Years that are missing in between make pairs fewer than the tree can tell: one then adds a
    little more. Wages are no counts.
    """
    observations, workers = (int(tree.attrs.get(of, 0)) for of in ("observations", "workers"))
    number = {"employment_share": observations, "transition": observations - workers}
    return {name: 1 / of for name, of in number.items() if of > 0}


def _check(
    name: str, label: str, observed: float, replicated: np.ndarray, p: float
) -> PredictiveCheck:
    low, high = np.quantile(replicated, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return PredictiveCheck(name, label, observed, float(low), float(high), p)
