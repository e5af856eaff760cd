"""Curvature that is shared, with few directions of a worker's own, against dense algebra."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.data.panel import PanelArrays
from taskroy.inference.low_rank_expansion import LowRankExpansion, low_rank
from taskroy.inference.seen import Seen, seen
from taskroy.inference.skill_posterior import ChoiceExpansion
from taskroy.inference.theta import Theta
from taskroy.models.roy import economy
from taskroy.models.technology import Technology

N, T, O = 7, 4, 6  # noqa: E741
RNG = np.random.default_rng(3)


def known(tasks: int) -> Seen:
    rng = np.random.default_rng(1)
    panel = PanelArrays(
        log_wage=rng.normal(2.2, 0.5, (N, T)),
        occupation=rng.integers(0, O, (N, T)).astype(np.int32),
        observed=np.arange(T) < rng.integers(1, T + 1, (N, 1)),
        design=rng.normal(size=(N, T, 1)),
        covariate_names=("exper",),
        worker=np.arange(N),
        year=np.tile(np.arange(T), (N, 1)),
        weight=np.ones((N, T)),
    )
    weights = rng.dirichlet(np.ones(tasks), O)
    conditions = economy(Technology.from_task_weights(weights, np.full(O, 0.6)), panel)
    return seen(conditions, jnp.asarray(panel.log_wage), jnp.asarray(panel.occupation))


def theta_of(tasks: int) -> Theta:
    rng = np.random.default_rng(2)
    root = rng.normal(size=(tasks, tasks))
    return Theta(
        wage_shock_scale=jnp.asarray(0.4),
        taste_scale=jnp.asarray(0.3),
        mean_potential=jnp.asarray(rng.normal(2.2, 0.3, O)),
        amenity=jnp.asarray(rng.normal(size=O)),
        coefficient=jnp.asarray([0.2]),
        skill_scale_tril=jnp.linalg.cholesky(root @ root.T / tasks + np.eye(tasks)),
    )


def choices(tasks: int) -> ChoiceExpansion:
    root = RNG.normal(size=(N, tasks, tasks)) * np.exp(-0.2 * np.arange(tasks))
    return ChoiceExpansion(
        jnp.asarray(RNG.normal(size=(N, tasks))),
        jnp.asarray(0.1 * RNG.normal(size=(N, tasks, O))),
        jnp.asarray(root @ root.transpose(0, 2, 1)),
    )


def test_map_has_mean_covariance_and_volume_of_its_precision() -> None:
    tasks, rank = 5, 2
    theta, data = theta_of(tasks), known(tasks)
    half = RNG.normal(size=(tasks, tasks))
    found = LowRankExpansion(
        slope=jnp.asarray(RNG.normal(size=(N, tasks))),
        cross=jnp.asarray(RNG.normal(size=(N, tasks, O))),
        offset=jnp.asarray(RNG.normal(size=(N, tasks))),
        own=jnp.asarray(RNG.normal(size=(N, rank, tasks))),
        shared=jnp.asarray(half @ half.T),
    )
    gaussian = found.gaussian(theta, data)
    z = jnp.asarray(RNG.normal(size=(N, tasks)))
    every = np.asarray(jax.jacobian(gaussian.at)(z))
    tril, scale = np.asarray(theta.skill_scale_tril), 0.4
    worth = np.asarray(theta.mean_potential + theta.amenity)
    centre = np.asarray(gaussian.at(jnp.zeros_like(z)))
    for i in range(N):
        own = np.asarray(found.own[i])
        precision = np.eye(tasks) + tril.T @ (half @ half.T + own.T @ own) @ tril / scale**2
        root = every[i, :, i]
        np.testing.assert_allclose(root @ root.T, np.linalg.inv(precision), atol=1e-12)
        volume = 0.5 * np.linalg.slogdet(precision)[1]
        assert float(gaussian.log_volume[i]) == pytest.approx(volume, rel=1e-12)
        slope = np.zeros(tasks)
        for t in np.flatnonzero(np.asarray(data.economy.observed[i])):
            held = int(data.career[i, t, 1])
            mean = float(theta.mean_potential[held]) + 0.2 * float(data.economy.design[i, t, 0])
            loading = np.asarray(data.economy.technology.task_weights[held])
            slope += loading * (float(data.career[i, t, 0]) - mean) / scale**2
        slope += np.asarray(found.offset[i]) / scale**2 + np.asarray(found.slope[i])
        slope -= np.asarray(found.cross[i]) @ worth
        np.testing.assert_allclose(precision @ centre[i], tril.T @ slope, atol=1e-10)


def test_many_tasks_keep_the_centre_and_most_of_the_curvature() -> None:
    tasks = 24
    theta, data, dense = theta_of(tasks), known(tasks), choices(tasks)
    exact = dense.gaussian(theta, data)
    skills = exact.centre
    tril, scale = theta.skill_scale_tril, theta.wage_shock_scale
    found = low_rank(dense, data, skills, tril, scale)
    assert found is not None
    gaussian = found.gaussian(theta, data)
    np.testing.assert_allclose(gaussian.at(jnp.zeros_like(skills)), skills, atol=1e-10)
    # In units in which skills are white, the precision is the identity but for what was left out.
    root = np.asarray(jax.jacobian(gaussian.at)(skills))
    factor = np.asarray(exact.factor)
    for i in range(N):
        white = root[i, :, i].T @ factor[i] @ factor[i].T @ root[i, :, i]
        assert np.abs(np.linalg.eigvalsh(white) - 1).max() < 0.5
    whole = np.asarray(data.gram) + float(scale) ** 2 * np.asarray(dense.curvature)
    kept = np.asarray(found.own.mT @ found.own) + np.asarray(found.shared)
    left = np.asarray(tril).T @ (whole - kept).mean(0) @ np.asarray(tril) / float(scale) ** 2
    assert np.abs(np.linalg.eigvalsh(left)).max() < 0.05


def test_few_tasks_need_none_of_it() -> None:
    tasks = 5
    theta, data = theta_of(tasks), known(tasks)
    units = theta.skill_scale_tril, theta.wage_shock_scale
    assert low_rank(choices(tasks), data, jnp.zeros((N, tasks)), *units) is None
