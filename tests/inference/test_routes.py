"""What NUTS starts from, where parameters are many."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from few_careers import few_careers
from taskroy.inference import look_from_top, routes
from taskroy.inference.latent_sites import latent_sites
from taskroy.inference.settings import InferenceSettings
from taskroy.models.choice_grid import Grid
from taskroy.models.settings import ModelSettings
from taskroy.progress import Silent

SETTINGS = ModelSettings(intercept="known", amenities="none")


class _StopError(Exception):
    """Before anything is sampled."""


def test_of_many_parameters_the_first_metric_is_that_of_the_top(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = few_careers(SETTINGS, Grid(), (3, 1, 2, 3, 2, 3)).known
    tops: list[Any] = []
    chains: dict[str, Any] = {}

    def look(*arguments: Any) -> Any:
        tops.append(look_from_top.look_from_top(*arguments))
        return tops[0]

    def stop(*_: Any, **given: Any) -> None:
        chains.update(given)
        raise _StopError

    monkeypatch.setattr(look_from_top, "_MANY_PARAMETERS", 0)
    monkeypatch.setattr(routes, "look_from_top", look)
    monkeypatch.setattr(routes, "run_chains", stop)
    with pytest.raises(_StopError):
        routes.sample_posterior(
            known.economy,
            known.career[..., 0],
            known.career[..., 1].astype(jnp.int32),
            SETTINGS,
            InferenceSettings(),
            jax.random.key(1),
            Silent(),
        )
    ((problem, (_, root)),) = tops
    sites = tuple(latent_sites(problem.marginal).supports)
    assert chains["dense"] == sites
    np.testing.assert_allclose(chains["inverse_mass"][sites], root @ root.T, rtol=1e-12)
