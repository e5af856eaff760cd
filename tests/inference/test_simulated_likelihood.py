"""The simulated likelihood against plain NumPy: the same estimator, and the integral it estimates.

The oracles share no code with the package: wages are a multivariate normal, skills given wages its
textbook conditional, choices a logit, integrals a grid over skills times Gauss–Hermite over shocks.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from taskroy.data.panel import PanelArrays
from taskroy.inference import simulated_likelihood
from taskroy.inference.seen import Seen, seen
from taskroy.inference.simulated_likelihood import simulated_log_likelihood
from taskroy.inference.theta import Theta
from taskroy.models.roy import economy
from taskroy.models.settings import ModelSettings
from taskroy.models.technology import Technology

N, T, O, K = 3, 4, 3, 2  # noqa: E741
NU, RHO = 0.25, 0.4
MEAN, AMENITY, BETA = np.array([2.4, 2.3, 2.5]), np.array([0.1, 0.0, -0.1]), 0.2
WEIGHTS = np.array([[0.8, 0.2], [0.5, 0.5], [0.1, 0.9]])
TRIL = np.array([[0.9, 0.0], [-0.3, 0.7]])
SHOCKS = ("occupation", "worker")
# Repetitions of the estimator; a mean over 300 is compared at 4.5 standard errors, beyond which
# chance leads one time in 150,000.
REPETITIONS, SDS = 300, 4.5
FEW, MANY = 20, 500


class Setting(NamedTuple):
    """A small simulated panel at known θ."""

    known: Seen
    log_wage: np.ndarray
    held: np.ndarray
    observed: np.ndarray
    common: np.ndarray

    def worker(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return net wages, what covariates add, and occupations of a worker's observed years."""
        on = self.observed[i]
        return (self.log_wage - self.common)[i, on], self.common[i, on], self.held[i, on]


@pytest.fixture(scope="module")
def setting() -> Setting:
    rng = np.random.default_rng(5)
    design = rng.normal(size=(N, T, 1))
    common = BETA * design[..., 0]
    potential = MEAN + rng.normal(size=(N, K)) @ TRIL.T @ WEIGHTS.T
    offers = potential[:, None] + common[..., None] + RHO * rng.normal(size=(N, T, O))
    held = np.argmax(offers + AMENITY + NU * rng.gumbel(size=offers.shape), axis=-1)
    observed = np.ones((N, T), dtype=bool)
    observed[0, 1:] = False  # a worker seen once
    observed[1, 2] = False
    log_wage = np.take_along_axis(offers, held[..., None], -1)[..., 0]
    panel = PanelArrays(
        log_wage=np.where(observed, log_wage, 0.0),
        occupation=held.astype(np.int32),
        observed=observed,
        design=design,
        covariate_names=("exper",),
        worker=np.arange(N),
        year=np.tile(np.arange(T), (N, 1)),
        weight=np.ones((N, T)),
    )
    conditions = economy(Technology.from_task_weights(WEIGHTS, np.full(O, 0.6)), panel)
    known = seen(conditions, jnp.asarray(panel.log_wage), jnp.asarray(panel.occupation))
    return Setting(known, log_wage, held, observed, common)


def theta() -> Theta:
    values = (RHO, NU, MEAN, AMENITY, np.array([BETA]), TRIL)
    return Theta(*(jnp.asarray(v) for v in values))


def simulate(setting: Setting, shock: Any, draws: int) -> np.ndarray:
    """Our estimates, (repetition, worker)."""
    settings = ModelSettings(shock=shock)
    one = partial(simulated_log_likelihood, theta(), setting.known, settings, draws=draws)
    keys = jax.random.split(jax.random.key(draws), REPETITIONS)
    return np.asarray(jax.jit(lambda keys: jax.lax.map(one, keys))(keys))


@pytest.fixture(scope="module")
def ours(setting: Setting) -> dict[tuple[str, int], np.ndarray]:
    """Estimates by variant and draws."""
    return {(shock, n): simulate(setting, shock, n) for shock in SHOCKS for n in (FEW, MANY)}


@pytest.fixture(scope="module")
def truth(setting: Setting) -> dict[str, np.ndarray]:
    """Log likelihoods by variant, (worker,)."""
    return {shock: np.array([exact(setting, i, shock) for i in range(N)]) for shock in SHOCKS}


def log_logit(m: np.ndarray, w: float, held: int, shock: str, eps: np.ndarray) -> np.ndarray:
    """Log probability of an occupation at the wage seen there; `m`, `eps` (…, O)."""
    wage = m + eps if shock == "occupation" else w + m - m[..., [held]]
    wage = np.broadcast_to(wage, np.broadcast_shapes(m.shape, eps.shape)).copy()
    wage[..., held] = w
    worth = (wage + AMENITY) / NU
    return worth[..., held] - logsumexp(worth, axis=-1)


def in_numpy(setting: Setting, i: int, shock: str, draws: int, repetitions: int) -> np.ndarray:
    """The paper's estimator of one worker's log likelihood, (repetition,)."""
    rng = np.random.default_rng(100 + i)
    wage, _, held = setting.worker(i)
    a = WEIGHTS[held]
    cov = TRIL @ TRIL.T
    total = a @ cov @ a.T + RHO**2 * np.eye(len(wage))
    log_wages = multivariate_normal(MEAN[held], total).logpdf(wage)
    gain = cov @ a.T @ np.linalg.inv(total)
    centre, spread = gain @ (wage - MEAN[held]), cov - gain @ a @ cov
    s = rng.multivariate_normal(centre, spread, size=(repetitions, draws))
    product = np.zeros((repetitions, draws))
    for w, o in zip(wage, held, strict=True):
        eps = RHO * rng.normal(size=(repetitions, draws, O))
        product += log_logit(MEAN + s @ WEIGHTS.T, w, o, shock, eps)
    return log_wages + logsumexp(product, axis=1) - np.log(draws)


def exact(setting: Setting, i: int, shock: str) -> float:
    """Integrate over skills on a grid and over the unseen shocks by Gauss–Hermite."""
    line = np.linspace(-6, 6, 45)
    e = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    m = MEAN + e @ TRIL.T @ WEIGHTS.T
    total = -0.5 * (e**2).sum(1) - np.log(2 * np.pi) + 2 * np.log(line[1] - line[0])
    node, weight = np.polynomial.hermite_e.hermegauss(20)
    shocks = RHO * np.stack(np.meshgrid(node, node, indexing="ij"), axis=-1).reshape(-1, 2)
    log_weight = np.log(np.outer(weight, weight).ravel() / (2 * np.pi))
    wage, _, held = setting.worker(i)
    for w, o in zip(wage, held, strict=True):
        total += -0.5 * ((w - m[:, o]) / RHO) ** 2 - np.log(RHO * np.sqrt(2 * np.pi))
        eps = np.insert(shocks, o, 0.0, axis=1)
        logit = log_logit(m[:, None], w, o, shock, eps)
        total += logsumexp(logit + log_weight, axis=1)
    return float(logsumexp(total))


@pytest.mark.parametrize("shock", SHOCKS)
def test_average_over_draws_is_unbiased_for_the_likelihood(
    ours: dict[Any, Any], truth: dict[str, Any], shock: str
) -> None:
    ratio = np.exp(ours[shock, MANY] - truth[shock])
    error = ratio.std(0, ddof=1) / np.sqrt(REPETITIONS)
    assert (np.abs(ratio.mean(0) - 1) < SDS * error).all()
    assert (error < 0.02).all()  # what was compared says something


@pytest.mark.parametrize("shock", SHOCKS)
def test_its_log_is_distributed_as_the_papers(
    setting: Setting, ours: dict[Any, Any], shock: str
) -> None:
    for i in range(N):
        few, papers = ours[shock, FEW][:, i], in_numpy(setting, i, shock, FEW, REPETITIONS)
        pooled = np.sqrt((few.var(ddof=1) + papers.var(ddof=1)) / REPETITIONS)
        assert abs(few.mean() - papers.mean()) < SDS * pooled
        # Were tails Gaussian, the log of a ratio of sds would have one of 0.06; allow for theirs.
        assert abs(np.log(few.std() / papers.std())) < 0.5


def test_bias_is_negative_and_shrinks(ours: dict[Any, Any], truth: dict[str, Any]) -> None:
    few, many = (ours["occupation", n] - truth["occupation"] for n in (FEW, MANY))
    noise = few.std() / np.sqrt(few.size)
    assert few.mean() < -SDS * noise
    assert few.mean() < many.mean() - SDS * noise
    # A ratio of 25 in draws: the bias is, to first order, minus half the variance, so about 25
    # times less; at least five.
    assert abs(many.mean()) < abs(few.mean()) / 5


def test_chunks_do_not_change_it(
    setting: Setting, ours: dict[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Seven draws at a time, and six left over.
    monkeypatch.setattr(simulated_likelihood, "_CHUNK_ELEMENTS", 7 * N * T * O)
    np.testing.assert_allclose(
        simulate(setting, "occupation", FEW), ours["occupation", FEW], rtol=1e-12
    )


def test_gradient_is_that_of_finite_differences(setting: Setting) -> None:
    settings, key = ModelSettings(), jax.random.key(3)

    def total(theta: Theta) -> Any:
        return simulated_log_likelihood(theta, setting.known, settings, key, draws=30).sum()

    value, here = jax.jit(total), theta()
    gradient = jax.jit(jax.grad(total))(here)
    for name in ("wage_shock_scale", "taste_scale", "skill_scale_tril", "mean_potential"):
        direction = jnp.linspace(0.3, 1.0, getattr(here, name).size).reshape(
            getattr(here, name).shape
        )
        direction = jnp.tril(direction) if direction.ndim == 2 else direction
        up, down = (
            here._replace(**{name: getattr(here, name) + s * direction}) for s in (1e-5, -1e-5)
        )
        numerical = float(value(up) - value(down)) / 2e-5
        assert float((getattr(gradient, name) * direction).sum()) == pytest.approx(
            numerical, rel=1e-5, abs=1e-5
        ), name
