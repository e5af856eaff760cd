"""Common covariates: year effects, a polynomial in experience, and plain columns.

They enter every occupation's log wage alike and so cancel in the choice. Every design column is
centred over the panel's rows: potential wages are then wages at the sample's mean covariates, and
intercepts and mean skills keep their meaning whatever covariates are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from taskroy.data.names import suggest
from taskroy.errors import DataError

MAX_DEGREE = 5  # higher powers of a standardised column are collinear in practice
RANK_TOLERANCE = 1e-8  # share of a column's length that must be new


@dataclass(frozen=True)
class Covariates:
    """Which common covariates a study uses.

    Attributes
    ----------
    year_effects
        One indicator for each year but the first; a one-year panel has none.
    experience
        Column of experience (or age), in years; None for no polynomial.
    experience_degree
        Degree of the polynomial; the column is standardised before powers are taken, so that the
        columns have comparable scale.
    columns
        Plain numeric columns, used as they are (centred).
    """

    year_effects: bool = True
    experience: str | None = None
    experience_degree: int = 2
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that no panel could satisfy."""
        columns = (self.columns,) if isinstance(self.columns, str) else tuple(self.columns)
        object.__setattr__(self, "columns", columns)
        if self.experience_degree not in range(1, MAX_DEGREE + 1):
            raise DataError(
                f"The degree of the experience polynomial is {self.experience_degree}.",
                where="covariates, experience_degree",
                expected=f"a whole number from 1 to {MAX_DEGREE}",
                remedy="use 2 unless the data speak against it",
            )
        if len(set(self.used)) != len(self.used):
            raise DataError(
                "A covariate is named twice: " + ", ".join(self.used) + ".",
                where="covariates",
                expected="each column once",
                remedy="name a column either as experience or among the plain columns",
            )

    @property
    def used(self) -> tuple[str, ...]:
        """Columns that the data must have for these covariates."""
        return (*((self.experience,) if self.experience else ()), *self.columns)


def with_design(
    frame: pd.DataFrame, covariates: Covariates, *, source: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Append the design columns to a frame of validated rows.

    Parameters
    ----------
    frame
        Rows with ``year`` and the numeric columns that ``covariates`` uses.
    covariates
        What to build.
    source
        Where the frame came from, for messages.

    Returns
    -------
    tuple
        The frame with the design columns appended, and their names: ``year 1981``,
        ``exper^1`` (powers of the standardised column), ``educ - mean``.

    Raises
    ------
    DataError
        If a column is missing, constant, or a linear combination of those before it.
    """
    design: dict[str, pd.Series] = {}
    if covariates.year_effects:
        for year in sorted(frame["year"].unique())[1:]:
            design[f"year {year}"] = (frame["year"] == year).astype(np.float64)
    for column in covariates.used:
        values = _numeric(frame, column, source)
        if column != covariates.experience:
            design[f"{column} - mean"] = values
            continue
        standardised = (values - values.mean()) / values.std(ddof=0)
        for power in range(1, covariates.experience_degree + 1):
            design[f"{column}^{power}"] = standardised**power
    names = tuple(design)
    clash = [name for name in names if name in frame.columns]
    if clash:
        raise DataError(
            f"The column name '{clash[0]}' is used for a covariate that taskroy builds.",
            where=source,
            remedy=f"rename the column '{clash[0]}' of the panel",
        )
    built = pd.DataFrame(design, index=frame.index)
    built -= built.mean()
    _refuse_collinear(built, source)
    return pd.concat([frame, built], axis=1), names


def _numeric(frame: pd.DataFrame, column: str, source: str) -> pd.Series:
    """One raw covariate as float64; the readers have made it numeric and finite."""
    if column not in frame.columns:
        raise DataError(
            f"The covariate column '{column}' is not in the panel."
            + suggest(column, map(str, frame.columns)),
            where=source,
            expected="columns of the panel: " + ", ".join(map(str, frame.columns)),
            remedy="correct the name in the covariates",
        )
    values = frame[column].astype(np.float64)
    if np.ptp(values.to_numpy()) == 0.0:
        raise DataError(
            f"The covariate column '{column}' is constant ({values.iloc[0]:g} in every row).",
            where=source,
            expected="a column that varies over the panel's rows",
            remedy="leave it out of the covariates",
        )
    return values


def _refuse_collinear(built: pd.DataFrame, source: str) -> None:
    """Name the first column that those before it (and the constant) already span."""
    if built.empty:
        return
    scaled = built.to_numpy() / np.linalg.norm(built.to_numpy(), axis=0)
    new = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    new = np.concatenate([new, np.zeros(scaled.shape[1] - len(new))])  # more columns than rows
    for name, share in zip(built.columns, new, strict=True):
        if share < RANK_TOLERANCE:
            raise DataError(
                f"The covariate '{name}' is a linear combination of the covariates before it.",
                where=source,
                expected="covariates that are linearly independent of each other",
                remedy=f"leave '{name}' out, or lower the degree of the polynomial",
            )
