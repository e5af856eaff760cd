"""Draws of θ and skills, put together from pieces, are those of the model, each in its place."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from numpyro.infer import Predictive

from few_careers import few_careers
from taskroy.inference.chains import Pieces
from taskroy.inference.checkpoint import InMemory
from taskroy.inference.draws import Sampled, joint_draws
from taskroy.inference.latent_sites import latent_sites
from taskroy.inference.problem import generated_values_of_draws
from taskroy.inference.replace_skills import WHITENED
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings
from taskroy.progress import Silent

CHAINS, DRAWS = 2, 17


# Warm-up ended within ten iterations; sampling did; both.
@pytest.mark.parametrize("ends", [(7, 17), (10, 17), (4, 14, 17)])
def test_skills_are_those_of_their_chain_and_draw(ends: tuple[int, ...]) -> None:
    problem = few_careers(ModelSettings(shock="worker"), Grid(), (3, 1, 2))
    drawn = Predictive(problem.joint, num_samples=CHAINS * DRAWS)(jax.random.key(0))
    draws = {k: drawn[k] for k in latent_sites(problem.joint).supports}
    names = problem.sites(skills=True)
    expected = generated_values_of_draws(problem.joint, names, draws)
    white = np.asarray(draws.pop(WHITENED)).reshape(CHAINS, DRAWS, 3, -1)

    kept = InMemory()
    for first, last in zip((0, *ends), ends, strict=False):
        kept.save(f"to {last}", {WHITENED: white[:, first:last], "lp": np.zeros(3)})
    pieces = Pieces((WHITENED,), tuple(f"to {last}" for last in ends), kept)
    sampled = Sampled(problem, draws, {}, (CHAINS, DRAWS), kept)
    found = joint_draws(sampled, pieces, Silent())

    like = expected["skill_deviation"].reshape(found.skill_deviation.room.shape)
    np.testing.assert_allclose(found.skill_deviation.room, like, rtol=1e-9, atol=1e-12)
    assert found.sites.keys() == set(names) - {"skill_deviation"}
    for name, values in found.sites.items():
        np.testing.assert_allclose(values, expected[name].reshape(values.shape), rtol=1e-12)
