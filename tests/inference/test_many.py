"""Many data sets fitted by one computation have the posteriors that a fit of each has."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from few_careers import few_careers
from taskroy.errors import FitError
from taskroy.inference.many import ManyDraws, sample_many
from taskroy.inference.nuts import Sites
from taskroy.inference.routes import sample_posterior
from taskroy.inference.seen import Seen
from taskroy.inference.settings import InferenceSettings
from taskroy.models.choice_grid import Grid
from taskroy.models.roy import Economy
from taskroy.models.settings import ModelSettings
from taskroy.progress import Silent

# The variant that compiles fastest.
MODEL = ModelSettings(shock="worker", intercept="known", amenities="none")
EFFORT = InferenceSettings(chains=2, warmup=200, draws=400, tolerance=1e-3)
NAMES = ("wage_shock_scale", "taste_scale", "skill_mean", "skill_sd", "coefficient")


def keep(sites: Sites, known: Seen, key: Array) -> Array:
    """Keep the numbers compared, and the first worker's skills."""
    parts = [sites[name].reshape(-1) for name in NAMES]
    return jnp.concatenate([*parts, sites["skill_deviation"][0]])


class Setting(NamedTuple):
    """An economy, and two data sets: the second has wages a tenth higher for all."""

    economy: Economy
    log_wage: Array
    occupation: Array


@pytest.fixture(scope="module")
def setting() -> Setting:
    known = few_careers(MODEL, Grid(), (3, 1, 2, 3, 2, 3, 2, 3, 3)).known
    wage, held = known.career[..., 0], known.career[..., 1].astype(jnp.int32)
    return Setting(known.economy, jnp.stack([wage, wage + 0.1]), jnp.stack([held, held]))


@pytest.fixture(scope="module")
def both(setting: Setting) -> ManyDraws:
    return sample_many(*setting, MODEL, EFFORT, jax.random.key(1), keep=keep)


def test_shapes_and_statistics(both: ManyDraws) -> None:
    assert both.kept.shape == (2, 2, 400, 1 + 1 + 2 + 2 + 1 + 2)
    assert both.diverging.shape == both.steps.shape == (2, 2, 400)
    assert both.diverging.mean() < 0.02
    assert both.grid_error.shape == (2,)
    assert (both.grid_error == 0).all(), "with shocks by worker there is no grid"


def test_posterior_is_that_of_a_fit(both: ManyDraws, setting: Setting) -> None:
    alone = sample_posterior(
        setting.economy,
        setting.log_wage[1],
        setting.occupation[1],
        MODEL,
        EFFORT,
        jax.random.key(2),
        Silent(),
    )
    parts = [alone.sites[name].reshape(2, 400, -1) for name in NAMES]
    expected = np.concatenate([*parts, alone.skill_deviation.room[:, :, 0]], axis=-1)
    found = both.kept[1]
    sd = expected.std((0, 1))
    # Nine numbers; with 100 effective draws or more on either side, five standard errors of a
    # difference: a false alarm in a million runs.
    gap = np.abs(found.mean((0, 1)) - expected.mean((0, 1))) / sd
    assert gap.max() < 5 * np.sqrt(2 / 100)
    assert np.abs(np.log(found.std((0, 1)) / sd)).max() < 5 * np.sqrt(2 / (2 * 100))
    # The other data set has another posterior: the sds of mean skills are about 0.1 to 1.
    assert not np.allclose(both.kept[0].mean((0, 1)), found.mean((0, 1)), rtol=1e-3)


def test_other_routes_are_refused(setting: Setting) -> None:
    effort = EFFORT.model_copy(update={"method": "simulated-mle"})
    with pytest.raises(FitError, match="not fitted by 'simulated-mle'"):
        sample_many(*setting, MODEL, effort, jax.random.key(1))
