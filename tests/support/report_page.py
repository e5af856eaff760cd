"""A report as its reader's program sees it: tags, attributes, texts and tables."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from taskroy.posteriors.gate import CheckLine

GOOD = CheckLine("R-hat", "PASS", "1.002", "at most 1.01", "The chains agree.", "Run longer.")


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


# The folder of a report, its page, and its numbers.
type Written = tuple[Path, Page, dict[str, Any]]


def forbidden(page: Page) -> list[str]:
    """Return what a static page must not hold."""
    tags = {"script", "iframe", "object", "embed", "link", "base", "form", "svg", "audio", "video"}
    found = [tag for tag in page.tags if tag in tags]
    for tag, name, value in page.attributes:
        inside = value.startswith("#") or (tag == "img" and value.startswith("data:image/svg+xml;"))
        if name.startswith("on") or (name in ("src", "href", "action", "srcset") and not inside):
            found.append(f"{tag} {name}={value[:40]}")
    return found
