"""A checkpoint's folder: whole after every kill, refused where it is of another fit."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from taskroy.errors import FitError
from taskroy.posteriors import checkpoint
from taskroy.posteriors.checkpoint import delete_checkpoint, delete_room, open_checkpoint, stands

FIT = {"the panel": "abc", "[inference]": "four chains"}
STATE = {"z/a": np.array([0.1, np.nan, -np.inf]), "i": np.asarray(7), "odd": np.array(["a", "λ"])}


def kept(folder: Path) -> Path:
    with open_checkpoint(folder, FIT) as found:
        found.save("draws-000050", {"a": np.ones(3)})
        found.save("state", STATE)
    return folder


def test_what_was_saved_is_loaded_by_the_next_process(tmp_path):
    with open_checkpoint(kept(tmp_path / "a/c"), FIT) as found:
        state = found.load("state")
        assert state.keys() == STATE.keys()
        for name, array in STATE.items():
            assert state[name].dtype == array.dtype
            np.testing.assert_array_equal(state[name], array)
        assert found.load("draws-000100") is None
        assert found.seconds > 0


def test_seconds_of_earlier_processes_count(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    with open_checkpoint(tmp_path / "c", FIT) as found:
        now[0] += 30
        found.save("state", STATE)
        now[0] += 5  # lost
    with open_checkpoint(tmp_path / "c", FIT) as found:
        found.load("state")
        now[0] += 10
        assert found.seconds == 40
        found.save("state", STATE)
        now[0] += 10
        found.load("state")  # its own: no seconds but those that have passed
        assert found.seconds == 50


def test_room_is_on_disk_and_goes_with_the_checkpoint(tmp_path):
    folder = kept(tmp_path / "c")
    with open_checkpoint(folder, FIT) as found:
        room = found.room("skill", (2, 5, 4, 3), np.float32)
        room[1, 2:4] = 2.0
        assert (room[1, 3] == 2).all()
        assert room.dtype == np.float32
    delete_room(folder)
    assert stands(folder, FIT)
    with open_checkpoint(folder, FIT) as found:
        found.room("skill", (2, 5, 4, 3), np.float32)[:] = 1.0
    delete_checkpoint(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("fit", "match"),
    [
        ({**FIT, "the panel": "abd"}, r"not the same: the panel\."),
        ({**FIT, "[inference]": "two"}, r"not the same: \[inference\]\."),
        ({**FIT, "devices": "2 x cpu"}, r"not the same: devices\."),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(tmp_path, fit, match):
    folder = kept(tmp_path / "c")
    with pytest.raises(FitError, match=match), open_checkpoint(folder, fit):
        pass
    assert stands(folder, FIT)
    assert not stands(folder, fit)
    assert not stands(tmp_path / "nowhere", FIT)


def test_a_save_that_is_killed_leaves_the_one_before(tmp_path, monkeypatch):
    folder = kept(tmp_path / "c")

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with open_checkpoint(folder, FIT) as found:
        monkeypatch.setattr("os.fsync", die)
        with pytest.raises(Killed):
            found.save("state", {"i": np.asarray(8)})
        monkeypatch.undo()
    # What kill -9 leaves, and Python's own cleaning does not:
    (folder / ".state.npz.0a1b2c3d.saving").write_bytes(b"half")
    with open_checkpoint(folder, FIT) as found:
        assert found.load("state")["i"] == 7
    assert sorted(os.listdir(folder)) == [".lock", "draws-000050.npz", "manifest.json", "state.npz"]


def test_a_damaged_file_is_refused(tmp_path):
    folder = kept(tmp_path / "c")
    whole = (folder / "state.npz").read_bytes()
    middle = len(whole) // 3
    for damaged in (
        b"",
        whole[:-30],
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
    ):
        (folder / "state.npz").write_bytes(damaged)
        with (
            open_checkpoint(folder, FIT) as found,
            pytest.raises(FitError, match="checkpoint is damaged"),
        ):
            found.load("state")
    (folder / "manifest.json").write_text("{}")
    with (
        pytest.raises(FitError, match="no checkpoint that this version"),
        open_checkpoint(folder, FIT),
    ):
        pass


def test_files_without_a_manifest_count_for_nothing(tmp_path):
    folder = kept(tmp_path / "c")
    (folder / "manifest.json").unlink()  # a deletion that was cut short
    with open_checkpoint(folder, FIT | {"the panel": "new"}) as found:
        assert found.load("state") is None
        found.save("start", {"a": np.zeros(1)})
        assert found.load("draws-000050") is None


def test_nothing_of_anybody_else_is_deleted(tmp_path):
    (tmp_path / "panel.npz").write_text("mine")
    with (
        pytest.raises(FitError, match=r"holds other things \('panel\.npz'\)"),
        open_checkpoint(tmp_path, FIT),
    ):
        pass
    folder = kept(tmp_path / "c")
    (folder / "notes.txt").write_text("mine")
    delete_checkpoint(folder)
    assert sorted(os.listdir(folder)) == [".lock", "notes.txt"]
    (folder / "notes.txt").unlink()
    delete_checkpoint(folder)
    assert not folder.exists()
    delete_checkpoint(folder)


def test_one_fit_at_a_time(tmp_path):
    with (
        open_checkpoint(tmp_path / "c", FIT),
        pytest.raises(FitError, match="Another fit is using"),
        open_checkpoint(tmp_path / "c", FIT),
    ):
        pass
