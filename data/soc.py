"""SOC codes: the one place where their spellings are made one.

The minor group of a Standard Occupational Classification or O*NET-SOC code is its first four
characters and a zero, ``11-1011.00`` → ``11-10``; the major group is its first two, ``11``.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from taskroy.errors import DataError

SocLevel = Literal["minor", "major"]
_CODE = re.compile(r"([0-9]{2})(?:-?([0-9])([0-9]{0,3}))?(?:\.[0-9]{2})?")
_GROUP = re.compile(r"([0-9]{2})-?0{2,4}")


def soc_group(code: str, level: SocLevel) -> str | None:
    """Normalise one code to its minor or major group.

    Parameters
    ----------
    code
        Any of ``11-1011.00``, ``11-1011``, ``11-1010``, ``11-1000``, ``11-10``; for the major
        group also ``11-0000`` and ``11``.
    level
        ``"minor"`` gives ``11-10``, ``"major"`` gives ``11``.

    Returns
    -------
    str or None
        The group, or None where the text is no SOC code or names only a major group while the
        minor one is asked for.

    Raises
    ------
    DataError
        If ``level`` is neither.
    """
    if level not in get_args(SocLevel):
        raise DataError(
            f"The occupation level '{level}' does not exist.",
            expected="'minor' or 'major'",
            remedy="choose one of them",
        )
    text = code.strip()
    whole_major = _GROUP.fullmatch(text)
    if whole_major:
        return whole_major[1] if level == "major" else None
    match = _CODE.fullmatch(text)
    if match is None:
        return None
    if level == "major":
        return match[1]
    return f"{match[1]}-{match[2]}0" if match[2] else None
