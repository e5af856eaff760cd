"""How figures look and are written; nothing here depends on, or changes, matplotlib's settings."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from taskroy.posteriors.titles import figure_label

# Okabe and Ito (2008): told apart with every kind of colour vision, and in grey by lightness.
GAIN, LOSS, NEUTRAL, LIGHT, INK = "#0072B2", "#E69F00", "#6B7280", "#D3D7DE", "#1F2933"
WIDTH = 7.2  # inches; the column of the report
ROW = 0.36  # inches for a row of text

_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same everywhere
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": NEUTRAL,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E8EAED",
    "axes.unicode_minus": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "taskroy",  # the same figure gives the same file
    "savefig.dpi": 200,
}
_METADATA: dict[str, dict[str, Any]] = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": "taskroy"},
}


@dataclass(frozen=True)
class Drawing:
    """A figure and what it shows.

    Attributes
    ----------
    name
        Of its files.
    caption
        What is drawn.
    alt
        What one sees, with numbers.
    draw
        Makes the figure.
    """

    name: str
    caption: str
    alt: str
    draw: Callable[[], Figure]


def render(
    drawing: Drawing, *, watermark: str | None, kinds: Sequence[str] = tuple(_METADATA)
) -> dict[str, bytes]:
    """Return a figure in some formats, by default as SVG, PNG and PDF.

    Parameters
    ----------
    drawing
        The figure.
    watermark
        Printed across PNG and PDF, which may travel alone; the page has its own.
    kinds
        Of ``"svg"``, ``"png"`` and ``"pdf"``, in this order.

    Returns
    -------
    dict
        Content by format.
    """
    files = {}
    with _own_style():
        figure = drawing.draw()
        for kind in kinds:
            if watermark and kind == "png":
                figure.text(
                    0.5, 0.5, watermark, rotation=24, ha="center", va="center", fontsize=24,
                    weight="bold", color="#B00020", alpha=0.3, parse_math=False,
                )  # fmt: skip
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, metadata=_METADATA[kind])
            files[kind] = buffer.getvalue()
    return files


def new_figure(height: float) -> Figure:
    """Return an empty figure of the report's width."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def label_rows(axes: Axes, titles: Sequence[str], *, width: int = 26) -> None:
    """Name the rows of a chart from top to bottom.

    Parameters
    ----------
    axes
        Rows are at 0, 1, ….
    titles
        Strangers' text: printed as it is, never read as mathematics.
    width
        Letters in a line; there are two.
    """
    labels = [printable(figure_label(title, width=width)) for title in titles]
    axes.set_yticks(range(len(labels)), labels=labels, parse_math=False)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def printable(text: str) -> str:
    """Replace letters that the font lacks, for which matplotlib would warn."""
    known = _letters()
    return "".join(c if c == "\n" or ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in text)


@cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())


@contextmanager
def _own_style() -> Iterator[None]:
    # From matplotlib's defaults, not the user's: with text.usetex, a title would be run as LaTeX.
    with matplotlib.style.context(["default", _STYLE]):
        yield
