"""Summaries of panels, against pandas and plain loops."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from taskroy.posteriors.predictive import Sorting, sorting, summarize_panel

OCCUPATIONS = 3


@pytest.fixture(scope="module")
def careers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    held = rng.integers(0, OCCUPATIONS, (40, 6))
    career = np.stack([rng.normal(2, 0.5, held.shape), held], axis=-1)
    observed = rng.random(held.shape) < 0.8
    observed[:, 0] = True
    return career, observed, rng.normal(size=(40, OCCUPATIONS))


def pairs(career: np.ndarray, observed: np.ndarray) -> pd.DataFrame:
    rows = [
        (i, int(career[i, t, 1]), int(career[i, t + 1, 1]))
        for i, t in zip(*np.nonzero(observed[:, :-1] & observed[:, 1:]), strict=True)
    ]
    return pd.DataFrame(rows, columns=["worker", "origin", "destination"])


def test_transitions_are_shares_of_pairs_of_years(careers) -> None:
    career, observed, _ = careers
    found = summarize_panel(jnp.asarray(career), jnp.asarray(observed), OCCUPATIONS)
    frame = pairs(career, observed)
    expected = pd.crosstab(frame["origin"], frame["destination"], normalize="all").to_numpy()
    np.testing.assert_allclose(found.transition, expected, rtol=1e-6)
    np.testing.assert_allclose(found.switching_rate, 1 - np.trace(expected), rtol=1e-6)


def test_sorting_is_that_of_a_loop_over_workers(careers) -> None:
    career, observed, potential = careers
    found = sorting(*map(jnp.asarray, careers))
    rows = zip(*np.nonzero(observed), strict=True)
    advantage = [potential[i, int(career[i, t, 1])] - potential[i].mean() for i, t in rows]
    np.testing.assert_allclose(found.comparative_advantage, np.mean(advantage), rtol=1e-5)
    frame = pairs(career, observed)
    moved = (frame["origin"] != frame["destination"]).groupby(frame["worker"]).mean()
    specialised = potential.std(axis=1)[moved.index]
    expected = np.corrcoef(specialised, moved)[0, 1]
    np.testing.assert_allclose(found.specialist_mobility, expected, rtol=1e-4)


def test_where_nobody_moves_there_is_no_correlation(careers) -> None:
    career, observed, potential = careers
    career = career.copy()
    career[..., 1] = 1
    found: Sorting = sorting(*map(jnp.asarray, (career, observed, potential)))
    assert np.isnan(found.specialist_mobility)
