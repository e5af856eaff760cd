"""Read a delimited text or Parquet file into cells, refusing whatever could become a wrong number.

Cells stay text exactly as in the file and the index holds their line numbers, so that every later
message can point at the place. pandas' own CSV reader is not used: it guesses types, renames
doubled columns, and shifts columns when rows are longer than the header.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import os
import zlib
from pathlib import Path

import pandas as pd

from taskroy.errors import DataError

#: Spellings of an empty cell.
MISSING = ("", "na", "n/a", "nan", "null", "none", "<na>", "nat", ".", "#n/a")
_FOREIGN = {  # leading bytes of files that are not text: what they are, what to do
    b"PK\x03\x04": ("an Excel workbook or a zip archive", "export the sheet as CSV (UTF-8)"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "export the sheet as CSV (UTF-8)"),
    b"\xff\xfe": ("UTF-16 text", "save the file as CSV in UTF-8"),
    b"\xfe\xff": ("UTF-16 text", "save the file as CSV in UTF-8"),
    b"BZh": ("bzip2-compressed", "decompress it, or compress it with gzip"),
    b"\xfd7zXZ": ("xz-compressed", "decompress it, or compress it with gzip"),
    b"<stata_dta>": ("a Stata file", "export it as CSV (Stata: export delimited)"),
}


def read_bytes(path: str | Path) -> bytes:
    """Read a file whole.

    Raises
    ------
    DataError
        If it is missing (names the nearest file in its folder), a folder, or cannot be read.
    """
    file = Path(os.path.expanduser(path))  # Path.expanduser raises on odd users
    if str(path) in ("", ".") or os.path.isdir(file):
        raise DataError(
            "This is a folder, not a file.",
            where=str(path) or "(empty path)",
            expected="the path of a CSV, CSV.gz or Parquet file",
            remedy="add the file's name to the path",
        )
    if os.path.exists(file) and not file.is_file():
        raise DataError(
            "This is a device or a pipe, not a file.",
            where=str(path),
            expected="the path of a CSV, CSV.gz or Parquet file",
            remedy="write the data to a file first",
        )
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        folder = file.parent
        names = os.listdir(folder) if os.access(folder, os.R_OK | os.X_OK) else []
        near = difflib.get_close_matches(file.name, names, n=1)
        raise DataError(
            "The file does not exist."
            + (f" Did you mean '{folder / near[0]}'?" if near else "")
            + ("" if folder.is_dir() else f" Its folder '{folder}' does not exist either."),
            where=str(path),
            expected="the path of a file, relative to the folder the command runs in",
            remedy="correct the path",
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"The file cannot be read ({error}).",
            where=str(path),
            remedy="check its name and the permission to read it",
        ) from error


def read_cells(path: str | Path, *, separator: str = ",", quoted: bool = True) -> pd.DataFrame:
    """Read a delimited text file (plain or gzip) as text cells.

    Parameters
    ----------
    path
        The file; UTF-8, with or without a byte-order mark; its first line holds column names.
    separator
        The one character between cells.
    quoted
        Whether cells may be quoted with ``"``.

    Returns
    -------
    pandas.DataFrame
        One column of str per name, cells stripped of surrounding space; the index, named
        ``line``, is the line number in the file (the header is line 1).

    Raises
    ------
    DataError
        With a sentence for whatever is wrong: missing or empty file, another format or encoding,
        doubled or empty column names, rows with more or fewer cells than the header.
    """
    text = _decoded(path)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=True,
    )
    rows: list[list[str]] = []
    lines: list[int] = []
    start = 1
    try:
        for row in reader:
            if row and any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"The text stops being a table at line {start} ({error}).",
            where=str(path),
            expected='cells separated by commas, with every opening quote " closed',
            remedy=f"look at line {start} for a stray quote, or save the file again as CSV",
        ) from error
    if not rows:
        raise _empty(path)
    names = _header(rows[0], path, separator)
    _refuse_ragged(rows, lines, path)
    return pd.DataFrame(
        {name: [row[j].strip() for row in rows[1:]] for j, name in enumerate(names)},
        index=pd.Index(lines[1:], name="line"),
        columns=names,
        dtype=str,
    )


def _decoded(path: str | Path) -> str:
    """Decode the file, gunzipped where the leading bytes say gzip."""
    raw = read_bytes(path)
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f"The gzip file is damaged or cut short ({error}).",
                where=str(path),
                remedy="download or compress it again",
            ) from error
    for magic, (what, remedy) in _FOREIGN.items():
        if raw.startswith(magic):
            raise DataError(
                f"The file is {what}.",
                where=str(path),
                expected="comma-separated text in UTF-8, gzip of it, or Parquet",
                remedy=remedy,
            )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"The bytes at line {line} are not UTF-8 (byte 0x{raw[error.start]:02x}).",
            where=str(path),
            expected="text in UTF-8",
            remedy="save the file as CSV in UTF-8 (Excel: 'CSV UTF-8')",
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(
            f"Line {line} holds a NUL byte: this is not a text file.",
            where=str(path),
            expected="text in UTF-8",
            remedy="export the data as CSV in UTF-8",
        )
    if not text.strip():
        raise _empty(path)
    return text


def _empty(path: str | Path) -> DataError:
    return DataError(
        "The file is empty.",
        where=str(path),
        expected="a line of column names, then one line for each row",
        remedy="export the data again",
    )


def _header(row: list[str], path: str | Path, separator: str) -> list[str]:
    """Column names, stripped; each must be there once."""
    names = [name.strip() for name in row]
    if len(names) == 1:
        for other, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (",", "commas")):
            if other in names[0] and other != separator:
                raise DataError(
                    f"The columns are separated by {word}.",
                    where=f"{path}, line 1",
                    expected="commas between columns, and decimal points in numbers",
                    remedy="save the file as comma-separated CSV",
                )
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise DataError(
            "The column name '" + "', '".join(doubled) + "' appears more than once.",
            where=f"{path}, line 1",
            expected="each column name once",
            remedy="rename or remove the doubled column: which one is meant is not guessed",
        )
    # An index written without a name (pandas' to_csv) leaves one empty name: harmless, keep it
    # under a name that nobody maps by accident.
    unnamed = [j for j, name in enumerate(names) if not name]
    return [f"(unnamed {j + 1})" if j in unnamed else name for j, name in enumerate(names)]


def _refuse_ragged(rows: list[list[str]], lines: list[int], path: str | Path) -> None:
    width = len(rows[0])
    ragged = [(line, len(row)) for row, line in zip(rows, lines, strict=True) if len(row) != width]
    if ragged:
        line, cells = ragged[0]
        more = f" ({len(ragged)} lines are like that)" if len(ragged) > 1 else ""
        raise DataError(
            f"Line {line} has {cells} cells, the header has {width}{more}.",
            where=f"{path}, line {line}",
            expected=f"{width} cells in every line",
            remedy="look for a comma inside a number (12,5 for 12.5) or an unquoted text",
        )
