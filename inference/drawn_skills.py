"""Every worker's skills in every draw: the one array that may not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from taskroy.inference.checkpoint import Room


@dataclass(frozen=True)
class DrawnSkills:
    """Skills of workers, (chain, draw, N, K), of which some draws at a time are in memory.

    Draws are numbered chain by chain.

    Attributes
    ----------
    room
        Where they are.
    """

    room: Room

    def __getitem__(self, numbers: Int[np.ndarray, " M"]) -> Float[np.ndarray, "M N K"]:
        """Read some draws."""
        return np.stack([self.room[divmod(int(i), self.room.shape[1])] for i in numbers])

    def write(self, first: int, rows: Float[np.ndarray, "M N K"]) -> None:
        """Write consecutive draws, from a number on."""
        draws, done = self.room.shape[1], 0
        while done < len(rows):
            chain, draw = divmod(first + done, draws)
            count = min(len(rows) - done, draws - draw)
            self.room[chain, draw : draw + count] = rows[done : done + count]
            done += count

    def blocks(self, size: int) -> Iterator[tuple[int, Float[np.ndarray, "M N K"]]]:
        """Read all draws in order, some at a time, each time with the number of the first."""
        draws = self.room.shape[1]
        for chain in range(self.room.shape[0]):
            for draw in range(0, draws, size):
                yield chain * draws + draw, self.room[chain, draw : min(draw + size, draws)]


@dataclass(frozen=True)
class ChosenSkills:
    """Skills of some draws, read when they are asked for by their places among these."""

    skills: DrawnSkills
    numbers: Int[np.ndarray, " D"]

    def __getitem__(self, places: Int[np.ndarray, " M"]) -> Float[np.ndarray, "M N K"]:
        """Read some of them."""
        return self.skills[self.numbers[places]]
