"""Blocks of draws: read piece by piece, kept, gone on from, and computed on a cluster."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import report_tree as trees
from taskroy.errors import Fault, ModelError
from taskroy.models.scenario import (
    Augmentation,
    Automation,
    Bargaining,
    Learning,
    Prices,
    Scenario,
)
from taskroy.posteriors import block_places, draw_blocks
from taskroy.posteriors.block_places import Here, programs_here
from taskroy.posteriors.counterfactual import counterfactual
from taskroy.posteriors.draw_blocks import DrawBlocks
from taskroy.posteriors.finished_blocks import FinishedBlocks, delete_blocks, fingerprint
from taskroy.posteriors.redrawn_headlines import HEADLINES
from taskroy.posteriors.scenario_questions import Common
from taskroy.posteriors.store import open_posterior, save_posterior
from taskroy.posteriors.write_groups import chunk_shape

AUTOMATION = [Automation()]


@pytest.fixture(scope="module")
def small() -> xr.DataTree:
    """Two chains of five draws of 20 workers; two of each chain with skills drawn again."""
    tree = trees.make_tree(titles="abcd", workers=(12, 30, 14, 25), people=20)
    groups = {name: group.to_dataset() for name, group in tree.children.items()}
    groups["posterior"] = groups["posterior"].isel(draw=slice(5))
    kept = np.array([0, 3])
    again = groups["posterior"]["skill"].isel(draw=kept) + 0.1
    groups["redrawn_skills"] = again.to_dataset(name="skill").assign_coords(draw=kept)
    short = xr.DataTree.from_dict(groups)
    short.attrs = tree.attrs | {"model": tree.attrs["model"] | {"shock": "worker"}}
    return short


@pytest.fixture(autouse=True)
def blocks_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that do not end where chains do, and a last one that is filled up."""
    monkeypatch.setattr(draw_blocks, "_DRAWS", 4)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the first draws of the blocks that are computed, not found."""
    numbers: list[int] = []
    begin = Here.begin

    def noted(self: Here, question: Any, block: Any) -> Any:
        numbers.append(int(block.index[0]))
        return begin(self, question, block)

    monkeypatch.setattr(Here, "begin", noted)
    return numbers


def results(tree: xr.DataTree) -> xr.DataTree:
    names = ("counterfactual", "counterfactual_redrawn")
    return xr.DataTree.from_dict({name: tree[name].to_dataset() for name in names})


def test_draws_are_read_block_by_block(small: xr.DataTree) -> None:
    draws = small["posterior"].to_dataset()
    blocks = list(DrawBlocks(draws))
    assert [block.count for block in blocks] == [4, 4, 2]
    assert [block.index.tolist() for block in blocks][2] == [8, 9, 9, 9]
    for name in ("skill", "taste_scale"):
        read = np.concatenate([getattr(b.draws, name)[: b.count] for b in blocks])
        stacked = draws[name].to_numpy().reshape(10, *draws[name].shape[2:])
        np.testing.assert_array_equal(read, stacked)
    np.testing.assert_array_equal(blocks[2].draws.skill[3], blocks[2].draws.skill[1])


def test_blocks_of_many_workers_are_small(
    small: xr.DataTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw_blocks, "_BYTES", 1)
    assert [block.count for block in DrawBlocks(small["posterior"].to_dataset())] == [1] * 10


def test_a_posterior_on_disk_gives_the_same_bit_by_bit(
    small: xr.DataTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(chunk_shape.__kwdefaults__, "limit", 1)  # a chunk for each draw
    opened = open_posterior(save_posterior(small, tmp_path / "posterior"), lazy=True)
    assert not opened["posterior"]["skill"].variable._in_memory
    assert not opened["redrawn_skills"]["skill"].variable._in_memory
    found = counterfactual(opened, AUTOMATION)
    xr.testing.assert_identical(results(found), results(counterfactual(small, AUTOMATION)))
    assert not found["posterior"]["skill"].variable._in_memory
    again = open_posterior(save_posterior(found, tmp_path / "again"))
    xr.testing.assert_identical(results(again), results(found))
    xr.testing.assert_identical(again["posterior"], small["posterior"])


@pytest.mark.parametrize("blocks", [0, 1, 3, 4])
def test_a_counterfactual_that_was_stopped_goes_on_bit_by_bit(
    small: xr.DataTree, tmp_path: Path, computed: list[int], blocks: int
) -> None:
    folder = tmp_path / "blocks"
    expected = counterfactual(small, AUTOMATION)
    assert computed == [0, 4, 8, 0]  # the last one is of skills drawn again

    class Stopped:
        steps = 0

        def start(self, what: str, total: int, done: int = 0) -> None:
            if self.steps == blocks:
                raise KeyboardInterrupt

        def advance(self, now: int, note: str = "") -> None:
            self.steps += 1
            if self.steps == blocks:
                raise KeyboardInterrupt

        def finish(self) -> None: ...

    with pytest.raises(KeyboardInterrupt):
        counterfactual(small, AUTOMATION, blocks=folder, progress=Stopped())
    assert (len(list(folder.iterdir())) if blocks else folder.exists()) == blocks
    computed.clear()
    found = counterfactual(small, AUTOMATION, blocks=folder)
    assert computed == [0, 4, 8, 0][blocks:]
    xr.testing.assert_identical(results(found), results(expected))
    computed.clear()
    counterfactual(small, [Automation(name="the same, called otherwise")], blocks=folder)
    assert computed == []
    delete_blocks(folder)
    assert not folder.exists()


def test_damaged_and_foreign_blocks_are_computed_again(
    small: xr.DataTree, tmp_path: Path, computed: list[int]
) -> None:
    expected = counterfactual(small, AUTOMATION, blocks=tmp_path)
    first, *others = sorted(tmp_path.iterdir())
    assert all(re.fullmatch(r"[0-9a-f]{64}\.block", place.name) for place in (first, *others))
    intact = {place: place.read_bytes() for place in (first, *others)}
    content = intact[first]
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for wrong in (b"", content[:-1], content + b"x", flipped, others[0].read_bytes()):
        first.write_bytes(wrong)
        computed.clear()
        found = counterfactual(small, AUTOMATION, blocks=tmp_path)
        assert len(computed) == 1
        xr.testing.assert_identical(results(found), results(expected))
        assert {place: place.read_bytes() for place in intact} == intact


def test_a_block_that_fails_is_not_kept(small: xr.DataTree, tmp_path: Path) -> None:
    apart = [Scenario(name="p", step=(Automation(), Prices(elasticity=0.5, iterations=1)))]
    with pytest.raises(ModelError, match="do not converge in 4 of 4 draws"):
        counterfactual(small, apart, blocks=tmp_path)
    assert not list(tmp_path.iterdir())


def test_deletion_leaves_what_is_not_ours(tmp_path: Path) -> None:
    FinishedBlocks(tmp_path).save("0" * 64, {"x": np.ones(2)})
    (tmp_path / f".{'1' * 64}.block.0a1b2c3d.saving").touch()  # of a process that was killed
    (tmp_path / "mine.txt").touch()
    delete_blocks(tmp_path)
    assert os.listdir(tmp_path) == ["mine.txt"]
    delete_blocks(tmp_path / "nowhere")


def test_a_fingerprint_is_of_everything(
    small: xr.DataTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = small["constant_data"].to_dataset()
    exposure = constants["exposure"].to_pandas()

    def names(
        tree: xr.DataTree = small,
        scenario: Automation | Scenario = AUTOMATION[0],
        block: int = 0,
        only: tuple[str, ...] | None = None,
        **of: Any,
    ) -> str:
        common = Common.of(tree, **of)
        blocks = list(DrawBlocks(tree["posterior"].to_dataset()))
        return fingerprint(common, common.question(scenario, exposure, only), blocks[block])

    def other(group: str, **new: Any) -> xr.DataTree:
        tree = small.copy()
        tree[group] = xr.DataTree(small[group].to_dataset().assign(**new))
        return tree

    draws = small["posterior"].to_dataset()
    moved = draws["skill"].copy(deep=True)
    moved[0, 0, 0, 0] = np.nextafter(float(moved[0, 0, 0, 0]), 9)
    occupation_shock = small.copy()
    occupation_shock.attrs = small.attrs | {"model": {"shock": "occupation"}}
    looking_ahead = small.copy()
    looking_ahead.attrs = small.attrs | {"model": small.attrs["model"] | {"discount": 0.5}}
    found = [
        names(),
        names(scenario=Automation(above=0.3)),
        names(scenario=Automation(productivity=0.2)),
        names(scenario=Scenario(name="s", step=(Automation(), Prices()))),
        names(scenario=Scenario(name="s", step=(Automation(), Augmentation()))),
        names(scenario=Scenario(name="s", step=(Augmentation(), Automation()))),
        names(block=1),
        names(held_shocks=1),
        names(only=HEADLINES),
        names(by_weight=True),
        names(other("posterior", skill=moved)),
        names(other("posterior", amenity=draws["intercept"])),
        names(other("constant_data", labor_share=constants["labor_share"] * 0.99)),
        names(other("constant_data", task_weights=constants["task_weights"] * 0.99)),
        names(occupation_shock),
        names(looking_ahead),
    ]
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99")
    found.append(names())
    assert len(set(found)) == len(found)
    assert names() == found[-1]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Return a client of two worker processes on this machine."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_a_cluster_computes_the_same_bit_by_bit(
    small: xr.DataTree, client: Any, tmp_path: Path, computed: list[int]
) -> None:
    expected = counterfactual(small, AUTOMATION)
    computed.clear()
    found = counterfactual(small, AUTOMATION, client=client, blocks=tmp_path)
    xr.testing.assert_identical(results(found), results(expected))
    compiled = client.run(lambda: programs_here.cache_info().misses)
    assert set(compiled.values()) <= {0, 1}  # each process once
    assert sum(compiled.values()) > 0
    assert computed == []
    counterfactual(small, AUTOMATION, blocks=tmp_path)  # what the cluster has done is found here
    assert computed == []


@pytest.mark.parametrize("others", [(Bargaining(share=0.8),), (Learning(returns=0.2),)])
def test_a_cluster_gives_the_same_of_prices_and_of_shocks_that_are_held(
    small: xr.DataTree, client: Any, others: tuple[Any, ...]
) -> None:
    """Shocks by occupation: integrals, a search that starts where the last one ended, and keys."""
    few = xr.DataTree.from_dict(
        {name: small[name].to_dataset() for name in ("posterior", "constant_data")}
    )
    few.attrs = small.attrs | {"model": small.attrs["model"] | {"shock": "occupation"}}
    cleared = [Scenario(name="p", step=(Automation(), *others, Prices()))]
    expected, found = (
        counterfactual(few, cleared, held_shocks=2, client=place)["counterfactual"]
        for place in (None, client)
    )
    xr.testing.assert_identical(found.to_dataset(), expected.to_dataset())
    assert float(abs(found["log_price"]).max()) > 1e-3
    assert float(found["held_share"].sum()) > 0


def test_headlines_of_skills_drawn_again_are_those_of_all_effects(small: xr.DataTree) -> None:
    scenario = [Scenario(name="p", step=(Automation(), Prices()))]
    redrawn = counterfactual(small, scenario)["counterfactual_redrawn"].to_dataset()
    again, groups = small["redrawn_skills"].to_dataset(), {}
    for name in ("posterior", "constant_data"):
        groups[name] = small[name].to_dataset()
    kept = groups["posterior"].isel(draw=again["draw"].to_numpy())
    groups["posterior"] = kept.assign(skill=again["skill"])
    other = xr.DataTree.from_dict(groups)
    other.attrs = small.attrs
    expected = counterfactual(other, scenario)["counterfactual"].to_dataset()
    assert set(redrawn.data_vars) == {*HEADLINES}
    for name in HEADLINES:
        np.testing.assert_allclose(redrawn[name], expected[name], rtol=0, atol=1e-10)


def test_an_error_comes_back_from_a_cluster(
    small: xr.DataTree, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = [Scenario(name="p", step=(Automation(), Prices(elasticity=0.5, iterations=1)))]
    with pytest.raises(ModelError, match="'p': Occupation prices do not converge in 4 of 4"):
        counterfactual(small, apart, client=client)

    def fails(*_: Any) -> None:
        raise ModelError("Nobody works.", where="here", expected="work", remedy="work")

    monkeypatch.setattr(block_places, "_effects", fails)
    with pytest.raises(ModelError) as raised:
        counterfactual(small, AUTOMATION, client=client)
    assert str(raised.value) == "here: Nobody works.\nExpected: work.\nTo do: work."
    assert raised.value.where == "here"

    def is_lost(*_: Any) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(block_places, "_effects", is_lost)
    with pytest.raises(ModelError, match=r"cluster tcp://.*lost a block of draws.*gone"):
        counterfactual(small, AUTOMATION, client=client)


def test_errors_can_be_sent(tmp_path: Path) -> None:
    fault = Fault("what", "where", "expected", "remedy")
    error = ModelError("What.", where="there", expected="this", remedy="that", faults=[fault])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is ModelError
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
