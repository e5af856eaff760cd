"""A worker panel: one validated long frame, and the padded arrays that models read.

A :class:`Panel` is made by the readers (:func:`taskroy.data.load.load_panel`), which validate
first; the checks here guard the invariants that everything downstream relies on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from taskroy.data.groups import group_members, kept_as
from taskroy.data.names import suggest
from taskroy.data.rules import is_missing
from taskroy.data.sample_flow import SampleFlow
from taskroy.errors import DataError

REQUIRED = ("worker", "year", "occupation", "log_wage")


@dataclass(frozen=True, eq=False)
class PanelArrays:
    """A panel as padded NumPy arrays, left-aligned in the order of observation.

    Padded cells hold harmless finite values (occupation 0, the worker's first log wage, design 0,
    year 0, weight 0), so that masked arithmetic never meets a NaN.

    Attributes
    ----------
    log_wage
        (N, T) float64, natural log of the hourly wage.
    occupation
        (N, T) int32, index into the occupations given to :meth:`Panel.arrays`.
    observed
        (N, T) bool, False where padded.
    design
        (N, T, P) float64, common covariates, each centred over the panel's rows.
    covariate_names
        Names of the P design columns.
    worker
        (N,) original labels.
    year
        (N, T) int64.
    weight
        (N, T) float64 observation weights, 1 where the panel has none.
    """

    log_wage: NDArray[np.float64]
    occupation: NDArray[np.int32]
    observed: NDArray[np.bool_]
    design: NDArray[np.float64]
    covariate_names: tuple[str, ...]
    worker: NDArray[np.generic]
    year: NDArray[np.int64]
    weight: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse shapes that would broadcast silently, and padding that is not finite."""
        if self.log_wage.ndim != 2:
            raise _shape_error("log_wage", self.log_wage.shape, "(N, T)")
        shape = self.log_wage.shape
        for name in ("occupation", "observed", "year", "weight"):
            if getattr(self, name).shape != shape:
                raise _shape_error(name, getattr(self, name).shape, f"{shape}, as log_wage")
        if self.worker.shape != shape[:1]:
            raise _shape_error("worker", self.worker.shape, str(shape[:1]))
        design_shape = (*shape, len(self.covariate_names))
        if self.design.shape != design_shape:
            raise _shape_error("design", self.design.shape, str(design_shape))
        for name in ("log_wage", "design", "weight"):
            if not np.isfinite(getattr(self, name)).all():
                raise DataError(
                    f"The array '{name}' holds a value that is not finite.",
                    expected="finite values everywhere, padded cells included",
                    remedy="build the arrays with Panel.arrays, which validates and pads",
                )
        if not self.observed.any(axis=1).all():
            raise DataError(
                "A worker has no observed year.",
                expected="at least one observation of each worker",
                remedy="drop the worker",
            )

    @property
    def worker_weight(self) -> NDArray[np.float64]:
        """Mean weight of each worker over the observed years, shape (N,)."""
        counts = self.observed.sum(axis=1)
        return np.asarray(self.weight.sum(axis=1) / counts, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Panel:
    """Workers, years, occupations and log wages, validated and sorted by (worker, year).

    Attributes
    ----------
    frame
        One row a worker-year: ``worker``, ``year`` (int64), ``occupation`` (str), ``log_wage``
        (float64, natural log of the hourly wage), optionally ``weight``, raw columns that the
        reader kept, and the design columns named in ``covariates``.
    covariates
        Names of the design columns: numeric, each centred over the rows, so that intercepts and
        skills describe wages at the sample's mean covariates.
    source
        Where the panel came from, in words.
    groups
        What winners and losers are told apart by: each has a text column ``by <name>``.
    flow
        How many rows and workers were read, and how many each rule of the sample left.
    """

    frame: pd.DataFrame
    covariates: tuple[str, ...]
    source: str
    groups: tuple[str, ...] = ()
    flow: SampleFlow = ()

    def __post_init__(self) -> None:
        """Guard the invariants: columns, types, finite numbers, unique and sorted worker-years."""
        missing = [name for name in (*REQUIRED, *self.covariates) if name not in self.frame.columns]
        if missing or self.frame.empty or self.frame.columns.has_duplicates:
            problem = (
                "lacks " + ", ".join(missing) if missing else "has no rows or a doubled column"
            )
            raise DataError(f"The panel's frame {problem}.", where=self.source, remedy=_BUILD)
        numeric = ["log_wage", *self.covariates, *(["weight"] if self.has_weights else [])]
        if not np.isfinite(self.frame[numeric].to_numpy(dtype=np.float64)).all():
            raise DataError(
                "A number in the panel is not finite.",
                where=self.source,
                expected=f"finite values in {', '.join(numeric)}",
                remedy=_BUILD,
            )
        if not pd.MultiIndex.from_frame(self.frame[["worker", "year"]]).is_monotonic_increasing:
            raise DataError(
                "The panel's rows are not sorted by worker and year.",
                where=self.source,
                remedy=_BUILD,
            )
        if self.frame.duplicated(["worker", "year"]).any():
            raise DataError("A worker-year appears twice.", where=self.source, remedy=_BUILD)

    @property
    def has_weights(self) -> bool:
        """Whether the panel carries observation weights."""
        return "weight" in self.frame.columns

    @cached_property
    def occupations(self) -> tuple[str, ...]:
        """Occupation codes observed, sorted."""
        return tuple(sorted(self.frame["occupation"].unique()))

    def members(self) -> pd.DataFrame:
        """Say which worker belongs to which group.

        Returns
        -------
        pandas.DataFrame
            Truth values: a row for each worker, in the order of :meth:`arrays`, by his last known
            value; a column for each group, named such as ``educ: 12 to 13``.
        """
        texts = self.frame[[kept_as(name) for name in self.groups]]
        texts = texts.set_axis(list(self.groups), axis=1).where(lambda x: ~x.apply(is_missing))
        last = texts.groupby(self.frame["worker"]).last()
        return group_members(last.fillna("").astype(str), self.source)

    @cached_property
    def sha256(self) -> str:
        """Hash of the content (not of the source's name), for provenance."""
        text = self.frame.to_csv(index=False, float_format="%.17g", lineterminator="\n")
        header = "\x1f".join(self.covariates) + "\n"
        return hashlib.sha256((header + text).encode()).hexdigest()

    def summary(self) -> pd.DataFrame:
        """Describe the panel occupation by occupation, unweighted.

        Returns
        -------
        pandas.DataFrame
            Indexed by occupation: ``workers`` ever seen there, ``observations`` (worker-years),
            ``share`` of all worker-years, ``mean_log_wage`` and ``sd_log_wage`` (NaN where one
            observation leaves it undefined).
        """
        groups = self.frame.groupby("occupation", observed=True)
        observations = groups.size()
        return pd.DataFrame(
            {
                "workers": groups["worker"].nunique(),
                "observations": observations,
                "share": observations / len(self.frame),
                "mean_log_wage": groups["log_wage"].mean(),
                "sd_log_wage": groups["log_wage"].std(),
            }
        )

    def arrays(self, occupations: Sequence[str]) -> PanelArrays:
        """Pad the panel into arrays.

        Parameters
        ----------
        occupations
            The occupation codes in the model's order; must hold every code observed.

        Returns
        -------
        PanelArrays
            N workers in sorted order by T, the longest history.

        Raises
        ------
        DataError
            If ``occupations`` repeats a code or lacks one that the panel holds.
        """
        codes = [occupations] if isinstance(occupations, str) else list(occupations)
        if len(set(codes)) != len(codes):
            raise DataError("The list of occupations repeats a code.", remedy="list each code once")
        for code in self.occupations:
            if code not in codes:
                raise DataError(
                    f"Occupation '{code}' is in the panel and not in the list of occupations."
                    + suggest(code, codes),
                    where=self.source,
                    expected="a list that holds every occupation observed",
                    remedy="add the occupation to the task table, or drop its rows from the panel",
                )
        worker, labels = pd.factorize(self.frame["worker"])  # sorted already: ids ascend
        counts = np.bincount(worker)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        cell = (worker, np.arange(len(worker)) - starts[worker])
        shape = (len(labels), int(counts.max()))

        log_wages = self.frame["log_wage"].to_numpy(dtype=np.float64)
        log_wage = np.repeat(log_wages[starts][:, None], shape[1], axis=1)
        log_wage[cell] = log_wages
        occupation = np.zeros(shape, dtype=np.int32)
        occupation[cell] = self.frame["occupation"].map({c: j for j, c in enumerate(codes)})
        observed = np.zeros(shape, dtype=np.bool_)
        observed[cell] = True
        year = np.zeros(shape, dtype=np.int64)
        year[cell] = self.frame["year"]
        weight = np.zeros(shape)
        weight[cell] = self.frame["weight"] if self.has_weights else 1.0
        design = np.zeros((*shape, len(self.covariates)))
        design[cell] = self.frame[list(self.covariates)].to_numpy(dtype=np.float64)
        return PanelArrays(
            log_wage=log_wage,
            occupation=occupation,
            observed=observed,
            design=design,
            covariate_names=self.covariates,
            worker=np.asarray(labels),
            year=year,
            weight=weight,
        )


_BUILD = "build panels with taskroy.load_panel, which validates, sorts and names every fault"


def _shape_error(name: str, found: tuple[int, ...], expected: str) -> DataError:
    return DataError(
        f"The array '{name}' has shape {found}.",
        expected=f"shape {expected}",
        remedy="build the arrays with Panel.arrays; (N, 1) and (N,) are not the same",
    )
