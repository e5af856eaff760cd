"""How every command ends: an answer for a person or a machine, or a sentence and an exit code."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json as json_format
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from taskroy.errors import TaskroyError
from taskroy.terminal import console, notes, plain

INTERRUPTED = 130
_OPTIONS = {
    "json": typer.Option("--json", help="Print the result as JSON, and nothing else, on stdout."),
    "debug": typer.Option("--debug", help="Show the traceback of an unexpected error."),
}


@dataclass(frozen=True)
class Answer:
    """The result of a command.

    Attributes
    ----------
    data
        For machines: what ``--json`` prints.
    text
        For people: texts and tables, printed one under the other.
    exit_code
        With which the command ends.
    """

    data: dict[str, Any]
    text: tuple[RenderableType, ...]
    exit_code: int = 0


def command(
    app: typer.Typer, name: str | None = None
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Register a function as a command that takes ``--json`` and ``--debug`` besides its own.

    Parameters
    ----------
    app
        Where to register it.
    name
        What the command is called; by default as the function.
    """

    def register(work: Callable[..., Answer]) -> Callable[..., Answer]:
        @functools.wraps(work)
        def wrapped(*, json: bool, debug: bool, **arguments: Any) -> None:
            raise typer.Exit(_performed(lambda: work(**arguments), json=json, debug=debug))

        own = inspect.signature(work, eval_str=True)
        common = [
            inspect.Parameter(
                option,
                inspect.Parameter.KEYWORD_ONLY,
                default=False,
                annotation=Annotated[bool, setting],
            )
            for option, setting in _OPTIONS.items()
        ]
        signature = own.replace(parameters=[*own.parameters.values(), *common])
        wrapped.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
        app.command(name)(wrapped)
        return work

    return register


def _performed(work: Callable[[], Answer], *, json: bool, debug: bool) -> int:
    """Run a command's work, print what it comes to, and return the exit code."""
    err = console(stderr=True)
    try:
        with notes(err) as warned:
            answer = work()
        if json:
            _print_json(answer.data | {"warnings": warned})
        else:
            out = console()
            for part in answer.text:
                out.print(Text(plain(part)) if isinstance(part, str) else part)
        return answer.exit_code
    except BrokenPipeError:
        raise  # who read our output has gone away; typer ends quietly
    except KeyboardInterrupt:
        err.print(
            "Interrupted. What is stored is whole; run the command again to go on from there."
        )
        return INTERRUPTED
    except TaskroyError as error:
        sentence, code = str(error), error.exit_code
        details = {
            "what": error.what,
            "where": error.where,
            "expected": error.expected,
            "remedy": error.remedy,
            "faults": [asdict(fault) for fault in error.faults],
        }
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sentence, code = f"{place}{error.strerror or error}.", TaskroyError.exit_code
        sentence += "\nTo do: make room on the disk, or choose a place that you may read and write."
        details = {"what": sentence}
    except Exception as error:
        sentence, code = _unexpected(error, debug=debug), TaskroyError.exit_code
        details = {"what": sentence}
    err.print(Text("Error: ", "bold red") + Text(plain(sentence)))
    if json:
        with contextlib.suppress(OSError):  # stdout itself may be what is full
            _print_json({"error": {"exit_code": code, **details}})
    return code


def _print_json(data: dict[str, Any]) -> None:
    print(json_format.dumps(data, indent=2, allow_nan=False, default=os.fspath), flush=True)


def _unexpected(error: Exception, *, debug: bool) -> str:
    sentence = f"Something in taskroy itself went wrong ({type(error).__name__}: {error})."
    if debug:
        traceback.print_exception(error, file=sys.stderr)
        return sentence
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="taskroy-", suffix=".txt", delete=False
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return f"{sentence}\nTo do: report it; --debug shows where."
    return f"{sentence}\nTo do: report it, with {file.name}, which says where; or add --debug."
