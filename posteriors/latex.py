"""A report's table as LaTeX: what the printed table shows, strangers' texts escaped."""

from __future__ import annotations

import pandas as pd

from taskroy.posteriors.tables import Table

# pandas escapes cells and headings, not captions and notes: one map for all.
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        # Brackets after a line's end would be taken for its argument.
        "[": "{[}",
        "]": "{]}",
        "−": "$-$",
    }
)


def to_latex(table: Table, *, watermark: str | None = None) -> str:
    """Return a table environment, with the rules of the package ``booktabs``.

    Letters outside of ASCII stay as they are: XeLaTeX and LuaLaTeX set all of them.

    Parameters
    ----------
    table
        The table.
    watermark
        What its caption begins with; for a fit that failed.
    """
    mark = f"{watermark}. " if watermark else ""
    columns = table.shown_columns
    frame = pd.DataFrame(
        [[_escaped(cell) for cell in row] for row in table.shown_rows()],
        columns=[_escaped(column.title) for column in columns],
    )
    notes = " ".join((f"Weights: {table.weights}.", *table.notes))
    body = frame.style.hide(axis="index").to_latex(
        column_format="".join("l" if column.kind == "text" else "r" for column in columns),
        hrules=True,
        caption=_escaped(mark + table.caption),
        label=f"tab:{table.name}",
        position_float="centering",
    )
    end = r"\end{table}"
    return body.replace(end, f"\\par\\footnotesize {_escaped(notes)}\n{end}")


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
