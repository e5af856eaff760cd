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

from taskroy.posteriors.batch_means import batch_error

_COLUMNS = 512


def quantiles_of(level: float) -> tuple[float, float, float]:
    """Return the ends of an equal-tailed band of some probability, the median between them."""
    return round((1 - level) / 2, 12), 0.5, round((1 + level) / 2, 12)


class DrawSummaries:
    """Collects rows of one quantity, one row a draw, and sums them up column by column.

    Parameters
    ----------
    folder
        Where rows are kept meanwhile.
    chains
        How many chains of the same length the draws are of, one after the other.
    level
        Probability between the outer quantiles.
    """

    def __init__(self, folder: Path, chains: int = 1, level: float = 0.9) -> None:
        self._folder, self._chains, self._quantiles = folder, chains, quantiles_of(level)
        self._shape: dict[str, tuple[int, ...]] = {}

    @classmethod
    @contextmanager
    def collecting(cls, *, chains: int = 1, level: float = 0.9) -> Iterator[DrawSummaries]:
        """Collect in a temporary folder, which goes at the end."""
        with TemporaryDirectory(prefix="taskroy-") as folder:
            yield cls(Path(folder), chains, level)

    @property
    def names(self) -> list[str]:
        """What was added so far."""
        return list(self._shape)

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
        """Return mean with its error, sd, probability of a rise and quantiles over all draws.

        Parameters
        ----------
        name
            The quantity.
        dimensions
            Their names.

        Returns
        -------
        Mapping
            Variables by what follows the quantity's name: ``mean``, ``mcse`` (the Monte Carlo
            standard error of the mean), ``sd``, ``positive`` with its dimensions, and ``quantile``
            with the dimension of that name before them. A draw that is not a number is left out;
            then there is no error, and where there is no other draw, there is nothing.
        """
        shape = self._shape[name]
        width = int(np.prod(shape))
        rows = np.memmap(self._folder / name, np.float64, mode="r").reshape(-1, width)
        parts = [
            self._summed_up(np.asarray(rows[:, first : first + _COLUMNS]))
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

    def _summed_up(self, columns: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        missing = np.isnan(columns)
        if missing.any():
            return self._summed_up_known(columns, missing.all(0))
        return {
            "mean": columns.mean(0),
            "mcse": batch_error(columns, self._chains),
            "sd": columns.std(0),
            "positive": (columns > 0).mean(0),
            "quantile": np.quantile(columns, self._quantiles, axis=0),
        }

    def _summed_up_known(
        self, columns: NDArray[np.float64], empty: NDArray[np.bool_]
    ) -> dict[str, NDArray[np.float64]]:
        known = np.where(empty, 0.0, columns)  # NumPy would warn of columns without a number
        found = {
            "mean": np.nanmean(known, 0),
            "mcse": batch_error(columns, self._chains),
            "sd": np.nanstd(known, 0),
            "positive": np.nanmean(np.where(np.isnan(known), np.nan, known > 0), 0),
            "quantile": np.nanquantile(known, self._quantiles, axis=0),
        }
        return {key: np.where(empty, np.nan, values) for key, values in found.items()}
