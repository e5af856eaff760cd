"""The report of a small posterior: safe, whole, and equal to what can be computed by hand."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

from taskroy.errors import GateError, ModelError, StoreError, StudyError
from taskroy.models.scenario import (
    Augmentation,
    Automation,
    Bargaining,
    Prices,
    Scenario,
    Simplification,
)
from taskroy.posteriors import checks, report
from taskroy.posteriors.gate import CheckLine, Gate
from taskroy.posteriors.report import write_report
from taskroy.posteriors.report_content import WATERMARK
from taskroy.posteriors.tables import show_number

GOOD = CheckLine("R-hat", "PASS", "1.002", "at most 1.01", "The chains agree.", "Run longer.")
BAD = CheckLine("divergences", "FAIL", "17", "0", "A place not explored.", "Raise target_accept.")
HOSTILE = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    r"$\frac{x$ \input{/etc/passwd}",
    "a very long title " * 30,
    "عمال \u202eالبناء",
    "two\r\nlines\tand a tab",
    "漢字\x1b[31m\ud800",
    "\" onerror='alert(1)' x=\"",
    "@SUM(1+1)*cmd",
)


def _load_trees() -> ModuleType:
    path = Path(__file__).parent / "report_tree.py"
    spec = importlib.util.spec_from_file_location("report_tree", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


trees = _load_trees()


class Page(HTMLParser):
    """The tags, attributes, texts and tables of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.headings: list[int] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._caption = ""
        self._in: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self._rows, self._caption = [], ""
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")
        if tag not in ("meta", "img"):
            self._in.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._in.pop() == tag, "a tag is not closed"
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if "style" in self._in:
            return
        self.text.append(data)
        if "caption" in self._in:
            self._caption += data
        elif "td" in self._in or "th" in self._in:
            self._rows[-1][-1] += data

    def table(self, caption: str) -> list[list[str]]:
        found = [rows for key, rows in self.tables.items() if key.startswith(caption)]
        assert len(found) == 1, f"{len(found)} tables are called {caption!r}"
        return found[0]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the lines of the gate; by default it passes."""

    def lines(*lines: CheckLine) -> None:
        monkeypatch.setattr(checks, "check", lambda posterior: Gate(lines))

    lines(GOOD)
    return lines


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures out where they are not what is tested; they take the most time."""
    files = dict.fromkeys(("svg", "png", "pdf"), b"a figure")
    monkeypatch.setattr(report, "render", lambda drawing, *, watermark: files)


@pytest.fixture(scope="module")
def tree() -> xr.DataTree:
    return trees.make_tree()


@pytest.fixture(scope="module")
def written(
    tree: xr.DataTree, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Page, dict[str, Any]]:
    """Return the folder, the page and the numbers of one report."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "check", lambda posterior: Gate((GOOD,)))
        before = dict(mpl.rcParams)
        place = write_report(tree, folder)
        assert dict(mpl.rcParams) == before
    return folder, Page(place.read_text()), json.loads((folder / "report.json").read_text())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("hostile")
    posterior = trees.make_tree(
        titles=HOSTILE, scenarios=("<img src=x onerror=alert(1)>", "=1+1 $\\frac$")
    )
    with pytest.MonkeyPatch.context() as patch, mpl.rc_context({"text.usetex": True}):
        patch.setattr(checks, "check", lambda posterior: Gate((GOOD,)))
        return folder, write_report(posterior, folder).read_text()


def _forbidden(page: Page) -> list[str]:
    tags = {"script", "iframe", "object", "embed", "link", "base", "form", "svg", "audio", "video"}
    found = [tag for tag in page.tags if tag in tags]
    for tag, name, value in page.attributes:
        inside = value.startswith("#") or (tag == "img" and value.startswith("data:image/svg+xml;"))
        if name.startswith("on") or (name in ("src", "href", "action", "srcset") and not inside):
            found.append(f"{tag} {name}={value[:40]}")
    return found


class TestPage:
    def test_is_static_and_names_no_address(
        self, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        folder, page, _ = written
        html = (folder / "report.html").read_text()
        assert _forbidden(page) == []
        assert not re.search(r"https?:|//\w|@import|url\(", html)
        assert len(html) < 4e6
        policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        assert any(value.startswith(policy) for _, _, value in page.attributes)
        assert ("html", "lang", "en") in page.attributes

    def test_headings_are_in_order_and_parts_are_named(
        self, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        _, page, _ = written
        assert page.headings[0] == 1
        assert page.headings.count(1) == 1
        steps = np.diff(page.headings)
        assert steps.max() == 1
        ids = [value for _, name, value in page.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        targets = {value[1:] for _, name, value in page.attributes if name == "href"}
        assert targets <= set(ids)
        alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
        assert len(alts) == page.tags.count("img") == 7
        assert all(re.search(r"\d", alt) for alt in alts)
        assert page.tags.count("caption") == page.tags.count("table")

    def test_says_the_answer_first_with_the_numbers_of_the_tables(
        self, tree: xr.DataTree, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        _, page, _ = written
        draws = tree["counterfactual"]["winners"].values.ravel()
        low, high = np.quantile(draws, [0.05, 0.95])
        said = f"{100 * draws.mean():.0f}% [{100 * low:.0f}, {100 * high:.0f}] of the workers"
        text = " ".join(page.text)
        assert said in text
        assert text.index(said) < text.index("Who is in the data")
        change = tree["counterfactual"]["mean_change"].values.ravel()
        assert show_number(change.mean(), "log_points") + " [" in text


class TestNumbers:
    def test_winners_table_equals_plain_numpy(
        self, tree: xr.DataTree, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        folder, _, _ = written
        with (folder / "tables" / "scenario-1-winners.csv").open() as file:
            rows = {row["occupation"]: row for row in csv.DictReader(file)}
        group = tree["counterfactual"]
        expected = {
            title: group["winners_by_occupation"].values[0, :, :, o].ravel()
            for o, title in enumerate(trees.OCCUPATIONS)
        }
        expected["All workers"] = group["winners"].values[0].ravel()
        assert set(rows) == set(expected)
        for title, draws in expected.items():
            got = [float(rows[title][f"winners{end}"]) for end in ("", "_low", "_high")]
            np.testing.assert_allclose(
                got, [draws.mean(), *np.quantile(draws, [0.05, 0.95])], rtol=0, atol=1e-12
            )

    def test_decomposition_adds_up(self, written: tuple[Path, Page, dict[str, Any]]) -> None:
        numbers = written[2]["tables"]["scenario-1-decomposition"]["rows"]
        for row in numbers:
            parts = ("productivity", "task_shift", "selection", "resorting")
            assert sum(row[p] for p in parts) == pytest.approx(row["log_wage_change"], abs=1e-12)

    def test_every_cell_of_the_page_is_in_the_json(
        self, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        _, page, numbers = written
        compared = 0
        for table in numbers["tables"].values():
            printed = page.table(table["caption"])[1:]
            assert len(printed) == len(table["rows"])
            for cells, row in zip(printed, table["rows"], strict=True):
                raw = [value for value in row.values() if isinstance(value, (int, float))]
                for cell in cells:
                    for number in re.findall(r"(?<![\w.])[−+]?\d[\d,]*\.?\d*(?![\w.])", cell):
                        value = float(number.replace("−", "-").replace(",", ""))
                        digits = len(number.partition(".")[2])
                        half = 0.5 * 10.0**-digits + 1e-9
                        texts = " ".join(str(v) for v in row.values() if isinstance(v, str))
                        near = any(
                            abs(times * x - value) <= half for x in raw for times in (1, 100)
                        )
                        assert near or number.replace("−", "-") in texts, (cell, row)
                        compared += 1
        assert compared > 300

    def test_who_moves_is_told_against_a_world_that_stays(
        self, tree: xr.DataTree, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        rows = written[2]["tables"]["scenario-1-movers"]["rows"]
        group = tree["counterfactual"].to_dataset().isel(scenario=0)
        share, share0 = group["group_share"].to_numpy(), group["group_share_unchanged"].to_numpy()
        change, change0 = (
            group[name].to_numpy() for name in ("group_change", "group_change_unchanged")
        )
        names = [str(name) for name in group["group"].to_numpy()]
        for o, title in enumerate(trees.OCCUPATIONS):
            row = next(row for row in rows if row["occupation"] == title)
            stay, all_of_them = names.index("stayers"), names.index("incumbents")
            expected = (share / share[..., [all_of_them], :])[..., stay, o].mean()
            assert row["stay"] == pytest.approx(expected, abs=1e-12)
            for name in ("stayers", "leavers", "in_switchers"):
                beyond = (change - change0)[..., names.index(name), o].mean()
                assert row[name] == pytest.approx(beyond, abs=1e-12)
        everyone = rows[0]
        g = names.index("leavers")

        def overall(share: np.ndarray, change: np.ndarray) -> np.ndarray:
            return (share * change)[..., g, :].sum(-1) / share[..., g, :].sum(-1)

        beyond = (overall(share, change) - overall(share0, change0)).mean()
        assert everyone["leavers"] == pytest.approx(beyond, abs=1e-12)

    def test_net_flows_are_told_once_and_in_their_direction(
        self, tree: xr.DataTree, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        rows = written[2]["tables"]["scenario-1-flows"]["rows"]
        net = tree["counterfactual"]["net_flow_mean"].to_numpy()[0]
        places = [
            (trees.OCCUPATIONS.index(row["origin"]), trees.OCCUPATIONS.index(row["destination"]))
            for row in rows
        ]
        assert len({frozenset(place) for place in places}) == len(rows) == 15
        found = [net[place] for place in places]
        np.testing.assert_allclose([row["net_flow"] for row in rows], found)
        np.testing.assert_allclose(found, np.sort(net[net > 0])[::-1][:15])

    def test_inequality_and_welfare_are_in_the_tables(
        self, tree: xr.DataTree, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        group = tree["counterfactual"].to_dataset().isel(scenario=0)
        rows = {r["key"]: r for r in written[2]["tables"]["scenario-1-inequality"]["rows"]}
        for measure, row in rows.items():
            before, after = (
                group[f"inequality_{when}"].sel(measure=measure).to_numpy().ravel()
                for when in ("before", "after")
            )
            assert row["change"] == pytest.approx((after - before).mean(), abs=1e-12)
            low, high = np.quantile(after - before, [0.05, 0.95])
            assert (row["change_low"], row["change_high"]) == pytest.approx((low, high), abs=1e-9)
        welfare = written[2]["tables"]["scenario-1-welfare"]
        assert welfare["rows"][0]["welfare_change"] == pytest.approx(
            float(group["welfare_change"].mean()), abs=1e-12
        )
        share = 100 * float(group["welfare_winners"].mean())
        assert f"{share:.0f}% [" in welfare["notes"][0]

    def test_hdi_is_used_and_said(
        self, tree: xr.DataTree, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        html = write_report(tree, tmp_path, interval="hdi", level=0.5).read_text()
        assert "50% highest-density interval" in html
        assert "90%" not in Page(html).table("Winners and losers")[0]
        row = json.loads((tmp_path / "report.json").read_text())["tables"]["scenario-1-winners"]
        draws = np.sort(tree["counterfactual"]["winners"].values.ravel())
        held = int(np.floor(0.5 * draws.size))
        shortest = (draws[held:] - draws[: draws.size - held]).min()
        got = row["rows"][0]["winners_high"] - row["rows"][0]["winners_low"]
        assert got == pytest.approx(shortest, abs=1e-9)

    def test_monte_carlo_error_is_shown_and_noted(
        self, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        # 200 independent draws: the error is about 1/√200 = 7% of the sd.
        table = written[2]["tables"]["scenario-1-headline"]
        ratio = table["rows"][0]["mcse_ratio"]
        assert 0.05 < ratio < 0.1
        assert "above 5%" in table["notes"][0]

    def test_a_parameter_like_its_prior_is_called_so(
        self, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        rows = {row["parameter"]: row for row in written[2]["tables"]["parameters"]["rows"]}
        assert rows["Mean skill (s̄): Work Output"]["reading"] == "the data say little"
        assert rows["Wage shocks, sd (ϱ)"]["reading"] == "the data say much"
        assert rows["Wage shocks, sd (ϱ)"]["variance_ratio"] < 0.2


class TestSmallCells:
    def test_are_hidden_everywhere(self, written: tuple[Path, Page, dict[str, Any]]) -> None:
        _, page, numbers = written
        # Farm has 4 workers; Professional, with 12 the next smallest, goes too.
        for name in ("who", "fit-by-occupation"):
            rows = {row["occupation"]: row for row in numbers["tables"][name]["rows"]}
            for title in ("Farm", "Professional"):
                assert rows[title]["employment_share"] is None
                assert rows[title]["mean_log_wage"] is None
            assert rows["Sales"]["mean_log_wage"] is not None
        shown = {row[0]: row[1:] for row in page.table("Workers and observations")}
        assert set(shown["Farm"]) == {"not shown"}
        assert shown["Sales"][0] == "14"

    def test_histogram_of_workers_hides_them_too(
        self, written: tuple[Path, Page, dict[str, Any]]
    ) -> None:
        counts = [row["workers"] for row in written[2]["tables"]["scenario-1-workers"]["rows"]]
        assert None in counts
        assert all(count is None or count == 0 or count >= 10 for count in counts)


class TestGate:
    def test_failed_fit_is_refused_with_lines_and_remedies(
        self, tree: xr.DataTree, gate: Callable[..., None], tmp_path: Path
    ) -> None:
        gate(GOOD, BAD)
        with pytest.raises(GateError, match="divergences: 17") as refusal:
            write_report(tree, tmp_path / "new")
        assert "Raise target_accept" in str(refusal.value)
        assert "R-hat" not in str(refusal.value)
        assert not (tmp_path / "new").exists()

    def test_failed_fit_is_watermarked_where_asked_for(
        self, tree: xr.DataTree, gate: Callable[..., None], tmp_path: Path,
        written: tuple[Path, Page, dict[str, Any]],
    ) -> None:  # fmt: skip
        gate(GOOD, BAD)
        html = write_report(tree, tmp_path, allow_failed=True).read_text()
        page = Page(html)
        assert ("div", "class", "watermark") in page.attributes
        assert re.search(r"\.watermark \{ position: fixed", html)
        assert sum(WATERMARK in text for text in page.text) == 3  # title, watermark, banner
        good = written[0]
        assert WATERMARK not in (good / "report.html").read_text()
        numbers = json.loads((tmp_path / "report.json").read_text())
        assert numbers["watermark"] == WATERMARK
        for file in (tmp_path / "figures").iterdir():
            other = good / "figures" / file.name
            assert file.read_bytes() != other.read_bytes(), "a figure without watermark"

    def test_a_fit_to_review_is_said_to_be_one(
        self, tree: xr.DataTree, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        gate(GOOD, replace(GOOD, name="tree depth", status="REVIEW"))
        page = Page(write_report(tree, tmp_path).read_text())
        text = " ".join(page.text)
        assert text.index("look at: tree depth") < text.index("Scenario:")
        assert WATERMARK not in text

    def test_reports_what_earlier_versions_stored(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        tree = trees.make_tree()
        group = tree["counterfactual"].to_dataset()
        newer = ("group_", "inequality_", "welfare_", "flow_", "net_", "skill_change", "barg")
        tree["counterfactual"] = xr.DataTree(
            group.drop_vars([name for name in group if str(name).startswith(newer)])
        )
        page = Page(write_report(tree, tmp_path).read_text())
        assert "Re-sorting" in " ".join(page.table("Change of each occupation")[0])
        assert "Who moves" not in " ".join(page.text)

    def test_tells_what_steps_do(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        tree = trees.make_tree()
        steps = [
            Automation(productivity="marginal"),
            Augmentation(gain=0.2, tasks=("Work Output",)),
            Augmentation(gain=0.1, above=0.3),
            Simplification(quantile=0.4, strength=0.5),
            Simplification(requirement=1.5),
            Bargaining(share=0.9, elasticity=0.5),
            Prices(elasticity=2.5),
        ]
        name = str(tree["counterfactual"]["scenario"].to_numpy()[0])
        scenario = Scenario(name=name, step=tuple(steps))
        tree.attrs["scenarios"] = json.dumps([scenario.model_dump(mode="json")])
        group = tree["counterfactual"].to_dataset()
        tree["counterfactual"] = xr.DataTree(
            group.assign(
                bargaining=group["bargaining"] - 0.1,
                log_price=group["productivity"],
                price_residual=0 * group["winners"] + 3e-12,
                surplus_share=group["winners_by_occupation"],
            )
        )
        page = Page(write_report(tree, tmp_path).read_text())
        text = " ".join(page.text)
        for said in (
            "makes the average worker worse off in no occupation",
            "log skill changes by 0.2 at “Work Output”",
            "changes by 0.1 at tasks exposed above 0.3",
            "below the 0.4-quantile of workers make up 50% of what they lack at every task",
            "skill is below 1.5",
            "receive 90% of what is added to their jobs, less the easier",
            "elasticity of substitution of 2.5",
            "what employers keep of the gain",
            "markets clear to 3e-12 in log prices",
            "known intercepts would take those prices to be equal",
        ):
            assert said in text, said
        head = page.table("Change of each occupation")[0]
        assert "Bargaining" in " ".join(head)
        assert "Skills" not in " ".join(head)
        assert len(page.table("Prices and the sharing of gains")[0]) == 3

    def test_a_scenario_without_machines_is_reported(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        tree = trees.make_tree()
        group = tree["counterfactual"].to_dataset()
        for name in ("automated_share", "occupation_exposure"):
            group[name] = 0 * group[name]
        group["productivity_threshold"] = np.nan * group["productivity_threshold"]
        tree["counterfactual"] = xr.DataTree(group)
        name = str(group["scenario"].to_numpy()[0])
        scenario = Scenario(name=name, step=(Augmentation(), Prices(elasticity="infinite")))
        tree.attrs["scenarios"] = json.dumps([scenario.model_dump(mode="json")])
        page = Page(write_report(tree, tmp_path).read_text())
        text = " ".join(page.text)
        assert "machines take over nothing, and the following?" in text
        assert "Everyone’s log skill changes by 0.1 at every task, in proportion to its" in text
        assert "Prices of the occupations’ labour stay as they are." in text

    def test_asks_for_a_counterfactual(self, gate: Callable[..., None], tmp_path: Path) -> None:
        bare = trees.make_tree().drop_nodes("counterfactual")
        with pytest.raises(ModelError, match="no counterfactual"):
            write_report(bare, tmp_path)
        with pytest.raises(StoreError, match="no group 'prior'"):
            write_report(trees.make_tree().drop_nodes("prior"), tmp_path)

    @pytest.mark.parametrize("level", [0.0, 1.0, -1.0, float("nan")])
    def test_refuses_a_level_that_is_none(
        self, tree: xr.DataTree, gate: Callable[..., None], tmp_path: Path, level: float
    ) -> None:
        with pytest.raises(StudyError, match="no interval"):
            write_report(tree, tmp_path, level=level)


class TestHostileTitles:
    def test_page_holds_them_as_text(self, hostile: tuple[Path, str]) -> None:
        _, html = hostile
        page = Page(html)
        assert _forbidden(page) == []
        assert "<script>alert(1)</script>" in page.text
        assert not re.search("[\u202a-\u202e\x00-\x08\x0b-\x1f]", html)

    def test_figures_draw_them_as_they_are(self, hostile: tuple[Path, str]) -> None:
        # Read as mathematics or TeX, the third title would have raised an error.
        folder, _ = hostile
        files = list((folder / "figures").iterdir())
        assert len(files) == 2 * (2 + 2 * 5)
        for file in files:
            start = b"\x89PNG" if file.suffix == ".png" else b"%PDF"
            assert file.read_bytes().startswith(start)

    def test_tables_start_no_formula(self, hostile: tuple[Path, str]) -> None:
        folder, _ = hostile
        cells = [
            cell
            for file in (folder / "tables").iterdir()
            for row in csv.reader(io.StringIO(file.read_text()))
            for cell in row
        ]
        risky = [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert risky, "negative numbers stay numbers"
        assert all(np.isfinite(float(cell)) for cell in risky)
        assert "'=cmd|' /C calc'!A0" in cells

    def test_json_is_plain(self, hostile: tuple[Path, str]) -> None:
        folder, _ = hostile
        text = (folder / "report.json").read_text()
        numbers = json.loads(text, parse_constant=lambda name: pytest.fail(name))
        titles = [row["occupation"] for row in numbers["tables"]["who"]["rows"]]
        assert titles[0] == HOSTILE[0]
        assert titles[5] == "two lines and a tab"
        assert len(titles[3]) == 200


class TestFiles:
    def test_one_chain_has_no_rhat(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        html = write_report(trees.make_tree(chains=1), tmp_path).read_text()
        rows = json.loads((tmp_path / "report.json").read_text())["tables"]["parameters"]["rows"]
        assert {row["rhat"] for row in rows} == {None}
        assert "says nothing about a single one" in html

    def test_same_posterior_gives_the_same_files(
        self, tree: xr.DataTree, gate: Callable[..., None], tmp_path: Path,
        written: tuple[Path, Page, dict[str, Any]],
    ) -> None:  # fmt: skip
        first = written[0]
        write_report(tree, tmp_path)
        ours = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.*"))
        assert ours == sorted(p.relative_to(first) for p in first.rglob("*.*"))
        for name in ours:
            assert (tmp_path / name).read_bytes() == (first / name).read_bytes(), name

    def test_fewer_scenarios_leave_no_files_of_the_old_ones(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        figures = tmp_path / "figures"
        figures.mkdir()
        (figures / "scenario-7-winners.png").write_text("old")
        (figures / "my notes.png").write_text("mine")
        write_report(trees.make_tree(), tmp_path)
        assert not (figures / "scenario-7-winners.png").exists()
        assert (figures / "my notes.png").exists()

    def test_a_report_that_breaks_off_leaves_no_page(
        self, tree: xr.DataTree, gate: Callable[..., None], undrawn: None, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        def full(path: Path, content: str | bytes) -> Path:
            if path.name == "report.json":
                raise OSError(28, "No space left on device")
            return report_write(path, content)

        report_write = report.write_atomically
        (tmp_path / "report.html").write_text("an old one")
        monkeypatch.setattr(report, "write_atomically", full)
        with pytest.raises(OSError, match="No space"):
            write_report(tree, tmp_path)
        assert not (tmp_path / "report.html").exists()

    def test_zero_change_is_said_plainly(
        self, gate: Callable[..., None], undrawn: None, tmp_path: Path
    ) -> None:
        tree = trees.make_tree()
        group = tree["counterfactual"].to_dataset()
        keep = (
            *("employment_before", "employment_after", "automated_share", "occupation_exposure"),
            *("group_share", "group_share_unchanged", "inequality_before", "flow_mean"),
        )
        tree["counterfactual"] = xr.DataTree(
            group.map(lambda values: values if values.name in keep else 0 * values)
        )
        page = Page(write_report(tree, tmp_path).read_text())
        assert "No worker’s expected wage changes." in page.text
        assert "Share who do not gain [band]" in page.table("Winners and losers")[0]
