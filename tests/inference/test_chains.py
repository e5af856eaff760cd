"""Chains that are stopped between blocks go on as if they had not been; a block compiles once."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taskroy.errors import FitError
from taskroy.inference.chains import PIECE, Chains, run_chains, smallest_ess
from taskroy.inference.settings import InferenceSettings
from taskroy.inference.target import Target
from taskroy.models.choice_grid import Grid
from taskroy.progress import Silent

SETTINGS = InferenceSettings(chains=2, warmup=170, draws=230)
SCALES = jnp.asarray([0.5, 1.0, 2.0])


class Memory:
    """A checkpoint in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, np.ndarray]] = {}

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        return dict(self.kept[name]) if name in self.kept else None

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        self.kept[name] = {k: np.array(v) for k, v in arrays.items()}


class Stop(Silent):
    """Stops the run after some of its calls, and keeps the notes."""

    def __init__(self, after: int | None = None) -> None:
        self.notes: list[str] = []
        self.after = after

    def advance(self, done: int, note: str = "") -> None:
        self.notes.append(note)
        if len(self.notes) == self.after:
            raise KeyboardInterrupt


def gaussian(sites: dict[str, jax.Array]) -> jax.Array:
    return 0.5 * ((sites["a"] / SCALES) ** 2).sum() + 0.5 * (sites["b"] ** 2).sum()


# One whose grids, coarse, make it too wide. Draws of the first block that is learnt from tell.
COARSE, FINE = Grid(nodes=16), Grid(nodes=64)
ROUGH = Target(
    lambda grids: lambda sites: (grids[0].nodes / FINE.nodes) ** 2 * gaussian(sites),
    (COARSE,),
    lambda draws, grids: (FINE,) if draws["a"].shape[:2] == (2, PIECE) else grids,
)
PLAIN = Target(lambda _: gaussian)


def sample(
    checkpoint: Memory | None = None,
    progress: Silent | None = None,
    target: Target = PLAIN,
    **more: int,
) -> Chains:
    settings = SETTINGS.model_copy(update=more)
    starts = {"a": jnp.zeros((settings.chains, 3)), "b": jnp.ones((settings.chains, 4))}
    return run_chains(
        target,
        starts,
        jax.random.key(7),
        settings,
        dense=("a",),
        inverse_mass={("a",): jnp.eye(3)},
        progress=progress or Silent(),
        checkpoint=checkpoint or Memory(),
    )


@pytest.fixture(scope="module")
def uninterrupted() -> Chains:
    return sample()


@pytest.fixture(scope="module")
def refined() -> Chains:
    return sample(target=ROUGH)


def assert_same(one: Chains, other: Chains) -> None:
    for part, like in zip(one[:2], other[:2], strict=True):
        assert part.keys() == like.keys()
        for name in part:
            np.testing.assert_array_equal(part[name], like[name], err_msg=name)
    np.testing.assert_array_equal(wide(one), wide(other))


def wide(chains: Chains) -> np.ndarray:
    """Put together what is not dense, of which no piece has more than ten draws."""
    pieces = [piece["b"] for piece in chains.pieces]
    assert max(piece.shape[1] for piece in pieces) == PIECE
    return np.concatenate(pieces, axis=1)


# In warm-up, where the metric is half counted and where it was learnt; where warm-up ends; in
# sampling; in the last ten iterations.
@pytest.mark.parametrize("tens", [7, 10, 17, 28, 40])
def test_a_run_that_is_stopped_goes_on_bit_by_bit(uninterrupted, tens):
    checkpoint, stop = Memory(), Stop(after=tens)
    with pytest.raises(KeyboardInterrupt):
        sample(checkpoint, stop)
    rest = Stop()
    assert_same(sample(checkpoint, rest), uninterrupted)
    assert len(rest.notes) == 40 - tens


# Before the grids change, after ten iterations; right after; in sampling.
@pytest.mark.parametrize("tens", [9, 10, 11, 30])
def test_a_run_whose_grids_change_goes_on_bit_by_bit(refined, tens):
    checkpoint = Memory()
    with pytest.raises(KeyboardInterrupt):
        sample(checkpoint, Stop(after=tens), target=ROUGH)
    resumed = sample(checkpoint, target=ROUGH)
    assert_same(resumed, refined)
    assert resumed.grids == refined.grids == (FINE,)


def test_draws_without_their_state_are_drawn_again(uninterrupted):
    checkpoint = Memory()
    with pytest.raises(KeyboardInterrupt):
        sample(checkpoint, Stop(after=20))
    earlier = checkpoint.load("state")
    with pytest.raises(KeyboardInterrupt):
        sample(checkpoint, Stop(after=1))
    # A kill between the two: draws 200 to 209 are there, the state is that before them.
    checkpoint.kept["draws-000200"]["a"][:] = np.nan
    checkpoint.save("state", earlier)
    assert_same(sample(checkpoint), uninterrupted)


@pytest.mark.parametrize("run", ["uninterrupted", "refined"])
def test_draws_have_the_targets_moments(run, request):
    draws = request.getfixturevalue(run).sites["a"]
    assert draws.shape == (2, 230, 3)
    # 460 draws, effective size above 200: at five standard errors a false alarm is one in 10⁶.
    assert (np.abs(draws.mean((0, 1))) < 5 * SCALES / np.sqrt(200)).all()
    assert (np.abs(draws.std((0, 1)) / SCALES - 1) < 5 / np.sqrt(2 * 200)).all()


def test_what_is_not_dense_is_in_pieces(uninterrupted):
    assert uninterrupted.sites.keys() == {"a"}
    others = wide(uninterrupted)
    assert others.shape == (2, 230, 4)
    assert (np.abs(others.mean((0, 1))) < 5 / np.sqrt(200)).all()
    assert (np.abs(others.std((0, 1)) - 1) < 5 / np.sqrt(2 * 200)).all()


def test_lost_draws_are_told():
    checkpoint = Memory()
    with pytest.raises(KeyboardInterrupt):
        sample(checkpoint, Stop(after=30))
    del checkpoint.kept["draws-000200"]
    with pytest.raises(FitError, match="lost some of its draws"):
        sample(checkpoint)


def test_long_runs_trace_the_potential_as_often_as_few():
    traced = []

    def counted(sites: dict[str, jax.Array]) -> jax.Array:
        traced.append(None)
        return gaussian(sites)

    def traces(draws: int) -> int:
        traced.clear()
        settings = SETTINGS.model_copy(update={"warmup": 50, "draws": draws})
        starts = {"a": jnp.zeros((2, 3)), "b": jnp.ones((2, 4))}
        run_chains(
            Target(lambda _: counted),
            starts,
            jax.random.key(1),
            settings,
            dense=("a",),
            inverse_mass={("a",): jnp.eye(3)},
            progress=Silent(),
        )
        return len(traced)

    # Traced to be compiled: in the gradient at the start, in the iterations; then never again.
    assert traces(50) == traces(300) == 2


def test_every_shape_is_compiled_once(caplog):
    with jax.log_compiles(), caplog.at_level(logging.WARNING, logger="jax"):
        sample(warmup=70, draws=411)
    ours = [m for m in caplog.messages if m.startswith("Finished XLA compilation of jit(function)")]
    assert len(ours) == 2, caplog.messages  # the gradient and the iterations


def test_progress_tells_the_smallest_ess_so_far(uninterrupted):
    told = Stop()
    sample(progress=told)
    assert all(note.startswith("warm-up") for note in told.notes[:16])
    later = [note for note in told.notes if "smallest ESS" in note]
    assert told.notes[-1] in later
    sizes = [float(note.rsplit(" ", 1)[1]) for note in later]
    assert sizes[-1] == round(smallest_ess({"a": uninterrupted.sites["a"]}))
    assert sizes[0] < sizes[-1]


def test_smallest_ess_is_of_the_worst_number():
    rng = np.random.default_rng(0)
    independent = rng.normal(size=(4, 500, 2))
    slow = np.cumsum(rng.normal(size=(4, 500)), axis=1)
    assert smallest_ess({"good": independent}) > 1000
    assert smallest_ess({"good": independent, "slow": slow}) < 50
    assert smallest_ess({"good": independent[:, :3]}) is None


def test_time_and_memory_are_told_before_and_after_warm_up(caplog):
    with caplog.at_level(logging.INFO, logger="taskroy"):
        sample()
    before, after = (m for m in caplog.messages if "about" in m)
    assert "Sampling will take about" in before
    assert "of memory" in before
    assert "Warm-up is over" in after
