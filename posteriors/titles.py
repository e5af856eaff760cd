"""Titles of occupations, tasks and scenarios are strangers' text: made one plain line, once.

What remains is text for humans, which every format still escapes in its own way: HTML by Jinja's
autoescape, CSV in `taskroy.posteriors.tables`, figures by switching off mathematical markup.
"""

from __future__ import annotations

import textwrap
import unicodedata

import xarray as xr

_SPACES = ("Cc", "Zl", "Zp")  # control characters, line ends
_NOTHING = ("Cf", "Cs", "Co", "Cn")  # direction marks, soft hyphens, halves of pairs, private use
_LONGEST = 200
_LONGEST_IN_SENTENCE = 70


def plain_title(text: object, *, longest: int = _LONGEST) -> str:
    """Return a title as one line without control characters or direction marks.

    Parameters
    ----------
    text
        The title.
    longest
        Characters to keep; what is cut is marked by an ellipsis.

    Returns
    -------
    str
        At least a dash.
    """
    kept = (c for c in str(text) if unicodedata.category(c) not in _NOTHING)
    spaced = (" " if unicodedata.category(c) in _SPACES else c for c in kept)
    line = " ".join("".join(spaced).split())
    return line if 0 < len(line) <= longest else (line[: longest - 1] + "…" if line else "–")


def figure_label(text: str, *, width: int = 26, lines: int = 2) -> str:
    """Break a title into the few short lines that a figure has room for."""
    broken = textwrap.wrap(text, width)
    if len(broken) > lines:
        broken[lines - 1 :] = [broken[lines - 1][: width - 2].rstrip() + " …"]
    return "\n".join(broken)


def titles_of(tree: xr.DataTree) -> list[str]:
    """Return the titles of the occupations, made harmless."""
    return [
        plain_title(title)
        for title in tree["constant_data"].to_dataset()["occupation_title"].to_numpy()
    ]


def in_sentence(title: str) -> str:
    """Return a title to put in a sentence: not too long, and apart if written right to left."""
    title = plain_title(title, longest=_LONGEST_IN_SENTENCE)
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in title):
        return f"\N{FIRST STRONG ISOLATE}{title}\N{POP DIRECTIONAL ISOLATE}"
    return title
