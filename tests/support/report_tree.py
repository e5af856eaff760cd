"""A small posterior tree that hangs together, laid out as docs/posterior.md says."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

OCCUPATIONS = (
    "Professional",
    "Managers",
    "Sales",
    "Clerical",
    "Craftsmen",
    "Operatives",
    "Labourers",
    "Farm",
    "Service",
)
TASKS = ("Information Input", "Mental Processes", "Work Output", "Interacting With Others")
WORKERS = (12, 30, 14, 25, 31, 22, 18, 4, 15)
CHAINS, DRAWS, PEOPLE = 2, 100, 60
SAMPLE = ("chain", "draw")


def make_tree(
    *,
    titles: Sequence[str] = OCCUPATIONS,
    workers: Sequence[int] = WORKERS,
    scenarios: Sequence[str] = ("exposed shares of tasks automated",),
    chains: int = CHAINS,
    people: int = PEOPLE,
    seed: int = 1,
) -> xr.DataTree:
    """Return a posterior with counterfactuals; nothing in it was fitted."""
    rng = np.random.default_rng(seed)
    size = len(titles)
    codes = [f"o{i}" for i in range(size)]
    coords = {"occupation": codes, "task": list(TASKS)}
    weights = rng.dirichlet(np.full(len(TASKS), 6.0), size)
    exposure = np.array([[0.45, 0.38], [0.4, 0.35], [0.12, 0.1], [0.3, 0.33]])
    share = np.asarray(workers) / sum(workers)

    def predictive(n: int, scale: float) -> xr.Dataset:
        shares = rng.dirichlet(400 * share / scale + 0.5, (1, n))
        wages = 1.6 + 0.1 * np.arange(size)[::-1] + 0.05 * scale * rng.normal(size=(1, n, size))
        wages[0, :3, -1] = np.nan  # nobody there in these panels
        return xr.Dataset(
            {
                "employment_share": ((*SAMPLE, "occupation"), shares),
                "mean_log_wage": ((*SAMPLE, "occupation"), wages),
                "log_wage_sd": (SAMPLE, 0.5 + 0.02 * scale * rng.normal(size=(1, n))),
                "between_share": (SAMPLE, rng.beta(20, 80, (1, n))),
                "switching_rate": (SAMPLE, rng.beta(40, 60, (1, n))),
            },
            {"occupation": codes},
        )

    groups = {
        "posterior": _parameters(rng, chains, DRAWS, size, 0.2, coords).assign(
            skill=((*SAMPLE, "worker", "task"), rng.normal(size=(chains, DRAWS, people, 4)))
        ),
        "prior": _parameters(rng, 1, 300, size, 1.0, coords),
        "observed_data": xr.Dataset(
            {
                "employment_share": ("occupation", share),
                "mean_log_wage": ("occupation", 1.62 + 0.1 * np.arange(size)[::-1]),
                "log_wage_sd": 0.53,
                "between_share": 0.28,
                "switching_rate": 0.39,
            },
            {"occupation": codes},
        ),
        "posterior_predictive": predictive(50, 1.0),
        "prior_predictive": predictive(60, 8.0),
        "constant_data": xr.Dataset(
            {
                "labor_share": ("occupation", np.full(size, 0.6)),
                "known_intercept": ("occupation", np.full(size, -1.2)),
                "workers": ("occupation", np.asarray(workers)),
                "observations": ("occupation", 5 * np.asarray(workers)),
                "task_weights": (("occupation", "task"), weights),
                "exposure": (("task", "exposure_label"), exposure),
                "occupation_title": ("occupation", np.asarray(list(titles), dtype=str)),
            },
            coords | {"exposure_label": ["human_beta", "gpt4_beta"]},
        ),
        "counterfactual": xr.concat(
            [
                _counterfactual(rng, chains, people, weights, exposure[:, i % 2], share, coords)
                for i in range(len(scenarios))
            ],
            dim="scenario",
        ).assign_coords(scenario=list(scenarios)),
    }
    if chains > 1:
        groups["sample_stats"] = xr.Dataset(
            {"diverging": (SAMPLE, np.zeros((chains, DRAWS), dtype=bool))}
        )
    tree = xr.DataTree.from_dict(groups)
    tree["counterfactual_redrawn"] = xr.DataTree(
        _redrawn(np.random.default_rng(seed), tree["counterfactual"].to_dataset())
    )
    described = [{"name": name, "productivity": "threshold"} for name in scenarios]
    tree.attrs = {
        "taskroy_version": "0.1.0",
        "versions": {"jax": "0.12.0"},
        "study": json.dumps({"scenario": described, "panel": {"source": "wagepan"}}),
        "scenarios": json.dumps(described),
        "model": {
            "shock": "occupation",
            "intercept": "pooled",
            "amenities": "pooled",
            "covariance": "lkj",
            "factors": 3,
            "priors": {"taste_scale": {"median": 0.25, "log_sd": 0.6}},
        },
        "seed": 1,
        "panel_source": "made up",
        "panel_sha256": "0" * 64,
        "sample": [
            {"rule": "read", "rows": 1000, "workers": 70},
            {"rule": "with the <i>filters</i>", "rows": 5 * sum(workers), "workers": people},
        ],
        "tasks_sha256": "1" * 64,
        "method": "nuts" if chains > 1 else "svi",
        "seconds": 12.3,
        "workers": people,
        "observations": 5 * sum(workers),
        "years": [1980, 1987],
        "grid": {"nodes": 40},
        "machine": "x86_64, cpu",
    }
    return tree


def _redrawn(rng: np.random.Generator, group: xr.Dataset) -> xr.Dataset:
    """Return headlines of every fourth draw, a little off: as at other skills."""
    names = ["winners", "mean_change", "welfare_change", "log_wage_change"]
    some = group[names].isel(draw=slice(None, None, 4))
    moved = some.map(lambda x: x + 0.3 * float(x.std()) * rng.normal(size=x.shape))
    return moved.assign_coords(draw=np.arange(DRAWS)[::4])


def _parameters(
    rng: np.random.Generator,
    chains: int,
    draws: int,
    size: int,
    scale: float,
    coords: dict[str, list[str]],
) -> xr.Dataset:
    shape = (chains, draws)
    tasks = len(TASKS)
    off_diagonal = np.tanh(0.3 * scale * rng.normal(size=(*shape, tasks, tasks)))
    corr = np.triu(off_diagonal, 1)
    corr = corr + np.swapaxes(corr, -1, -2) + np.eye(tasks)

    def positive(median: float, *more: int) -> np.ndarray:
        return median * np.exp(0.6 * scale * rng.normal(size=(*shape, *more)))

    return xr.Dataset(
        {
            "wage_shock_scale": (SAMPLE, positive(0.4)),
            "taste_scale": (SAMPLE, positive(0.2)),
            "intercept_scale": (SAMPLE, positive(0.3)),
            "amenity_scale": (SAMPLE, positive(0.1)),
            "mean_potential": ((*SAMPLE, "occupation"), rng.normal(size=(*shape, size))),
            "intercept": ((*SAMPLE, "occupation"), scale * rng.normal(size=(*shape, size))),
            "amenity": ((*SAMPLE, "occupation"), 0.1 * rng.normal(size=(*shape, size))),
            "skill_mean": ((*SAMPLE, "task"), 2 + 1.45 * rng.normal(size=(*shape, tasks))),
            "skill_sd": ((*SAMPLE, "task"), positive(2.5, tasks)),
            "skill_corr": ((*SAMPLE, "task", "task_other"), corr),
            "coefficient": ((*SAMPLE, "covariate"), 0.5 * scale * rng.normal(size=(*shape, 2))),
        },
        coords | {"task_other": list(TASKS), "covariate": ["year 1981", "exper"]},
    )


def _counterfactual(
    rng: np.random.Generator,
    chains: int,
    people: int,
    weights: np.ndarray,
    phi: np.ndarray,
    share: np.ndarray,
    coords: dict[str, list[str]],
) -> xr.Dataset:
    shape, size = (chains, DRAWS), len(weights)
    choice = rng.dirichlet(8 * share, (*shape, people))
    level = 0.3 * (weights @ phi - (weights @ phi).mean()) + 0.03 * rng.normal(size=size)
    change = (
        choice @ level + 0.05 * rng.normal(size=people) + 0.02 * rng.normal(size=(*shape, people))
    )
    parts = {
        "productivity": -0.2 * (weights @ phi) + 0.02 * rng.normal(size=(*shape, size)),
        "task_shift": 0.1 * (weights @ phi) + 0.04 * rng.normal(size=(*shape, size)),
        "selection": 0.02 * rng.normal(size=(*shape, size)),
        "resorting": 0.15 * (weights @ phi) + 0.01 * rng.normal(size=(*shape, size)),
    }
    nothing = np.zeros((*shape, size))
    employment = choice.sum(-2)
    after = rng.dirichlet(400 * share, shape)

    def mean_by_occupation(values: np.ndarray) -> np.ndarray:
        return np.einsum("cdn,cdno->cdo", values, choice) / employment

    by_occupation = {
        **parts,
        "skill_change": nothing,
        "bargaining": nothing,
        "log_wage_change": sum(parts.values()),
        "incumbent_change": parts["productivity"] + parts["task_shift"] + parts["selection"],
        "employment_before": employment / people,
        "employment_after": after,
        "winners_by_occupation": mean_by_occupation((change > 0).astype(float)),
        "worker_change_by_occupation": mean_by_occupation(change),
    }
    flat = change.reshape(-1, people)
    groups = ("stayers", "leavers", "in_switchers", "incumbents")
    measures = ("variance", "variance_between", "variance_within", "gini", "theil", "p90_p10",
                "p50_p10", "p90_p50")  # fmt: skip
    stay = by_occupation["employment_before"] * rng.uniform(0.4, 0.6, (*shape, size))
    moved = by_occupation["employment_before"] - stay
    group_share = np.stack([stay, moved, after - stay, stay + moved], -2)
    held_share = np.stack([0.9 * moved + stay, 0.1 * moved, 0.1 * moved, stay + moved], -2)
    held_share[0, 0, 1, 0] = 0.0  # no simulated worker leaves the first one in this draw
    flow = 0.01 * rng.random((size, size))
    measure = rng.uniform(0.1, 0.9, (*shape, len(measures)))
    further = {
        "group_share": ((*SAMPLE, "group", "occupation"), group_share),
        "group_share_unchanged": ((*SAMPLE, "group", "occupation"), group_share * 0.9),
        **{
            name: ((*SAMPLE, "group", "occupation"), rng.normal(0, 0.1, (*shape, 4, size)))
            for name in ("group_change", "group_change_unchanged")
        },
        "inequality_before": ((*SAMPLE, "measure"), measure),
        "inequality_after": (
            (*SAMPLE, "measure"),
            measure + rng.normal(0.01, 0.01, measure.shape),
        ),
        "welfare_change": (SAMPLE, change.mean(-1) + rng.normal(0.0, 0.02, shape)),
        "welfare_winners": (SAMPLE, (change > 0.01).mean(-1)),
        "welfare_change_by_occupation": (
            (*SAMPLE, "occupation"),
            mean_by_occupation(change + rng.normal(0.0, 0.04, change.shape)),
        ),
        "held_share": ((*SAMPLE, "group", "occupation"), held_share),
        "held_gain": (
            (*SAMPLE, "group", "occupation"),
            held_share * rng.normal(0, 0.1, held_share.shape),
        ),
        "worker_change_percentile": (
            (*SAMPLE, "occupation", "percentile"),
            np.sort(rng.normal(0, 0.1, (*shape, size, 3)), axis=-1),
        ),
        "flow_mean": (("origin", "destination"), flow),
        "net_flow_mean": (("origin", "destination"), flow - flow.T),
        "net_flow_sd": (("origin", "destination"), np.full((size, size), 0.001)),
        "net_flow_positive": (("origin", "destination"), (flow > flow.T) * 0.6 + 0.2),
    }
    more = np.random.default_rng(size)  # what came later leaves what is above as it was
    further |= {
        name: ((*SAMPLE, "group", "occupation"), more.normal(0, 0.3, (*shape, 4, size)))
        for name in ("group_automated_skill", "group_automated_skill_unchanged")
    }
    kinds = ("productivity", "task_shift", "selection", "skill_change", "bargaining", "resorting")
    split = change[..., None] * more.dirichlet(np.ones(6), people)
    split += more.normal(0, 0.05, (*shape, 1, 6))  # so that no sign is certain
    split[..., 3:5] = 0.0
    split[..., 5] = change - split[..., :5].sum(-1)
    further |= {
        f"worker_{name}_mean": ("worker", split[..., k].mean((0, 1)))
        for k, name in enumerate(kinds)
    }
    pair = ("origin", "destination")
    further |= {
        "flow_change_beyond_mean": (pair, more.normal(0, 0.1, (size, size))),
        "flow_change_beyond_sd": (pair, np.full((size, size), 0.02)),
        "held_flow_mean": (pair, 0.01 * more.random((size, size))),
        "held_flow_sd": (pair, np.full((size, size), 0.003)),
        "held_flow_gain_mean": (pair, more.normal(0, 0.001, (size, size))),
    }
    further |= {
        "first_order_error": ((*SAMPLE, "occupation"), more.normal(0, 0.01, (*shape, size))),
        "first_order_residual": (SAMPLE, np.full(shape, 1e-12)),
    }
    level = more.normal(2.0, 0.05, (*shape, 1))
    for when, rise in (("before", 0.0), ("after", more.normal(0.01, 0.01, (*shape, 1)))):
        dims, values = further[f"inequality_{when}"]
        further[f"inequality_{when}"] = dims, np.concatenate([values, level + rise], -1)
    further["mean_part"] = ((*SAMPLE, "part"), split.mean(-2))
    coords = coords | {"origin": coords["occupation"], "destination": coords["occupation"]}
    coords |= {"group": list(groups), "measure": [*measures, "mean"], "percentile": [10, 50, 90]}
    coords |= {"part": list(kinds)}
    return xr.Dataset(
        {
            **further,
            **{name: ((*SAMPLE, "occupation"), value) for name, value in by_occupation.items()},
            "mean_change": (SAMPLE, change.mean(-1)),
            "winners": (SAMPLE, (change > 0).mean(-1)),
            "losers": (SAMPLE, (change < 0).mean(-1)),
            "productivity_threshold": ((*SAMPLE, "task"), rng.normal(size=(*shape, len(TASKS)))),
            "worker_change_mean": ("worker", flat.mean(0)),
            "worker_change_sd": ("worker", flat.std(0)),
            "worker_gain_probability": ("worker", (flat > 0).mean(0)),
            "worker_change_quantile": (
                ("quantile", "worker"),
                np.quantile(flat, [0.05, 0.5, 0.95], axis=0),
            ),
            "automated_share": ("task", phi),
            "occupation_exposure": ("occupation", weights @ phi),
        },
        coords | {"worker": np.arange(people), "quantile": [0.05, 0.5, 0.95]},
    )
