"""The report: one static page that says who gains and who loses, and all its numbers as files.

What is in the folder::

    report.html   one file that needs no other and no network; written last
    report.json   every number of the page, unrounded
    gate.json     what the checks say, as the page shows it
    figures/      each figure as PNG and PDF
    tables/       each table as CSV and LaTeX

Of a fit that failed, the names of the tables' files begin with ``NOT-CONVERGED-``: a file that is
sent on tells it, a program that reads the plain name stops, and the CSV is one that parsers read.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined

from taskroy.errors import ModelError, StoreError
from taskroy.posteriors.bands import Band
from taskroy.posteriors.figure_style import render
from taskroy.posteriors.files import flush_to_disk, write_atomically
from taskroy.posteriors.gate import require_gate, write_gate
from taskroy.posteriors.grid import read_grid
from taskroy.posteriors.latex import to_latex
from taskroy.posteriors.report_content import TITLE, UNIT, Report, compose, to_json
from taskroy.posteriors.report_provenance import SOURCES
from taskroy.posteriors.report_words import MEANING, NOT_MEANT

if TYPE_CHECKING:
    pass

_GROUPS = (
    "posterior",
    "prior",
    "observed_data",
    "posterior_predictive",
    "prior_predictive",
    "constant_data",
)
_FAILED = "NOT-CONVERGED-"
# What one report has and another of the same study has not; names of scenarios' files have hyphens.
_NOT_IN_ALL = re.compile(
    rf"(?:{_FAILED})?"
    r"(scenario-[a-z0-9-]+|across-tasks|choices|power-scaling|sample|sensitivity|uncertainty|variants)"
    r"\.(png|pdf|csv|tex)"
)


def write_report(
    posterior: xr.DataTree,
    folder: Path,
    *,
    interval: Literal["eti", "hdi"] = "eti",
    level: float = 0.9,
    allow_failed: bool = False,
) -> Path:
    """Write the report of a posterior, with its numbers, figures and tables beside it.

    Parameters
    ----------
    posterior
        With counterfactuals (docs/posterior.md).
    folder
        Where everything goes; made if missing. The files of an earlier report are replaced.
    interval
        Bands: equal-tailed ('eti') or of highest density ('hdi').
    level
        Probability inside a band, in (0, 1).
    allow_failed
        Report even a posterior that fails the gate, with a watermark on every page and figure.

    Returns
    -------
    Path
        ``report.html`` in `folder`. It is written last: where it stands, the rest is whole.

    Raises
    ------
    GateError
        If the posterior fails the gate and `allow_failed` is not set; with each failed line.
    ModelError
        If the posterior has no counterfactual.
    StoreError
        If it lacks another part that a report needs.
    StudyError
        For an interval or level that does not exist.
    OSError
        If the folder cannot be written.
    """
    from taskroy.posteriors.checks import check

    band = Band(interval, level)
    _require_groups(posterior)
    gate = check(posterior)
    if not allow_failed:
        require_gate(
            gate,
            remedy="do as said below and fit again; allow_failed=True (--allow-failed) makes a "
            "watermarked report all the same",
        )
    grid = read_grid(Path(folder), posterior, band)
    return write_files(compose(posterior, gate, band, grid), Path(folder))


def write_files(report: Report, folder: Path) -> Path:
    """Write a composed report: figures, tables and numbers first, the page last."""
    images = {
        drawing.name: render(drawing, watermark=report.watermark)
        for drawing in report.all_drawings()
    }
    page = _page(report, {name: files["svg"] for name, files in images.items()})
    numbers = json.dumps(to_json(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    for part in (folder, folder / "figures", folder / "tables"):
        part.mkdir(parents=True, exist_ok=True)
    place = folder / "report.html"
    place.unlink(missing_ok=True)  # so that it never stands beside numbers of another report
    flush_to_disk(folder)
    written = set()
    for name, files in images.items():
        for kind in ("png", "pdf"):
            written.add(write_atomically(folder / "figures" / f"{name}.{kind}", files[kind]))
    prefix = _FAILED if report.watermark else ""
    for table in report.all_tables():
        latex = to_latex(table, watermark=report.watermark)
        for ending, text in (("csv", table.to_csv()), ("tex", latex)):
            name = f"{prefix}{table.name}.{ending}"
            written.add(write_atomically(folder / "tables" / name, text))
    _remove_stale(folder, written)
    write_gate(report.gate, folder)
    write_atomically(folder / "report.json", numbers)
    return write_atomically(place, page)


def _page(report: Report, images: Mapping[str, bytes]) -> str:
    # select_autoescape looks at the ending and would not escape a *.html.jinja.
    environment = Environment(
        loader=PackageLoader("taskroy", "posteriors"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(
        report=report,
        images={name: base64.b64encode(image).decode() for name, image in images.items()},
        title=TITLE,
        unit=UNIT,
        meaning=MEANING,
        not_meant=NOT_MEANT,
        sources=SOURCES,
    )


def _remove_stale(folder: Path, written: set[Path]) -> None:
    """Remove figures and tables that an earlier report had and this one has not."""
    for part in ("figures", "tables"):
        for file in (folder / part).iterdir():
            if file not in written and (
                _NOT_IN_ALL.fullmatch(file.name) or _other_mark(file) in written
            ):
                file.unlink()


def _other_mark(file: Path) -> Path:
    """Return the same table's file of a fit that failed, if this is of one that passed, or back."""
    plain = file.name.removeprefix(_FAILED)
    return file.with_name(plain if plain != file.name else f"{_FAILED}{plain}")


def _require_groups(posterior: xr.DataTree) -> None:
    if "counterfactual" not in posterior.children:
        raise ModelError(
            "The posterior has no counterfactual, so there is nothing to say about a scenario.",
            where="the posterior's group 'counterfactual'",
            remedy="run taskroy.counterfactual, or 'taskroy counterfactual', on it first",
        )
    missing = [group for group in _GROUPS if group not in posterior.children]
    if missing:
        raise StoreError(
            f"The posterior has no group '{missing[0]}'.",
            expected="a posterior made by taskroy.fit",
            remedy="fit the study again",
        )
