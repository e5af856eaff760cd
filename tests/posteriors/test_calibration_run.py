"""A small calibration of the whole program, by the route that is sampled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from taskroy.models.settings import ModelSettings
from taskroy.posteriors.calibration import assess
from taskroy.posteriors.calibration_run import (
    PRIORS,
    Calibrator,
    Plan,
    Replications,
    quantity_names,
)
from taskroy.progress import Silent

# The variant that compiles fastest.
MODEL = ModelSettings(shock="worker", intercept="known", amenities="none", priors=PRIORS)
_INFERENCE = Plan().inference.model_copy(update={"warmup": 150, "draws": 240})
PLAN = Plan(seed=3, model=MODEL, inference=_INFERENCE, workers=20, chunk=20)
DATA_SETS = 40


class Calibrated(NamedTuple):
    """Fits compiled once, and what they gave."""

    calibrator: Calibrator
    found: Replications


@pytest.fixture(scope="module")
def calibrated() -> Calibrated:
    calibrator = Calibrator(PLAN)
    chunks = [calibrator.chunk(i, Silent()) for i in range(DATA_SETS // PLAN.chunk)]
    found = Replications(*(np.concatenate(parts) for parts in zip(*chunks, strict=True)))
    return Calibrated(calibrator, found)


def test_posteriors_are_calibrated(calibrated: Calibrated) -> None:
    """The family-wise false-alarm rate is one in a thousand seeds."""
    found = assess(calibrated.found.rank, PLAN.draws, quantity_names(PLAN), seed=1)
    assert found.verdict == "PASS", found.sentence()
    assert {"taste_scale", "skill_corr[0]", "log_likelihood", "winners"} <= {
        row.quantity for row in found.rows
    }


def test_the_data_are_not_ignored(calibrated: Calibrated) -> None:
    # Were they, draws would be the prior's: ranks uniform all the same, and high where truths are.
    truth, rank = calibrated.found.truth, calibrated.found.rank
    names = list(quantity_names(PLAN))
    level = names.index("mean_potential[0]")
    correlation = np.corrcoef(truth[:, level], rank[:, level])[0, 1]
    assert abs(correlation) < 0.7
    assert truth[:, level].std() > 0.3


def test_fits_say_how_good_they_are(calibrated: Calibrated) -> None:
    found = calibrated.found
    assert found.diverging.mean() < 0.02
    assert (found.grid_error == 0).all(), "with shocks by worker there is no grid"
    assert np.median(found.effective) > 0.7 * PLAN.draws
    assert ((found.rank >= 0) & (found.rank <= PLAN.draws)).all()


def test_a_data_set_hangs_on_seed_and_number_alone(calibrated: Calibrated) -> None:
    again = calibrated.calibrator.replicate(range(17, 22), Silent())
    for field, value in again._asdict().items():
        np.testing.assert_array_equal(value, getattr(calibrated.found, field)[17:22], err_msg=field)


def test_what_the_variant_holds_fixed_is_not_ranked() -> None:
    fixed, pooled = quantity_names(PLAN), quantity_names(Plan())
    assert not any(name.startswith(("intercept", "amenity")) for name in fixed)
    assert "skill_mean[1]" in fixed
    more = {"intercept_scale", "intercept[3]", "amenity_scale", "amenity[0]"}
    assert more <= set(pooled) - set(fixed)
