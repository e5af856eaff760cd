"""The benchmarks: what they write holds what they claim, at sizes too small to say much."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from taskroy.benchmarks.agreement import distances
from taskroy.benchmarks.benchmark import Benchmark, Effort, Row
from taskroy.benchmarks.peak_memory import peak_megabytes
from taskroy.benchmarks.suite import BENCHMARKS, run_into
from taskroy.benchmarks.table import number, table


@pytest.fixture(autouse=True)
def numerics_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX is running in this process already."""
    monkeypatch.setattr("taskroy.numerics.configure_jax", lambda **_: None)


def stored(name: str) -> dict[str, Any]:
    return json.loads(Path("out", f"{name}.json").read_text())


def test_an_unknown_name_is_told_the_names(taskroy: Any) -> None:
    told = taskroy("bench", "gradient", "--output", "out")
    assert told.exit_code == 2
    assert "There is no benchmark 'gradient'. Did you mean 'gradients'?" in told.stderr
    assert (
        "choice, gradients, scaling, full-panel, memory, counterfactual, sampling, agreement, "
        "estimates, coverage" in told.stderr
    )
    assert not Path("out").exists()


def test_the_list_says_what_each_asks_and_runs_none(taskroy: Any) -> None:
    told = taskroy("bench", "--list")
    assert told.exit_code == 0
    assert all(f"{b.name}: {b.asks}" in told.stdout for b in BENCHMARKS)
    asked = json.loads(taskroy("bench", "choice", "--list", "--json").stdout)
    assert list(asked["benchmarks"]) == ["choice"]
    assert not Path("benchmarks").exists()


def test_the_exact_choice_factor_against_simulation(taskroy: Any) -> None:
    told = taskroy("bench", "choice", "--quick", "--output", "out")
    assert told.exit_code == 0, told.stderr
    found = stored("choice")
    assert found["quick"]
    assert found["machine"]["cpu"]
    assert found["machine"]["cores"] >= 1
    assert {"jax", "taskroy", "python"} <= found["versions"].keys()
    exact, *simulated = found["rows"]
    assert exact["what"] == "exact"
    assert exact["measured"]["max_error"] < 1e-5
    assert len(simulated) == 2
    for row in simulated:
        measured = row["measured"]
        # 100 draws leave an error of about 0.05; the claim is one of a hundredth of 1,000 draws'.
        assert exact["measured"]["rms_error"] < 1e-3 * measured["rms_error"]
        assert measured["rms_error"] < 0.5
        assert measured["times_slower"] == pytest.approx(
            measured["seconds"] / exact["measured"]["seconds"]
        )
        assert measured["times_slower"] > 0
    written = Path("out", "benchmarks.md").read_text()
    lines = [line for line in written.splitlines() if line.startswith("| choice (quick) |")]
    assert len(lines) == len(found["rows"])
    assert all(found["machine"]["cpu"] in line and found["date"] in line for line in lines)
    assert str(found["rows"][0]["sizes"]["workers"]) + " workers" in lines[0]


def test_gradients_of_both_densities(taskroy: Any) -> None:
    told = taskroy("bench", "gradients", "--quick", "--output", "out", "--json")
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["results"] == [stored("gradients")]
    joint, marginal = stored("gradients")["rows"]
    assert joint["sizes"] == marginal["sizes"]
    assert joint["sizes"]["workers"] == 40
    assert joint["measured"]["times_joint"] == 1
    # Integrating takes several expansions for each density of the other: never as cheap.
    assert marginal["measured"]["times_joint"] > 1
    assert all(row["measured"]["seconds"] > 0 for row in (joint, marginal))
    assert all(row["measured"]["megabytes"] > 0 for row in (joint, marginal))


def test_a_draw_of_each_scenario(taskroy: Any) -> None:
    told = taskroy("bench", "counterfactual", "--quick", "--output", "out")
    assert told.exit_code == 0, told.stderr
    rows = {row["what"]: row["measured"] for row in stored("counterfactual")["rows"]}
    assert list(rows) == [
        "effects of automation",
        "effects of automation, prices",
        "effects of automation, bargaining, prices",
        "effects of automation at a quantile",
        "effects of automation, learning",
        "effects of automation, learning, prices",
        "headlines of automation at skills drawn again",
        "headlines of automation, bargaining, prices at skills drawn again",
    ]
    for what, measured in rows.items():
        evaluations = measured["evaluations_of_the_excess_a_draw"]
        assert 2 < evaluations < 12 if "prices" in what else evaluations == 0
        number = 400 if "drawn again" in what else 1000
        seconds = measured["seconds_a_draw"]
        assert measured[f"minutes_for_{number}_draws"] == pytest.approx(seconds * number / 60)
        assert seconds > 0


def test_the_table_gathers_what_was_stored_before(
    taskroy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(self: object, effort: Effort) -> list[Row]:
        return [Row("a | thing", {"workers": 2000}, 1, "float64", {"seconds": 0.5}, "note")]

    monkeypatch.setattr("taskroy.benchmarks.benchmark.Benchmark.run", measured)
    assert taskroy("bench", "scaling", "--output", "out").exit_code == 0
    assert taskroy("bench", "choice", "sampling", "--output", "out").exit_code == 0
    rows = [row for row in Path("out", "benchmarks.md").read_text().splitlines() if "thing" in row]
    assert [row.split(" | ")[0] for row in rows] == ["| choice", "| scaling", "| sampling"]
    assert all("a \\| thing | seconds 0.5 | 2,000 workers | float64 | 1 |" in r for r in rows)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.44e-7, "1.4e-07"), (0.0595, "0.0595"), (237.4, "237"), (61686.0, "61,686")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_the_peak_of_memory_is_of_this_process_and_does_not_fall() -> None:
    before = peak_megabytes()
    block = np.ones(int(before * 1e6 / 8) + 12_500_000)
    grown = peak_megabytes()
    del block
    assert before > 10
    # 100 MB more than all there ever was.
    assert grown > before + 90
    # The kernel's account is exact to some pages.
    assert peak_megabytes() > grown - 1


def test_no_results_is_a_table_without_rows() -> None:
    assert table([]).rstrip().endswith("| --- |")


def test_distances_of_routes_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    shape = {"chain": 2, "draw": 50, "task": 2}
    here, there = rng.normal(size=(2, *shape.values())), rng.normal(2, 3, (2, *shape.values()))
    here[1, ..., 0] = there[1, ..., 0] = 1.0  # known, hence not compared
    names = ("skill_sd", "known")
    found, reference = (
        xr.Dataset({k: (tuple(shape), x) for k, x in zip(names, xs, strict=True)})
        for xs in (here, there)
    )
    gap, ratio = distances(found, reference)
    assert list(gap) == list(ratio) == ["skill_sd[0]", "skill_sd[1]", "known[1]"]
    a, b = here[0, ..., 1].ravel(), there[0, ..., 1].ravel()
    assert gap["skill_sd[1]"] == pytest.approx(abs(a.mean() - b.mean()) / b.std())
    assert ratio["skill_sd[1]"] == pytest.approx(a.std() / b.std())


def test_rows_of_a_run_that_stops_are_kept_and_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(_: Benchmark, __: Effort) -> Iterator[Row]:
        yield Row("the first", {"workers": 3}, 1, "float64", {"seconds": 2.0})
        raise KeyboardInterrupt

    monkeypatch.setattr(Benchmark, "run", stops)
    with pytest.raises(KeyboardInterrupt):
        run_into(tmp_path, BENCHMARKS[0], Effort())
    kept = json.loads((tmp_path / f"{BENCHMARKS[0].name}.json").read_text())
    assert [row["what"] for row in kept["rows"]] == ["the first"]
    assert not kept["finished"]
    assert "| choice (unfinished) | the first |" in (tmp_path / "benchmarks.md").read_text()
