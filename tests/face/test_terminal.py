from __future__ import annotations

import io
import logging
import unicodedata
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from taskroy import terminal
from taskroy.data.validate import PanelWarning
from taskroy.terminal import TerminalProgress, notes, plain


@given(st.text(st.characters()))
def test_plain_text_steers_nothing_and_keeps_what_is_harmless(text: str) -> None:
    safe = plain(text)
    assert all(unicodedata.category(c)[0] != "C" or c in "\n\t" for c in safe if c.isascii())
    assert "\u202e" not in safe
    assert plain(safe) == safe
    harmless = [c for c in text if unicodedata.category(c)[0] in "LNPS" or c in " \n\t"]
    if len(harmless) == len(text):
        assert safe == text


def test_plain_text_survives_odd_file_names() -> None:
    assert plain("a\udcffb\x1b[31m") == "a\\udcffb\\x1b[31m"


def test_log_and_warnings_are_shown_while_the_block_runs() -> None:
    out = io.StringIO()
    log = logging.getLogger("taskroy.anything")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with notes(Console(file=out)) as found:
            log.info("a posterior\x1b is stored")
            warnings.warn("odd wages", PanelWarning, stacklevel=1)
    log.info("not shown")
    assert out.getvalue() == "a posterior\\x1b is stored\nWarning: odd wages\n"
    assert found == ["odd wages"]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of a clock that stands still unless a test moves it."""
    seconds = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[0])
    return seconds


def test_progress_in_a_file_is_a_line_every_few_seconds(
    capsys: pytest.CaptureFixture[str], now: list[float]
) -> None:
    with TerminalProgress() as progress:
        progress.start("Sampling", 100)
        for done in range(1, 101):
            now[0] += 0.125
            progress.advance(done, "warm-up")
        progress.finish()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Sampling: begins"
    assert lines[1] == "Sampling: 40 of 100, about 8 s left (warm-up)"
    assert lines[-1] == "Sampling: done in 12 s"
    assert len(lines) == 4


def test_what_was_done_before_took_no_time(
    capsys: pytest.CaptureFixture[str], now: list[float]
) -> None:
    with TerminalProgress() as progress:
        progress.start("Sampling", 100, 60)
        now[0] += 10
        progress.advance(80)
        progress.finish()
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "Sampling: 80 of 100, about 10 s left"


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    screen = Console(file=out, force_terminal=True, width=80)
    monkeypatch.setattr(terminal, "console", lambda *, stderr: screen)
    with TerminalProgress() as progress:
        progress.start("[red]Sampling", 100)
        progress.advance(50, "[b]note")
        progress.finish()
    assert "[red]Sampling" in out.getvalue()
    assert out.getvalue().rstrip().endswith("[red]Sampling: done in 0 s")


def test_progress_leaves_no_bar_behind_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    monkeypatch.setattr(terminal, "console", lambda *, stderr: screen)

    def work(progress: TerminalProgress) -> None:
        with progress:
            progress.start("Sampling", 100)
            raise ValueError("halfway")

    progress = TerminalProgress()
    with pytest.raises(ValueError, match="halfway"):
        work(progress)
    progress.start("Again", 1)  # rich refuses a second live bar on one screen
    progress.finish()
