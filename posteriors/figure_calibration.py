"""Figure of calibration: how far the ECDF of each quantity's ranks is from a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from arviz_stats.ecdf_utils import compute_ecdf, get_pointwise_confidence_band
from jaxtyping import Float
from matplotlib.figure import Figure
from scipy.special import bdtr

from taskroy.posteriors.figure_style import GAIN, LIGHT, LOSS, Drawing, new_figure

_COLUMNS, _HEIGHT, _POINTS = 5, 1.05, 100
_SIMULATIONS, _SEED = 20_000, 1


def calibration_drawing(
    spread: Float[np.ndarray, "S Q"], quantities: Sequence[str], band: float
) -> Drawing:
    """Return the ECDFs of ranks spread over (0, 1), less the diagonal, with simultaneous bands.

    Parameters
    ----------
    spread
        Uniform where the posterior is right.
    quantities
        Their names.
    band
        Probability that no line of any panel leaves its band though all is right.
    """
    points = np.linspace(0, 1, _POINTS + 1)[1:-1]
    one = 1 - (1 - band) / len(quantities)
    pointwise = _pointwise(len(spread), points, one)
    low, high = get_pointwise_confidence_band(pointwise, len(spread), points)
    lines = np.stack([compute_ecdf(u, points) for u in spread.T])
    outside = [
        name
        for name, line in zip(quantities, lines, strict=True)
        if ((line < low) | (line > high)).any()
    ]
    what = f"{', '.join(outside)} leave theirs" if outside else "no line leaves its band"
    return Drawing(
        "calibration",
        f"ECDF of ranks less the diagonal, with bands that hold all lines of a program without "
        f"fault with probability {band:.0%}.",
        f"{len(quantities)} quantities over {len(spread)} data sets: {what}.",
        lambda: _draw(points, lines, low, high, quantities),
    )


def _pointwise(number: int, points: Float[np.ndarray, " P"], together: float) -> float:
    """Return the level of a band at each point that holds a whole line with probability `together`.

    By simulation (Säilynoja, Bürkner and Vehtari 2022), as `arviz_stats` does one line at a time.
    """
    rng = np.random.default_rng(_SEED)
    share = np.diff(points, prepend=0.0, append=1.0)
    count = rng.multinomial(number, share, _SIMULATIONS).cumsum(1)[:, :-1]
    # Tables: the distribution function is slow, and asked for the same numbers again and again.
    most = bdtr(np.arange(number + 1)[:, None], number, points)
    fewer = np.concatenate([np.zeros((1, len(points))), most[:-1]])
    place = np.arange(len(points))
    tail = np.minimum(most[count, place], 1 - fewer[count, place])
    return float(np.quantile(1 - 2 * tail.min(1), together))


def _draw(
    points: Float[np.ndarray, " P"],
    lines: Float[np.ndarray, "Q P"],
    low: Float[np.ndarray, " P"],
    high: Float[np.ndarray, " P"],
    quantities: Sequence[str],
) -> Figure:
    rows = ceil(len(quantities) / _COLUMNS)
    figure = new_figure(0.5 + _HEIGHT * rows)
    panels = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes, name, line in zip(panels.flat, quantities, lines, strict=False):
        out = ((line < low) | (line > high)).any()
        axes.fill_between(points, low - points, high - points, color=LIGHT, lw=0)
        axes.plot(points, line - points, color=LOSS if out else GAIN, lw=1)
        axes.set_title(name, fontsize=7, parse_math=False)
        axes.set_xticks([0, 0.5, 1], labels=["0", "½", "1"])
        axes.tick_params(labelsize=7)
    for axes in panels.flat[len(quantities) :]:
        axes.set_axis_off()
    figure.supxlabel("rank of the truth among draws, as a share", fontsize=8)
    return figure
