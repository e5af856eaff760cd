"""The text of a study file: read with care, and parsed so that faults have a place."""

from __future__ import annotations

import json
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from taskroy.data.names import suggest
from taskroy.errors import StudyError

MAX_BYTES = 2**20
DEFAULT_NAME = "the default study"
_EXPECTED = "the path of a study file: TOML text in UTF-8"

#: A place in a study: keys of tables and positions in lists.
Place = tuple[str | int, ...]


def default_text() -> str:
    """Return the default study, commented, as it is shipped."""
    return files("taskroy").joinpath("default_study.toml").read_text(encoding="utf-8")


def read_text(path: str | os.PathLike[str]) -> str:
    """Read a study file.

    Raises
    ------
    StudyError
        If it is missing (names the nearest file), a folder, a device, too large, not readable or
        not UTF-8.
    """
    file = Path(path).expanduser()

    def refusal(what: str, remedy: str) -> StudyError:
        return StudyError(what, where=str(path), expected=_EXPECTED, remedy=remedy)

    try:
        if file.is_dir():
            raise refusal("This is a folder, not a file.", "add the file's name to the path")
        if file.exists() and not file.is_file():
            raise refusal("This is a device or a pipe, not a file.", "write the study to a file")
        with file.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        folder = file.parent
        near = suggest(file.name, os.listdir(folder)) if folder.is_dir() else ""
        raise refusal(
            f"The file does not exist.{near}",
            "correct the path, or write a study to start from with 'taskroy init'",
        ) from error
    except OSError as error:
        raise refusal(f"The file cannot be read ({error.strerror}).", "check its rights") from error
    if len(raw) > MAX_BYTES:
        raise refusal("The file is larger than 1 MiB.", "give the study file, not the data")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise refusal(
            f"The bytes at line {line} are not UTF-8 (byte 0x{raw[error.start]:02x}).",
            "save the file as UTF-8",
        ) from error


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Parse a study file's text.

    Parameters
    ----------
    text
        TOML.
    where
        The file's name, for messages.

    Raises
    ------
    StudyError
        With line and column, where the text is not TOML or a key stands twice.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        last = f"at line {len(text.splitlines())}, the last"
        raise _not_toml(str(error).replace("at end of document", last), where) from error
    except (ValueError, RecursionError) as error:
        raise _not_toml("a number is too long, or lists nest too deeply", where) from error


def _not_toml(reason: str, where: str) -> StudyError:
    return StudyError(
        f"The text is not TOML: {reason}.",
        where=where,
        expected='[tables] with lines such as: method = "nuts"',
        remedy="mend that line; texts stand in quotes, and each key once in its table",
    )


def toml_text(tables: Mapping[str, Any]) -> str:
    """Return TOML text of tables of plain values.

    Parameters
    ----------
    tables
        As `parse_toml` returns them: tables, and lists of tables, of texts, numbers, truth values
        and further tables.
    """
    lines = []
    for name, table in tables.items():
        for one in table if isinstance(table, list) else [table]:
            lines.append(f"[[{name}]]" if isinstance(table, list) else f"[{name}]")
            lines += [f"{_key(key)} = {_inline(value)}" for key, value in one.items()]
            lines.append("")
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _inline(name)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(k)} = {_inline(v)}" for k, v in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # inf, which an open end of a filter is
    # JSON's texts are TOML's, but for DEL and letters beyond 16 bits, which stay as they are.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def strange_values(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Find what TOML allows and no setting takes.

    Parameters
    ----------
    value
        A parsed study, or a part of it.
    place
        Where that part stands.

    Yields
    ------
    tuple
        Place and description of each date, number that is not finite (in a filter, infinity is an
        open end), and whole number beyond 64 bits.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strange_values(item, (*place, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from strange_values(item, (*place, position))
    elif isinstance(value, float):
        if math.isnan(value) or (math.isinf(value) and place[:2] != ("panel", "filters")):
            yield place, "a number that is not finite"
    elif isinstance(value, int):
        if abs(value) >= 2**63:
            yield place, "a whole number of more than 64 bits"
    elif not isinstance(value, str):
        yield place, "a date or time (text stands in quotes)"
