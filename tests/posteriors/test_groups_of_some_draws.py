"""Skills drawn once more at the same θ: whether they are draws of the same, and what they tell."""

from __future__ import annotations

import arviz_stats
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from taskroy.inference.draw_skills import draw_skills_at
from taskroy.inference.pilot import pilot
from taskroy.inference.problem import Problem
from taskroy.inference.seen import seen
from taskroy.models.roy import economy
from taskroy.models.scenario import Automation
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology
from taskroy.posteriors.counterfactual import counterfactual
from taskroy.posteriors.redrawn_headlines import HEADLINES
from taskroy.posteriors.uncertainty_split import uncertainty_split
from taskroy.progress import Silent

SAMPLE = ("chain", "draw")


def test_a_second_draw_of_skills_is_of_the_same_posterior(study) -> None:
    # NUTS draws skills with θ; the second draw is by Laplace's method and importance weights.
    again = study.nuts["redrawn_skills"].to_dataset()
    kept = again["draw"].to_numpy()
    first = study.nuts["posterior"]["skill"].isel(draw=kept).to_numpy()
    second = again["skill"].to_numpy().astype(float)
    assert second.shape == first.shape
    assert again["skill"].dtype == np.float32
    assert not np.allclose(first, second, atol=0.01)
    gap = xr.DataArray(first - second, dims=(*SAMPLE, "worker", "task"))
    z = gap.mean(SAMPLE) / arviz_stats.mcse(gap, sample_dims=list(SAMPLE), method="mean")
    # 200 nearly independent z: the mean of z² is 1 ± 0.1, so 1.5 is five sds away.
    assert float((z**2).mean()) < 1.5
    spread = np.log(first.std((0, 1)) / second.std((0, 1)))
    assert abs(spread.mean()) < 0.05


def test_share_of_skills_is_that_of_brute_force(study) -> None:
    """Draw skills twenty times at each of forty θ, and compare with pairs at 400."""
    with jax.enable_x64(True):
        scenarios = [Automation(name="thinking", tasks=("Thinking",))]
        tree = counterfactual(study.nuts, scenarios)
        effect, again = (tree[name] for name in ("counterfactual", "counterfactual_redrawn"))
        model, used = ModelSettings(), study.tasks.select(study.panel.occupations)
        arrays = study.panel.arrays(used.occupations)
        technology = Technology.from_task_weights(
            jnp.asarray(used.weights.to_numpy()), jnp.asarray(used.labor_share.to_numpy())
        )
        known = seen(
            economy(technology, arrays),
            jnp.asarray(arrays.log_wage),
            jnp.asarray(arrays.occupation),
        )
        found = pilot(known, model, 1e-4, jax.random.key(1), Silent())
        skills = Problem(known, model, found).skills()
        names = Problem(known, model, found).sites(skills=False)

        draws = study.nuts["posterior"].to_dataset().isel(draw=slice(None, None, 10))
        thetas, repetitions = 40, 20
        values = dict(draws.data_vars)
        values["skill_corr_cholesky"] = draws["skill_corr"].copy(
            data=np.linalg.cholesky(draws["skill_corr"].to_numpy())
        )
        sites = {
            name: jnp.repeat(
                jnp.asarray(values[name].to_numpy().reshape(thetas, *values[name].shape[2:])),
                repetitions,
                axis=0,
            )
            for name in names
            if name in values
        }
        assert set(names) - set(sites) <= {"intercept_constant"}, set(names) - set(sites)
        keys = jax.random.split(jax.random.key(2), thetas * repetitions)
        draw = jax.jit(lambda given: jax.lax.map(lambda x: draw_skills_at(skills, *x), given))
        deviation = np.asarray(draw((sites, keys)).deviation)

        # As a posterior of its own: a chain for each repetition.
        many = study.nuts.copy()
        long = (
            draws.stack(one=SAMPLE)
            .transpose("one", ...)
            .isel(one=np.repeat(range(thetas), repetitions))
        )
        flat = {
            k: ((*SAMPLE, *v.dims[1:]), v.to_numpy()[None])
            for k, v in long.drop_vars(["one", *SAMPLE]).data_vars.items()
        }
        mean = long["skill_mean"].to_numpy()[:, None]
        flat["skill"] = ((*SAMPLE, "worker", "task"), (mean + deviation)[None])
        keep = ("occupation", "task", "task_other", "worker", "covariate")
        own = xr.Dataset(flat, {k: v for k, v in draws.coords.items() if k in keep})
        many["posterior"] = xr.DataTree(own)
        many = many.drop_nodes("redrawn_skills")
        nested = counterfactual(many, scenarios)["counterfactual"].to_dataset().isel(scenario=0)

    for name in HEADLINES:
        split = uncertainty_split(effect[name], again[name], ["one"])
        table = nested[name].to_numpy()[0].reshape(thetas, repetitions, -1)
        within = table.var(1, ddof=1)
        brute, error = within.mean(0), within.std(0) / np.sqrt(thetas)
        pairs = np.atleast_1d((split["skills"] * split["variance"]).to_numpy())
        of_pairs = np.atleast_1d((split["error"] * split["variance"]).to_numpy())
        z = (pairs - brute) / np.hypot(error, of_pairs)
        # Seven numbers in all: a false alarm in 2,000 runs.
        assert np.abs(z).max() < 4, (name, z)
        print(name, split["skills"].to_numpy(), z)


def test_without_second_draws_nothing_is_kept_of_them(study) -> None:
    bare = study.svi.drop_nodes("redrawn_skills")
    found = counterfactual(bare, [Automation()])
    assert "counterfactual_redrawn" not in found.children
    # What an earlier counterfactual left goes with it.
    bare["counterfactual_redrawn"] = xr.DataTree(xr.Dataset({"winners": 1.0}))
    assert "counterfactual_redrawn" not in counterfactual(bare, [Automation()]).children


def test_pairs_stand_at_the_same_parameters(study) -> None:
    tree = counterfactual(study.nuts, [Automation()])
    first = tree["counterfactual"].to_dataset()
    again = tree["counterfactual_redrawn"].to_dataset()
    assert set(again.data_vars) == set(HEADLINES)
    assert again["log_wage_change"].dims == ("scenario", *SAMPLE, "occupation")
    some = first["log_wage_change"].isel(draw=again["draw"].to_numpy()).to_numpy()
    apart = again["log_wage_change"].to_numpy()
    together = np.corrcoef(some.ravel(), apart.ravel())[0, 1]
    rolled = np.corrcoef(some.ravel(), np.roll(apart, 7, axis=2).ravel())[0, 1]
    assert together > rolled
    assert float(np.abs(some - apart).max()) > 0
    with pytest.raises(KeyError):
        again["group_share"]
