"""How long work tells how far it is; the face decides what a person sees of it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told about one piece of long work at a time."""

    def start(self, what: str, total: int, done: int = 0) -> None:
        """Begin a piece of work of `total` steps, of which `done` were done before."""

    def advance(self, done: int, note: str = "") -> None:
        """Report that `done` steps are done."""

    def finish(self) -> None:
        """End the piece of work."""


class Silent:
    """Tells nobody."""

    def start(self, what: str, total: int, done: int = 0) -> None:
        """Do nothing."""

    def advance(self, done: int, note: str = "") -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""
