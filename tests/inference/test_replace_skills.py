"""Whitening is a change of variables; integrating leaves θ alone."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import handlers
from numpyro.infer.util import log_density

from taskroy.data.panel import PanelArrays
from taskroy.inference.low_rank_expansion import LowRankExpansion
from taskroy.inference.replace_skills import WHITENED, integrated, whitened
from taskroy.inference.seen import Seen, seen
from taskroy.inference.skill_posterior import ChoiceExpansion, no_expansion
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy, economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology

N, T, P, O, K = 3, 2, 1, 3, 2  # noqa: E741
# The identity holds at any grid.
SMALL = Grid(nodes=40, terms=12, knots=64)
# The seed whose expansion is shared but for one direction.
LOW_RANK = 2


class Setting(NamedTuple):
    """A small panel, and values of θ."""

    economy: Economy
    log_wage: jax.Array
    occupation: jax.Array
    theta: dict[str, jax.Array]


@pytest.fixture(scope="module")
def setting() -> Setting:
    rng = np.random.default_rng(0)
    weights = np.array([[0.7, 0.3], [0.2, 0.8], [0.45, 0.55]])
    panel = PanelArrays(
        log_wage=rng.normal(2.2, 0.5, (N, T)),
        occupation=rng.integers(0, O, (N, T)).astype(np.int32),
        observed=np.array([[True, True], [True, False], [True, True]]),
        design=rng.normal(size=(N, T, P)),
        covariate_names=("exper",),
        worker=np.arange(N),
        year=np.tile(np.arange(T), (N, 1)),
        weight=np.ones((N, T)),
    )
    theta = {
        "wage_shock_scale": 0.4,
        "taste_scale": 0.3,
        "intercept_scale": 0.5,
        "mean_potential": rng.normal(2.2, 0.3, O),
        "skill_mean": rng.normal(3.0, 1.0, K),
        "intercept_coordinate": rng.normal(size=O - K),
        "amenity_scale": 0.3,
        "amenity": np.array([0.2, 0.1, -0.3]),
        "skill_sd": np.array([1.5, 0.8]),
        "skill_corr_cholesky": np.array([[1.0, 0.0], [0.6, 0.8]]),
        "coefficient": np.array([0.2]),
    }
    return Setting(
        economy(Technology.from_task_weights(weights, np.array([0.7, 0.6, 0.8])), panel),
        jnp.asarray(panel.log_wage),
        jnp.asarray(panel.occupation),
        {name: jnp.asarray(value) for name, value in theta.items()},
    )


def known(setting: Setting) -> Seen:
    return seen(setting.economy, setting.log_wage, setting.occupation)


def random_expansion(seed: int) -> ChoiceExpansion:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(N, K, K))
    return ChoiceExpansion(
        jnp.asarray(rng.normal(size=(N, K))),
        jnp.asarray(rng.normal(size=(N, K, O))),
        jnp.asarray(3 * root @ root.transpose(0, 2, 1)),
    )


def random_low_rank(seed: int) -> LowRankExpansion:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(K, K))
    return LowRankExpansion(
        slope=jnp.asarray(rng.normal(size=(N, K))),
        cross=jnp.asarray(rng.normal(size=(N, K, O))),
        offset=jnp.asarray(rng.normal(size=(N, K))),
        own=jnp.asarray(rng.normal(size=(N, 1, K))),
        shared=jnp.asarray(root @ root.T),
    )


def values_of(site: dict[str, Any]) -> dict[str, Any]:
    return {k: v["value"] for k, v in site.items() if v["type"] in ("sample", "deterministic")}


@pytest.mark.parametrize(
    ("intercept", "amenities", "seeds"),
    [("pooled", "pooled", (None, 1, LOW_RANK)), ("known", "none", (3,))],
    ids=["pooled", "known"],
)
def test_density_is_the_models_times_the_jacobian(
    intercept: Any, amenities: Any, seeds: tuple[int | None, ...], setting: Setting
) -> None:
    settings = ModelSettings(intercept=intercept, amenities=amenities)
    career = {"log_wage": setting.log_wage, "occupation": setting.occupation}
    model = partial(roy_model, setting.economy, settings, SMALL, **career)
    z = jnp.asarray(np.random.default_rng(7).normal(size=(N, K)))

    @jax.jit
    def both(theta: dict[str, Any], z: Any, expansion: Any) -> Any:
        white = whitened(model, known(setting), expansion)

        def run(z: Any) -> dict[str, Any]:
            fixed = handlers.substitute(handlers.seed(white, 0), data=theta | {WHITENED: z})
            return values_of(handlers.trace(fixed).get_trace())

        def deviation(z: Any) -> Any:
            return run(z)["skill_deviation"].reshape(-1)

        values = run(z)
        ours, _ = log_density(white, (), {}, theta | {WHITENED: z})
        jacobian = jax.jacobian(deviation)(z).reshape(N * K, N * K)
        plain = theta | {name: values[name] for name in ("skill_deviation", "skill_mean")}
        expected, trace = log_density(model, (), {}, plain)
        left_out = trace["skill_mean"]["fn"].log_prob(values["skill_mean"])
        if "skill_mean" in sampled(white):
            left_out = 0.0
        return ours, expected - left_out + jnp.linalg.slogdet(jacobian)[1], jacobian

    def sampled(white: Any) -> set[str]:
        trace = handlers.trace(handlers.seed(white, 0)).get_trace()
        return {k for k, v in trace.items() if v["type"] == "sample" and not v.get("is_observed")}

    for seed in seeds:
        expansion: Any = no_expansion(setting.economy)
        if seed is not None:
            expansion = random_low_rank(seed) if seed == LOW_RANK else random_expansion(seed)
        ours, expected, jacobian = both(setting.theta, z, expansion)
        assert np.isfinite(ours)
        np.testing.assert_allclose(ours, expected, rtol=1e-11)
        # Each worker's map is his own.
        blocks = np.asarray(jacobian).reshape(N, K, N, K)
        for i in range(N):
            assert (np.delete(blocks[i], i, axis=1) == 0).all()


@pytest.mark.parametrize("intercept", ["known", "pooled", "orthogonal"])
def test_mean_skills_are_left_out_only_where_levels_are_sampled(
    intercept: Any, setting: Setting
) -> None:
    settings = ModelSettings(intercept=intercept)
    career = {"log_wage": setting.log_wage, "occupation": setting.occupation}
    model = partial(roy_model, setting.economy, settings, SMALL, **career)
    white = whitened(model, known(setting), no_expansion(setting.economy))
    kinds: dict[str, str] = {}

    def run(key: jax.Array) -> Any:
        trace = handlers.trace(handlers.seed(white, key)).get_trace()
        kinds.update({k: v["type"] for k, v in trace.items() if not v.get("is_observed")})
        return values_of(trace)

    shapes = jax.eval_shape(run, jax.random.key(0))
    assert kinds["skill_mean"] == ("deterministic" if intercept == "pooled" else "sample")
    assert kinds["skill_deviation"] == "deterministic"
    assert kinds[WHITENED] == "sample"
    assert shapes[WHITENED].shape == shapes["skill_deviation"].shape == (N, K)


def test_whitened_for_wages_the_prior_is_the_posterior_given_wages(setting: Setting) -> None:
    # At z = 0 skills are the mean of N(s | wages): Σ Aᵀ(AΣAᵀ + ϱ²I)⁻¹ of what is left of wages.
    settings = ModelSettings()
    career = {"log_wage": setting.log_wage, "occupation": setting.occupation}
    model = partial(roy_model, setting.economy, settings, SMALL, **career)
    white = whitened(model, known(setting), no_expansion(setting.economy))

    @jax.jit
    def deviation(z: jax.Array) -> jax.Array:
        fixed = handlers.substitute(handlers.seed(white, 0), data=setting.theta | {WHITENED: z})
        return handlers.trace(fixed).get_trace()["skill_deviation"]["value"]

    found = np.asarray(deviation(jnp.zeros((N, K))))
    theta = {name: np.asarray(value) for name, value in setting.theta.items()}
    scale_tril = theta["skill_sd"][:, None] * theta["skill_corr_cholesky"]
    covariance = scale_tril @ scale_tril.T
    weights = np.asarray(setting.economy.technology.task_weights)
    for i in range(N):
        years = np.flatnonzero(setting.economy.observed[i])
        held = np.asarray(setting.occupation)[i, years]
        rest = np.asarray(setting.log_wage)[i, years] - theta["mean_potential"][held]
        rest = rest - np.asarray(setting.economy.design)[i, years] @ theta["coefficient"]
        a = weights[held]
        marginal = a @ covariance @ a.T + theta["wage_shock_scale"] ** 2 * np.eye(len(years))
        expected = covariance @ a.T @ np.linalg.solve(marginal, rest)
        np.testing.assert_allclose(found[i], expected, rtol=1e-10)
        # And the spread of skills about it is that of the posterior given wages.
        step = np.asarray(deviation(jnp.zeros((N, K)).at[i].set(jnp.eye(K)[0]))) - found
        other = np.asarray(deviation(jnp.zeros((N, K)).at[i].set(jnp.eye(K)[1]))) - found
        root = np.stack([step[i], other[i]], axis=1)
        left = covariance - covariance @ a.T @ np.linalg.solve(marginal, a @ covariance)
        np.testing.assert_allclose(root @ root.T, left, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shock", ["occupation", "worker"])
def test_integrated_leaves_no_skills_to_sample(shock: Any, setting: Setting) -> None:
    settings = ModelSettings(shock=shock)
    career = {"log_wage": setting.log_wage, "occupation": setting.occupation}
    model = partial(roy_model, setting.economy, settings, SMALL, **career)
    target = integrated(model, known(setting), no_expansion(setting.economy), settings, SMALL)
    trace = handlers.trace(
        handlers.seed(handlers.substitute(target, data=setting.theta), 0)
    ).get_trace()
    sampled = {k for k, v in trace.items() if v["type"] == "sample" and not v["is_observed"]}
    assert not sampled & {"skill_deviation", WHITENED, "skill_mean"}
    assert trace["skill_deviation"]["value"].shape == (N, K)
