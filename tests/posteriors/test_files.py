from pathlib import Path

import pytest

from taskroy.posteriors.files import write_atomically


def test_writes_text_as_utf8_and_bytes_as_they_are(tmp_path: Path) -> None:
    text = write_atomically(tmp_path / "text.json", "größer\r\n=1\n")
    assert text.read_bytes() == "größer\r\n=1\n".encode()
    assert write_atomically(tmp_path / "raw", b"\x00\xff").read_bytes() == b"\x00\xff"


def test_replaces_what_stands_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_atomically(path, "new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"report.html": "new"}


def test_failure_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "report.html"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"report.html": "old"}


def test_content_is_on_disk_before_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    real_fsync = os.fsync
    names_at_flush: list[bool] = []

    def recording_fsync(descriptor: int) -> None:
        names_at_flush.append(path.exists())
        real_fsync(descriptor)

    path = tmp_path / "report.html"
    monkeypatch.setattr("os.fsync", recording_fsync)
    write_atomically(path, "new")
    assert names_at_flush == [False, True]  # the file before the rename, its folder after
