"""What the answer depends on: the section is there for what was computed, and only then."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import xarray as xr

from taskroy.posteriors.bands import Band
from taskroy.posteriors.grid import Grid, Outcome, Summary, write_grid
from taskroy.posteriors.report import write_report

STUDY = {"panel": {}, "tasks": {}, "model": {}, "inference": {}, "scenario": []}
HEADING = "What the answer depends on"


def with_densities(tree: xr.DataTree) -> xr.DataTree:
    """Add densities that nobody computed: that of the taste scale moves with it."""
    tree = tree.copy()
    taste = tree["posterior"]["taste_scale"].isel(draw=slice(None, None, 2))
    taste = taste.assign_coords(
        chain=np.arange(taste.sizes["chain"]), draw=np.arange(0, 2 * taste.sizes["draw"], 2)
    )
    rng = np.random.default_rng(0)
    scaled = 30 * (taste - taste.mean()) / taste.std()
    career = xr.DataArray(rng.normal(size=(*taste.shape, 3)), dims=(*taste.dims, "worker"))
    tree["log_prior"] = xr.DataTree(xr.Dataset({"taste_scale": scaled}))
    tree["log_likelihood"] = xr.DataTree(xr.Dataset({"career": career}, taste.coords))
    return tree


def grid() -> Grid:
    def outcome(choice: str, value: str, mean: float) -> Outcome:
        numbers = Summary(mean, mean - 0.01, mean + 0.01, 0.005)
        scenario = {"winners": numbers, "mean_change": numbers}
        return Outcome(choice, value, True, "x", "PASS", scenarios={"a <b> scenario": scenario})

    base, other = outcome("", "the study itself", 0.02), outcome("Tasks", "<i>gwa</i>", -0.05)
    variant = {"elpd": -100.0, "elpd_diff": 0.0, "dse": 0.0, "p": 5.0, "influential": 0}
    variants = ({"model": "the study itself", **variant}, {"model": "Tasks: gwa", **variant})
    return Grid(STUDY, Band("eti", 0.9), base, (other,), variants)


def test_the_section_holds_priors_and_alternatives(
    tree: xr.DataTree, gate: object, undrawn: None, tmp_path: Path
) -> None:
    tree = with_densities(tree)
    tree.attrs["study"] = json.dumps(STUDY)
    write_grid(grid(), tmp_path)
    text = write_report(tree, tmp_path).read_text()
    assert f">{HEADING}</h2>" in text
    assert "what matters most is: Tasks: &lt;i&gt;gwa&lt;/i&gt;." in text
    assert "<i>gwa" not in text
    assert "the prior of the taste scale" in text
    numbers = json.loads((tmp_path / "report.json").read_text())
    assert {"power-scaling", "sensitivity", "variants"} <= set(numbers["tables"])
    assert numbers["dependence"]["alternatives"][0].startswith("Of 1 alternatives")
    brief = first_page(text)
    assert "what matters most is: Tasks: &lt;i&gt;gwa&lt;/i&gt;." in brief
    assert "The sign of the mean change is another with" in brief
    assert "has not been tried" not in brief
    assert "comes from parameters that are not known exactly" in brief
    assert numbers["dependence"]["priors"][0] in numbers["dependence"]["brief"]
    for ending in ("csv", "tex"):
        assert (tmp_path / f"tables/sensitivity.{ending}").stat().st_size > 0
    assert (tmp_path / "figures/scenario-1-tornado.png").exists()
    # Of another study, the grid says nothing.
    tree.attrs["study"] = json.dumps({**STUDY, "model": {"shock": "worker"}})
    write_report(tree, tmp_path)
    assert "sensitivity" not in json.loads((tmp_path / "report.json").read_text())["tables"]
    assert not (tmp_path / "tables/sensitivity.csv").exists()
    assert not (tmp_path / "figures/scenario-1-tornado.png").exists()


def test_without_densities_or_alternatives_only_the_bands_are_told(written: object) -> None:
    folder, _, _ = written  # type: ignore[misc]
    text = (folder / "report.html").read_text()
    section = text[text.index(f'"dependence">{HEADING}') : text.index('<h2 id="gate"')]
    assert re.findall(r"<h3>(.*?)</h3>", section) == ["On what is not known exactly"]


def first_page(text: str) -> str:
    start = text.index("What this answer depends on")
    return text[start : text.index('<h2 id="bands"')]


def test_the_first_page_says_that_no_alternative_was_tried_and_how_to(written: object) -> None:
    folder, _, numbers = written  # type: ignore[misc]
    brief = first_page((folder / "report.html").read_text())
    assert "has not been tried: ‘taskroy sensitivity STUDY.toml --output FOLDER’" in brief
    assert "comes from parameters that are not known exactly" in brief
    assert numbers["dependence"]["brief"][0] in brief


def test_what_is_folded_on_a_screen_is_open_in_print(written: object) -> None:
    folder, _, _ = written  # type: ignore[misc]
    text = (folder / "report.html").read_text()
    paper = text[text.index("@media print") : text.index("</style>")]
    assert "details::details-content { content-visibility: visible; display: block; }" in paper
    assert "display: none" not in paper.replace("nav { display: none; }", "")
    assert ".first-page { break-after: page; }" in paper
