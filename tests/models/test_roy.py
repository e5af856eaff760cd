"""The generative model: its sites, its two uses, and its levels in closed form."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import handlers
from numpyro.infer.util import log_density
from scipy.stats import ks_2samp, multivariate_normal

from taskroy.data.panel import PanelArrays
from taskroy.errors import ModelError
from taskroy.models.roy import Economy, economy, roy_model
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology

N, T, P = 5, 3, 2
FACTORS = 2
VARIANTS = [
    ModelSettings.model_validate(
        {
            "intercept": intercept,
            "amenities": amenities,
            "covariance": covariance,
            "shock": shock,
            "factors": FACTORS,
        }
    )
    for intercept, amenities, covariance, shock in product(
        ("known", "pooled", "orthogonal"),
        ("none", "pooled"),
        ("lkj", "factor"),
        ("occupation", "worker"),
    )
]


def name_of(settings: ModelSettings) -> str:
    return "-".join((settings.intercept, settings.amenities, settings.covariance, settings.shock))


@pytest.fixture(scope="module")
def small(small_technology: Technology) -> Economy:
    rng = np.random.default_rng(0)
    observed = np.arange(T) < np.array([3, 1, 2, 3, 3])[:, None]
    return economy(
        small_technology,
        PanelArrays(
            log_wage=rng.normal(2.2, 0.5, (N, T)),
            occupation=rng.integers(0, 4, (N, T)).astype(np.int32),
            observed=observed,
            design=rng.normal(size=(N, T, P)),
            covariate_names=("exper", "exper2"),
            worker=np.arange(N),
            year=np.tile(np.arange(2001, 2001 + T), (N, 1)),
            weight=np.ones((N, T)),
        ),
    )


def draw(economy: Economy, settings: ModelSettings, key: jax.Array, **seen: Any) -> dict[str, Any]:
    """Run the model forward and return the value of every site."""
    seeded = handlers.seed(roy_model, key)
    trace = handlers.trace(seeded).get_trace(economy, settings, **seen)
    return {k: v["value"] for k, v in trace.items() if v["type"] in ("sample", "deterministic")}


def sizes(economy: Economy, settings: ModelSettings) -> dict[str, tuple[int, ...]]:
    """Sites and shapes of model.md's table."""
    occupations, tasks = economy.technology.task_weights.shape
    expected: dict[str, tuple[int, ...]] = {
        "wage_shock_scale": (),
        "taste_scale": (),
        "mean_potential": (occupations,),
        "intercept": (occupations,),
        "skill_mean": (tasks,),
        "skill_sd": (tasks,),
        "skill_corr": (tasks, tasks),
        "coefficient": (P,),
        "skill_deviation": (N, tasks),
        "skill": (N, tasks),
        "career": (N, T, 2),
    }
    if settings.intercept != "known":
        expected["intercept_scale"] = ()
    if settings.intercept == "orthogonal":
        expected["intercept_coordinate"] = (occupations - tasks,)
    if settings.amenities == "pooled":
        expected |= {"amenity_scale": (), "amenity": (occupations,)}
    if settings.covariance == "lkj":
        expected["skill_corr_cholesky"] = (tasks, tasks)
    else:
        expected |= {"loading_scale": (), "unique_sd": (tasks,)}
        expected["loading_triangle"] = (FACTORS, FACTORS)
        expected["loading_rest"] = (tasks - FACTORS, FACTORS)
    return expected


@pytest.mark.parametrize("settings", VARIANTS, ids=name_of)
def test_sites_of_every_variant(settings: ModelSettings, small: Economy) -> None:
    # Conditioned and simulated in turn, since tracing the model takes a second each.
    seen = {"log_wage": jnp.full((N, T), 2.0), "occupation": jnp.zeros((N, T), jnp.int32)}
    use = partial(draw, small, settings, **(seen if settings.shock == "worker" else {}))
    found = jax.eval_shape(use, jax.random.key(0))
    assert {k: v.shape for k, v in found.items()} == sizes(small, settings)


@pytest.fixture(
    scope="module",
    params=[
        ModelSettings(),
        ModelSettings(intercept="orthogonal", covariance="factor", factors=FACTORS),
        ModelSettings(intercept="known", amenities="none", covariance="factor", shock="worker"),
    ],
    ids=name_of,
)
def prior(request: pytest.FixtureRequest, small: Economy) -> tuple[ModelSettings, dict[str, Any]]:
    """200 draws from the prior of three variants that between them use every branch."""
    keys = jax.random.split(jax.random.key(1), 200)
    draws = jax.jit(jax.vmap(partial(draw, small, request.param)))(keys)
    return request.param, {name: np.asarray(value) for name, value in draws.items()}


def test_prior_draws_are_finite(prior: tuple[ModelSettings, dict[str, Any]]) -> None:
    for name, value in prior[1].items():
        assert np.isfinite(value).all(), name


def test_prior_draws_obey_the_identities_of_the_model(
    prior: tuple[ModelSettings, dict[str, Any]], small: Economy
) -> None:
    settings, draws = prior
    weights = np.asarray(small.technology.task_weights)
    level = draws["intercept"] + draws["skill_mean"] @ weights.T
    np.testing.assert_allclose(draws["mean_potential"], level, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        draws["skill"], draws["skill_mean"][:, None] + draws["skill_deviation"], rtol=1e-12
    )
    np.testing.assert_allclose(draws["skill_corr"][:, range(3), range(3)], 1.0, rtol=1e-10)
    assert np.linalg.eigvalsh(draws["skill_corr"]).min() > 0
    assert set(np.unique(draws["career"][..., 1])) == {0.0, 1.0, 2.0, 3.0}
    if settings.intercept == "known":
        known = np.broadcast_to(small.technology.intercept, (200, 4))
        np.testing.assert_allclose(draws["intercept"], known, rtol=1e-14)
    if settings.intercept == "orthogonal":
        # Aᵀμ = 0: the restriction that identifies μ against mean skills.
        np.testing.assert_allclose(draws["intercept"] @ weights, 0.0, atol=1e-12)
        assert np.abs(draws["intercept"]).max() > 0.1
    if settings.amenities == "pooled":
        np.testing.assert_allclose(draws["amenity"].sum(1), 0.0, atol=1e-12)
    if settings.covariance == "factor":
        rows = draws["loading_triangle"]
        assert (np.triu(rows, 1) == 0).all()
        assert (np.diagonal(rows, axis1=1, axis2=2) > 0).all()
        if settings.factors < 3:
            rows = np.concatenate([rows, draws["loading_rest"]], axis=1)
        size = draws["loading_scale"][:, None, None] / np.sqrt(settings.factors)
        loading = size * (np.asarray(small.task_directions) @ rows)
        variance = (loading**2).sum(2) + draws["unique_sd"] ** 2
        np.testing.assert_allclose(draws["skill_sd"] ** 2, variance, rtol=1e-12)
        covariance = (loading[:, 0] * loading[:, 1]).sum(1)
        np.testing.assert_allclose(
            draws["skill_corr"][:, 0, 1] * draws["skill_sd"][:, 0] * draws["skill_sd"][:, 1],
            covariance,
            rtol=1e-9,
            atol=1e-12,
        )


@pytest.mark.parametrize("factors", [1, 2, 3, 5])
def test_loadings_are_normal_a_priori_as_far_as_anybody_can_tell(
    factors: int, small: Economy
) -> None:
    """Of ΛΛᵀ against plain draws: six tests of Kolmogorov and Smirnov, a false alarm in 10,000."""
    settings = ModelSettings(covariance="factor", factors=factors, shock="worker")
    fixed = {"loading_scale": jnp.asarray(1.5)}

    def one(key: Any) -> Any:
        model = handlers.seed(handlers.substitute(roy_model, fixed), key)
        found = handlers.trace(model).get_trace(small, settings)
        sd, corr, unique = (found[k]["value"] for k in ("skill_sd", "skill_corr", "unique_sd"))
        return sd[:, None] * corr * sd - jnp.diag(unique**2)

    ours = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(3), 2000)))
    plain = np.random.default_rng(4).normal(size=(2000, 3, factors)) * 1.5 / np.sqrt(factors)
    theirs = plain @ np.swapaxes(plain, 1, 2)
    for tell in (
        *(lambda x, i=i: x[:, i, i] for i in range(3)),
        *(lambda x, i=i: x[:, i, (i + 1) % 3] for i in range(2)),
        lambda x: np.linalg.eigvalsh(x)[:, -1],
    ):
        assert ks_2samp(tell(ours), tell(theirs)).pvalue > 1e-4 / 6
    # λ is what factors add to the sd of any task, however many they are.
    assert np.trace(ours, axis1=1, axis2=2).mean() / 3 == pytest.approx(1.5**2, rel=0.15)


def test_skills_differ_as_their_sds_and_correlations_say(
    prior: tuple[ModelSettings, dict[str, Any]],
) -> None:
    """In their units deviations are N(0, I): 1,000 of them, within five standard errors."""
    draws = prior[1]
    root = draws["skill_sd"][..., None] * np.linalg.cholesky(draws["skill_corr"])
    deviation = np.swapaxes(draws["skill_deviation"], 1, 2)
    unit = np.swapaxes(np.linalg.solve(root, deviation), 1, 2).reshape(-1, root.shape[-1])
    error = np.sqrt((1 + np.eye(unit.shape[1])) / len(unit))
    assert (np.abs(np.cov(unit.T) - np.eye(unit.shape[1])) < 5 * error).all()


def test_simulating_and_conditioning_are_one_function(
    prior: tuple[ModelSettings, dict[str, Any]], small: Economy
) -> None:
    settings, draws = prior
    simulated = {name: value[0] for name, value in draws.items()}
    career = simulated["career"]
    seen = {"log_wage": career[..., 0], "occupation": career[..., 1].astype(np.int32)}
    observed: set[str] = set()

    @jax.jit
    def condition(values: dict[str, Any], seen: dict[str, Any]) -> Any:
        fixed = handlers.substitute(handlers.seed(roy_model, 0), data=values)
        trace = handlers.trace(fixed).get_trace(small, settings, **seen)
        observed.update(name for name, site in trace.items() if site.get("is_observed"))
        terms = [
            s["fn"].log_prob(s["value"]).sum() for s in trace.values() if s["type"] == "sample"
        ]
        joint, _ = log_density(roy_model, (small, settings), seen, values)
        return {name: trace[name]["value"] for name in values}, sum(terms), joint

    latent = {name: value for name, value in simulated.items() if name != "career"}
    values, terms, joint = condition(latent, seen)
    assert observed == {"career"}
    for name, value in latent.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-11, atol=1e-11, err_msg=name)
    assert np.isfinite(joint)
    np.testing.assert_allclose(joint, terms, rtol=1e-10)


def test_pooled_levels_factorise_the_joint_gaussian(small: Economy) -> None:
    # p(m̄)·p(s̄ | m̄) as sampled, against p(μ)·p(s̄) with μ = m̄ − A·s̄, whose Jacobian is one.
    settings = ModelSettings()
    priors, weights = settings.priors, np.asarray(small.technology.task_weights)
    known = np.asarray(small.technology.intercept)
    occupations, tasks = weights.shape

    @jax.jit
    def levels(values: dict[str, Any]) -> Any:
        fixed = handlers.substitute(handlers.seed(roy_model, 0), data=values)
        trace = handlers.trace(fixed).get_trace(small, settings)
        terms = [
            trace[k]["fn"].log_prob(trace[k]["value"]) for k in ("mean_potential", "skill_mean")
        ]
        return sum(terms), trace["intercept"]["value"], trace["mean_potential"]["fn"].mean

    rng = np.random.default_rng(5)
    centre = np.full(tasks, float(small.wage_level) - known.mean())
    constant = priors.intercept_constant.sd
    skill_law = multivariate_normal(centre, priors.skill_mean.sd**2 * np.eye(tasks))
    for scale in (1e-3, 0.05, 0.5, 3.0):
        intercept_law = multivariate_normal(known, scale**2 * np.eye(occupations) + constant**2)
        for _ in range(4):
            skill_mean = skill_law.rvs(random_state=rng)
            intercept = known + constant * rng.normal() + scale * rng.normal(size=occupations)
            ours, back, mean = levels(
                {
                    "intercept_scale": scale,
                    "mean_potential": intercept + weights @ skill_mean,
                    "skill_mean": skill_mean,
                }
            )
            expected = intercept_law.logpdf(intercept) + skill_law.logpdf(skill_mean)
            np.testing.assert_allclose(ours, expected, rtol=1e-6)
            np.testing.assert_allclose(back, intercept, rtol=1e-9, atol=1e-9)
            # At mean skills the average potential wage is the panel's mean log wage.
            np.testing.assert_allclose(mean.mean(), small.wage_level, rtol=1e-12)


def test_economy_of_collinear_occupations() -> None:
    # Two occupations with one technology: μ may differ between them under 'orthogonal'.
    weights = np.array([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9]])
    technology = Technology.from_task_weights(weights, np.full(3, 0.7))
    panel = PanelArrays(
        log_wage=np.array([[2.0, 9.0]]),
        occupation=np.zeros((1, 2), np.int32),
        observed=np.array([[True, False]]),
        design=np.zeros((1, 2, 0)),
        covariate_names=(),
        worker=np.array([7]),
        year=np.array([[2001, 0]]),
        weight=np.array([[1.0, 0.0]]),
    )
    built = economy(technology, panel)
    assert built.orthogonal_basis.shape == (3, 1)
    np.testing.assert_allclose(weights.T @ built.orthogonal_basis, 0.0, atol=1e-14)
    assert float(built.wage_level) == 2.0, "padded cells do not count"
    values = jax.eval_shape(partial(draw, built, ModelSettings()), jax.random.key(0))
    assert values["coefficient"].shape == (0,)
    assert values["career"].shape == (1, 2, 2)


@pytest.mark.parametrize("given", ["log_wage", "occupation"])
def test_half_a_career_is_refused(given: str, small: Economy) -> None:
    seen = {given: jnp.zeros((N, T), jnp.int32)}
    with pytest.raises(ModelError, match="Only one of log_wage and occupation"):
        jax.eval_shape(partial(draw, small, ModelSettings(), **seen), jax.random.key(0))
