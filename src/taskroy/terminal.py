"""What a person at a terminal sees: safe text, notes and progress, all on stderr."""

from __future__ import annotations

import logging
import os
import sys
import time
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

SECONDS_BETWEEN_LINES = 5.0
_UNSAFE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, invisible, unpaired, private, line ends


def plain(text: object) -> str:
    r"""Return text that cannot steer a terminal: control and direction marks are spelt out.

    Line feeds and tabs stay.
    """
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in _UNSAFE
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in str(text)
    )


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints text as it is: no markup, no emoji codes, no cut lines."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Let a process end in order whatever its standard streams are: closed, full, or ASCII only."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a letter shows its code
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except OSError as error:
        sys.exit(f"Error: {error.strerror}.")
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError:  # said already; without this, Python would say it again as it ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def notes(out: Console) -> Iterator[list[str]]:
    """Show taskroy's log and warnings on a console while the block runs.

    Yields
    ------
    list of str
        The warnings so far.
    """
    found: list[str] = []

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            style = "yellow" if record.levelno >= logging.WARNING else ""
            out.print(Text(plain(record.getMessage()), style))

    log, handler = logging.getLogger("taskroy"), Shown()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    with warnings.catch_warnings():
        ordinary = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: object = None,
            line: str | None = None,
        ) -> None:
            if category.__module__.startswith("taskroy."):
                found.append(str(message))
                out.print(Text(f"Warning: {plain(message)}", "yellow"))
            else:
                ordinary(message, category, filename, lineno, None, line)

        warnings.showwarning = show
        try:
            yield found
        finally:
            log.removeHandler(handler)
            log.setLevel(level)


class TerminalProgress:
    """A bar on a terminal; elsewhere (a file, a pipe) a line every few seconds."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._what, self._total, self._before = "", 0, 0
        self._began = self._said = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, what: str, total: int, done: int = 0) -> None:
        """Begin a piece of work of `total` steps, of which `done` were done before."""
        self._what, self._total, self._before = plain(what), total, done
        self._began = self._said = time.monotonic()
        if not self._console.is_terminal:
            self._line("begins")
            return
        columns = (TextColumn("{task.description}", markup=False), BarColumn())
        clock = (TimeRemainingColumn(elapsed_when_finished=True),)
        note = TextColumn("{task.fields[note]}", markup=False)
        self._bar = Progress(*columns, *clock, note, console=self._console, transient=True)
        self._task = self._bar.add_task(self._what, total=total, completed=done, note="")
        self._bar.start()

    def advance(self, done: int, note: str = "") -> None:
        """Report that `done` steps are done."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, note=plain(note))
        elif time.monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            seconds, new = time.monotonic() - self._began, done - self._before
            left = f", about {seconds * (self._total - done) / new:.0f} s left" if new else ""
            self._line(f"{done} of {self._total}{left}" + (f" ({plain(note)})" if note else ""))

    def finish(self) -> None:
        """End the piece of work."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None
        self._line(f"done in {time.monotonic() - self._began:.0f} s")

    def _line(self, what: str) -> None:
        self._said = time.monotonic()
        self._console.print(Text(f"{self._what}: {what}"))
