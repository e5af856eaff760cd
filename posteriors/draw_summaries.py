"""Summaries over draws of what is too wide to be kept draw by draw, in flat memory.

Blocks of draws are written to a temporary file as they come, and read back in blocks of columns:
quantiles are those of all draws, and neither the draws nor the columns are ever in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.05, 0.5, 0.95)
_COLUMNS = 512


class DrawSummaries:
    """Collects rows of one quantity, one row a draw, and sums them up column by column."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shape: dict[str, tuple[int, ...]] = {}

    @classmethod
    @contextmanager
    def collecting(cls) -> Iterator[DrawSummaries]:
        """Collect in a temporary folder, which goes at the end."""
        with TemporaryDirectory(prefix="taskroy-") as folder:
            yield cls(Path(folder))

    def add(self, name: str, rows: NDArray[np.float64]) -> None:
        """Add draws of a quantity.

        Parameters
        ----------
        name
            The quantity; a plain identifier.
        rows
            (draws, …); the same shape after the first dimension at every call.
        """
        self._shape.setdefault(name, rows.shape[1:])
        with (self._folder / name).open("ab") as file:
            file.write(np.ascontiguousarray(rows, dtype=np.float64).tobytes())

    def summaries(
        self, name: str, dimensions: tuple[str, ...]
    ) -> Mapping[str, tuple[tuple[str, ...], NDArray[Any]]]:
        """Return mean, sd, probability of a rise and quantiles over all draws.

        Parameters
        ----------
        name
            The quantity.
        dimensions
            Their names.

        Returns
        -------
        Mapping
            Variables by what follows the quantity's name: ``mean``, ``sd``, ``positive`` with its
            dimensions, and ``quantile`` with the dimension of that name before them.
        """
        shape = self._shape[name]
        width = int(np.prod(shape))
        rows = np.memmap(self._folder / name, np.float64, mode="r").reshape(-1, width)
        parts = [
            _summed_up(np.asarray(rows[:, first : first + _COLUMNS]))
            for first in range(0, width, _COLUMNS)
        ]
        joined = {key: np.concatenate([part[key] for part in parts], -1) for key in parts[0]}
        return {
            key: (
                ("quantile", *dimensions) if key == "quantile" else dimensions,
                values.reshape(*values.shape[:-1], *shape),
            )
            for key, values in joined.items()
        }


def _summed_up(columns: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return {
        "mean": columns.mean(0),
        "sd": columns.std(0),
        "positive": (columns > 0).mean(0),
        "quantile": np.quantile(columns, QUANTILES, axis=0),
    }
