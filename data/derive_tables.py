"""Derive the shipped task tables from an O*NET release and the Eloundou et al. labels.

Run as ``python -m taskroy.data.derive_tables ONET_FOLDER EXPOSURE_FOLDER [OUTPUT_FOLDER]``. It
writes ``activities.csv``, ``task_weights_minor.csv``, ``exposure.csv`` and the licence of the
labels into the package's ``tables`` folder, byte for byte the same at each run.

How an occupation's weights come about:

1. Within each O*NET-SOC occupation a core task weighs 2, a supplemental task 1. Tasks that the
   release leaves unlabelled (it says so where too few incumbents rated them) weigh 1; in
   occupations that are unlabelled throughout this is an equal weight.
2. A task's weight is split equally over its detailed work activities, and each part goes to the
   generalised activity that the detailed one belongs to. Tasks without any detailed activity
   drop out. Each occupation's row is then divided by its sum.
3. The row of a SOC minor group is the mean over its O*NET-SOC occupations, unweighted. Military
   occupations (55) are left out. The number of occupations is kept, so that major groups, the
   mean over the same occupations, follow exactly from the minor ones.

The exposure of an activity is the mean label of its tasks with the weights of steps 1 and 2, every
O*NET-SOC occupation counting alike, over the tasks that carry labels.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from taskroy.data.files import read_cells
from taskroy.data.onet import OnetRelease, read_onet
from taskroy.data.soc import soc_group
from taskroy.errors import DataError, TaskroyError

TABLES = Path(__file__).parent / "tables"
LICENSE = "LICENSE.gpts-are-gpts"
MILITARY = "55"
TASK_TYPE_WEIGHT = {"Core": 2.0, "Supplemental": 1.0, "": 1.0}
#: Our prefix → the label column of Eloundou et al.
RATERS = {"human": "human_exposure_agg", "gpt4": "gpt4_exposure"}
#: Eloundou et al.: E1 is exposed directly, E2 with further software; alpha, beta and gamma count
#: E2 as zero, half and one.
MEASURES = {"alpha": 0.0, "beta": 0.5, "gamma": 1.0}
DIGITS = "%.6g"


def activity_shares(release: OnetRelease) -> pd.DataFrame:
    """Share of each O*NET-SOC occupation's weight in each pair of task and activity.

    Parameters
    ----------
    release
        An O*NET release.

    Returns
    -------
    pandas.DataFrame
        ``onet_soc``, ``task_id``, ``task``, ``element_id``, ``share``; the shares of each
        occupation sum to one.
    """
    links = release.links.groupby(["onet_soc", "task_id", "element_id"], as_index=False).size()
    parts = links["size"] / links.groupby(["onet_soc", "task_id"])["size"].transform("sum")
    shares = links.drop(columns="size").merge(release.tasks, on=["onet_soc", "task_id"])
    if len(shares) != len(links):
        raise DataError(
            "Tasks to DWAs names tasks that Task Statements lacks, or Task Statements repeats one.",
            expected="tables of one and the same O*NET release",
            remedy="do not mix releases in a folder",
        )
    shares["share"] = parts.to_numpy() * shares["task_type"].map(TASK_TYPE_WEIGHT)
    shares = shares[~shares["onet_soc"].str.startswith(MILITARY)].drop(columns="task_type")
    shares["share"] /= shares.groupby("onet_soc")["share"].transform("sum")
    return shares


def minor_weights(shares: pd.DataFrame) -> pd.DataFrame:
    """Mean activity weights of each SOC minor group.

    Parameters
    ----------
    shares
        From :func:`activity_shares`.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``occupation`` (``11-10``): ``detailed``, the number of O*NET-SOC occupations,
        then one column an activity (element id); activities of each row sum to one.
    """
    detailed = shares.pivot_table(
        index="onet_soc", columns="element_id", values="share", aggfunc="sum", fill_value=0.0
    )
    minor = pd.Index([soc_group(code, "minor") for code in detailed.index], name="occupation")
    groups = detailed.groupby(minor)
    weights = groups.mean()
    weights.insert(0, "detailed", groups.size())
    return weights


def read_labels(path: str | Path) -> pd.DataFrame:
    """Read ``full_labelset.tsv`` of Eloundou et al. (2023).

    Returns
    -------
    pandas.DataFrame
        ``task_id``, ``task``, then ``human_alpha`` … ``gpt4_gamma`` in [0, 1].
    """
    cells = read_cells(path, separator="\t", quoted=True)
    missing = {"Task ID", "Task", *RATERS.values()} - set(cells.columns)
    if missing:
        raise DataError(
            f"The label table lacks the column '{sorted(missing)[0]}'.",
            where=str(path),
            remedy="use full_labelset.tsv of Eloundou et al. (2023) unmodified",
        )
    labels = pd.DataFrame(
        {"task_id": cells["Task ID"].str.removesuffix(".0"), "task": cells["Task"]}
    )
    for rater, column in RATERS.items():
        for measure, weight in MEASURES.items():
            values = cells[column].map({"E0": 0.0, "E1": 1.0, "E2": weight})
            unknown = cells[column][values.isna()]
            if len(unknown):
                raise DataError(
                    f"The label '{unknown.iloc[0]}' is unknown.",
                    where=f"{path}, line {unknown.index[0]}, column {column}",
                    expected="E0, E1 or E2",
                    remedy="use full_labelset.tsv of Eloundou et al. (2023) unmodified",
                )
            labels[f"{rater}_{measure}"] = values
    return labels


def activity_exposure(shares: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Mean labels of each activity's tasks.

    Parameters
    ----------
    shares
        From :func:`activity_shares`.
    labels
        From :func:`read_labels`; matched by task id, and by the task's text where the id is new.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``element_id``: ``weight`` (sum of the shares of labelled tasks: by these,
        activities are to be averaged into groups and categories), and the six means.
    """
    measures = list(labels.columns[2:])
    by_id = shares[["task_id"]].merge(labels.drop_duplicates("task_id"), how="left", on="task_id")
    by_text = shares[["task"]].merge(labels.drop_duplicates("task"), how="left", on="task")
    matched = by_id[measures].fillna(by_text[measures])
    labelled = matched.notna().all(axis=1).to_numpy()
    weight = shares["share"].to_numpy() * labelled
    sums = matched.fillna(0.0).mul(weight, axis=0)
    sums.insert(0, "weight", weight)
    totals = sums.groupby(shares["element_id"].to_numpy()).sum()
    totals.index.name = "element_id"
    totals[measures] = totals[measures].div(totals["weight"], axis=0)
    return totals


def derive(onet: str | Path, exposure: str | Path, output: str | Path = TABLES) -> None:
    """Write the shipped tables.

    Parameters
    ----------
    onet
        Folder of an O*NET release (xlsx or text form).
    exposure
        Folder with ``full_labelset.tsv`` and ``LICENSE.gpts-are-gpts``.
    output
        Folder to write into; made if absent.

    Raises
    ------
    DataError
        If an input is missing or not what it should be; nothing is written then.
    """
    license_file = Path(exposure) / LICENSE
    if not license_file.is_file():
        raise DataError(
            f"The licence of the labels, '{LICENSE}', is not beside them.",
            where=str(exposure),
            remedy="put the licence of Eloundou et al.'s repository there: it must be shipped",
        )
    release = read_onet(onet)
    shares = activity_shares(release)
    tables = {
        "activities": release.activities.set_index("element_id"),
        "task_weights_minor": minor_weights(shares),
        "exposure": activity_exposure(shares, read_labels(Path(exposure) / "full_labelset.tsv")),
    }
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", float_format=DIGITS, lineterminator="\n")
    shutil.copyfile(license_file, folder / LICENSE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(prog="python -m taskroy.data.derive_tables")
    parser.add_argument("onet", help="folder of an O*NET release (xlsx or text form)")
    parser.add_argument("exposure", help="folder with full_labelset.tsv and its licence")
    parser.add_argument("output", nargs="?", default=TABLES, help="default: the package's tables")
    options = parser.parse_args(arguments)
    try:
        derive(options.onet, options.exposure, options.output)
    except TaskroyError as error:
        parser.exit(error.exit_code, f"{error}\n")


if __name__ == "__main__":
    main()
