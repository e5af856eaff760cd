"""The table of benchmarks, in Markdown: every row says all that it depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = (
    *("benchmark", "what", "measured", "sizes", "precision", "seed"),
    *("machine", "versions", "date", "note"),
)


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return results as Markdown.

    Parameters
    ----------
    results
        As `taskroy.benchmarks.suite.run_into` stores them.

    Returns
    -------
    str
        What each benchmark asks, and one table, a line for each row.
    """
    parts = [
        "# Benchmarks",
        "",
        "Written by `taskroy bench`; run it to see the numbers of your machine. Programs that are "
        "compared took turns within one run: on a shared machine read ratios, not seconds. *Load* "
        "is how many processes wanted to run in the minute before.",
        "",
        *(f"* `taskroy bench {found['benchmark']}`: {found['asks']}" for found in results),
        "",
        _line(_COLUMNS),
        _line(["---"] * len(_COLUMNS)),
    ]
    for found in results:
        parts += [_line(_cells(found, row)) for row in found["rows"]]
    return "\n".join(parts) + "\n"


def number(value: float) -> str:
    """Return a number with three significant digits, readable."""
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _cells(found: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    place = found["machine"]
    return [
        found["benchmark"]
        + (" (quick)" if found["quick"] else "")
        + ("" if found.get("finished", True) else " (unfinished)"),
        row["what"],
        ", ".join(f"{_words(name)} {number(value)}" for name, value in row["measured"].items()),
        ", ".join(f"{size:,} {_words(name)}" for name, size in row["sizes"].items()),
        row["precision"],
        str(row["seed"]),
        f"{place['cpu']}, {place['cores']} cores; {place['device']}; load {place['load']}",
        ", ".join(f"{name} {version}" for name, version in found["versions"].items()),
        found["date"],
        row["note"],
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
