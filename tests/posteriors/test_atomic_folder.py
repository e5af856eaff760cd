"""Whole or absent: savers killed at any file operation, savers at once, readers meanwhile."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from filelock import FileLock

from taskroy.errors import StoreError
from taskroy.posteriors.store import open_posterior, save_posterior, verify

# Forks one saver per line "PATH NUMBER KILL_AT", which is killed with -9 before its KILL_AT-th
# operation beside or below PATH (0: never), and prints how the saver ended and how many operations
# it made. The imports, seconds long, are thus paid once.
SAVERS = """
import os, signal, sys
import numpy as np, xarray as xr
from taskroy.posteriors.store import save_posterior

EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.listdir"}

def save(path, number, kill_at, report):
    count = 0
    def hook(event, arguments):
        nonlocal count
        if event in EVENTS and str(arguments[0]).startswith(os.path.dirname(path)):
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    draws = np.full((2, 50, 4), float(number))
    groups = {
        name: xr.Dataset({"a": (("chain", "draw", "task"), draws), "b": ((), number)})
        for name in ("posterior", "counterfactual")
    }
    save_posterior(xr.DataTree.from_dict(groups), path, overwrite=True)
    os.write(report, str(count).encode())

for line in sys.stdin:
    path, number, kill_at = line.split()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            save(path, int(number), int(kill_at), writing)
        finally:
            os._exit(0)
    os.close(writing)
    _, status = os.waitpid(pid, 0)
    print(os.WTERMSIG(status), os.read(reading, 20).decode() or 0, flush=True)
    os.close(reading)
"""


class Savers:
    """A process that forks savers and kills them on demand."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def save(self, path: Path, number: int, *, kill_at: int = 0) -> tuple[int, int]:
        """Return the signal that ended the saver, and how many operations it made if none did."""
        assert self.process.stdin
        assert self.process.stdout
        print(path, number, kill_at, file=self.process.stdin, flush=True)
        ended_by, operations = self.process.stdout.readline().split()
        return int(ended_by), int(operations)


@pytest.fixture(scope="module")
def savers() -> Iterator[Savers]:
    with subprocess.Popen(
        [sys.executable, "-c", SAVERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Savers(process)
        process.stdin.close()  # type: ignore[union-attr]  # it is a pipe


def number_in(path: Path) -> int:
    """Open a posterior made by a saver, and return its number once all of it agrees."""
    tree = open_posterior(path)
    numbers = {int(tree[f"{group}/b"]) for group in ("posterior", "counterfactual")}
    for group in ("posterior", "counterfactual"):
        numbers |= {int(x) for x in np.unique(tree[group].dataset["a"])}
    (number,) = numbers
    return number


def moments(rng: np.random.Generator, operations: int) -> list[int]:
    """Random moments, and every one of the last dozen, where folders are renamed and deleted."""
    early = rng.choice(np.arange(1, operations - 11), size=18, replace=False)
    return [*map(int, early), *range(operations - 11, operations + 1)]


def test_a_killed_first_save_leaves_all_or_nothing(savers: Savers, tmp_path: Path) -> None:
    ended_by, operations = savers.save(tmp_path / "unharmed", 1)
    assert ended_by == 0
    killed = 0
    for at in moments(np.random.default_rng(1), operations):
        path = tmp_path / f"killed_{at}"
        ended_by, _ = savers.save(path, 1, kill_at=at)
        killed += ended_by == signal.SIGKILL
        if path.exists() or not ended_by:
            assert number_in(path) == 1
    assert killed > 20  # zarr writes from several threads, so that the count varies by a few


def test_a_killed_replacement_leaves_the_old_or_the_new(savers: Savers, tmp_path: Path) -> None:
    path = tmp_path / "posterior"
    savers.save(path, 1)
    _, operations = savers.save(path, 2)
    standing, seen = 2, set()
    for new, at in enumerate(moments(np.random.default_rng(2), operations), start=3):
        ended_by, _ = savers.save(path, new, kill_at=at)
        found = number_in(path)
        assert found in ((standing, new) if ended_by else (new,))
        if ended_by == signal.SIGKILL:
            seen.add("new" if found == new else "old")
        standing = found
    assert seen == {"old", "new"}  # the moments lie on both sides of the switch

    savers.save(path, 1000)
    assert number_in(path) == 1000
    assert len(list(path.iterdir())) == 2  # nothing is left of the killed ones
    assert {p.name for p in tmp_path.iterdir()} == {"posterior", ".posterior.lock"}


def test_savers_at_once_leave_one_whole_posterior(tmp_path: Path) -> None:
    path = tmp_path / "posterior"
    outcomes: list[str] = []

    def save(number: int) -> None:
        try:
            save_posterior(a_tree(number), path)
            outcomes.append(f"saved {number}")
        except StoreError as error:
            outcomes.append(error.what)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = f"saved {int(open_posterior(path)['posterior/x'])}"
    assert sorted(outcomes) == sorted([winner] + 3 * ["something already stands here."])


def test_a_reader_never_sees_two_posteriors(tmp_path: Path) -> None:
    path = save_posterior(a_tree(0), tmp_path / "posterior")
    done = threading.Event()

    def replace() -> None:
        for number in range(1, 12):
            save_posterior(a_tree(number), path, overwrite=True)
        done.set()

    writer = threading.Thread(target=replace)
    writer.start()
    last = -1
    while not done.is_set():
        tree = open_posterior(path)
        number = int(tree["posterior/x"])
        assert number == int(tree["prior/x"]) >= last
        last = number
    writer.join()
    assert int(open_posterior(path)["posterior/x"]) == 11


def test_a_saver_waits_for_another_and_then_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskroy.posteriors.atomic_folder.LOCK_SECONDS", 0.1)
    unfinished = tmp_path / f".posterior.{'0' * 32}.saving"
    unfinished.mkdir()
    with (
        FileLock(tmp_path / ".posterior.lock"),
        pytest.raises(StoreError, match="another process is saving"),
    ):
        save_posterior(a_tree(0), tmp_path / "posterior")
    assert unfinished.exists()  # its owner lives


def test_only_our_own_leftovers_are_removed(tmp_path: Path) -> None:
    ours = tmp_path / f".posterior.{'0' * 32}.saving"
    others = [
        tmp_path / f".other.{'0' * 32}.saving",
        tmp_path / ".posterior.notes.saving",
        tmp_path / f"posterior.{'0' * 32}.saving",
    ]
    for folder in (ours, *others):
        folder.mkdir()
        (folder / "file").write_text("")
    save_posterior(a_tree(0), tmp_path / "posterior")
    assert not ours.exists()
    assert all((folder / "file").exists() for folder in others)


def test_all_is_on_disk_before_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "posterior"
    flushed_before: set[int] = set()
    flushed_after: set[int] = set()
    real_fsync = os.fsync

    def recording_fsync(descriptor: int) -> None:
        (flushed_after if path.exists() else flushed_before).add(os.fstat(descriptor).st_ino)
        real_fsync(descriptor)

    monkeypatch.setattr("os.fsync", recording_fsync)
    save_posterior(a_tree(0), path)
    assert flushed_before >= {p.stat().st_ino for p in (path, *path.rglob("*"))}
    assert flushed_after == {tmp_path.stat().st_ino}
    verify(path)


def a_tree(number: int) -> xr.DataTree:
    return xr.DataTree.from_dict({g: xr.Dataset({"x": number}) for g in ("posterior", "prior")})
