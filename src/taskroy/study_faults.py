"""From the findings of a validator to faults that name file, table and key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from taskroy.data.names import suggest
from taskroy.errors import Fault, TaskroyError
from taskroy.study_file import Place, strange_values

_PLAIN_WORDS = {  # pydantic's words → those of someone who writes TOML
    "an object": "a table",
    "a dictionary or an instance of Covariates": "a table",
    "a valid dictionary": "a table",
    "a valid array": "a list",
    "a valid string": "text in quotes",
    "a valid number": "a number",
    "a valid integer": "a whole number",
    "a valid boolean": "true or false",
    "input is not a valid path": "a path, as text in quotes",
}
_LONGEST_VALUE = 60


def study_faults(
    data: Mapping[str, Any], error: ValidationError | None, schema: Mapping[str, Any], where: str
) -> list[Fault]:
    """Describe everything wrong with a study, one fault for each key.

    Parameters
    ----------
    data
        The study as parsed.
    error
        What its validation found, if anything.
    schema
        JSON schema of the study, from which known keys and choices are taken.
    where
        The file's name.

    Returns
    -------
    list of Fault
        In the order of the study's tables; empty if nothing is wrong.
    """
    found: dict[Place, Fault] = {}
    for place, what in strange_values(data):
        found[place] = _fault(place, f"The value is {what}.", "an ordinary number or text", where)
    # A value that fits no member of a union comes with one finding for each member.
    findings: dict[Place, list[Any]] = {}
    for finding in error.errors() if error else ():
        findings.setdefault(_place_of(finding, data), []).append(finding)
    for place, several in findings.items():
        found.setdefault(place, _described(place, several, data, schema, where))
    return list(found.values())


def _place_of(finding: Any, data: Any) -> Place:
    """Cut the names of union members off a finding's location."""
    place: list[str | int] = []
    here: Any = data
    location: Place = finding["loc"]
    for depth, step in enumerate(location):
        last = depth == len(location) - 1
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            if last and finding["type"] == "missing":
                return (*place, step)
            if last or not isinstance(here, dict):
                break
            continue  # the name of a member of a union of tables: its keys come next
        place.append(step)
    return tuple(place)


def _described(
    place: Place, findings: list[Any], data: Any, schema: Mapping[str, Any], where: str
) -> Fault:
    first = findings[0]
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return _unknown_key(place, data, schema, where)
    if first["type"] == "missing":
        return _fault(place, "The key is missing.", "a value for it here", where, "add the key")
    if first["type"].startswith("union_tag"):
        return _unknown_kind(place, first, where)
    cause = getattr(first.get("ctx", {}).get("error"), "__cause__", None)
    if isinstance(cause, TaskroyError):
        return _fault(place, cause.what, cause.expected or "", where, cause.remedy)
    value = first["input"]
    expected = " or ".join(dict.fromkeys(_expectation(finding) for finding in findings))
    what = f"The value is {_shown(value)}."
    choices = [str(choice) for choice in _node(schema, place, data).get("enum", ())]
    if isinstance(value, str) and choices:
        what += suggest(value, choices)
    remedy = None
    if isinstance(value, dict) and first["type"] in ("tuple_type", "list_type"):
        name = ".".join(str(step) for step in place if not isinstance(step, int))
        remedy = f"write [[{name}]], with two brackets, above each"
    elif isinstance(value, list) and first["type"] in ("model_type", "dataclass_type"):
        remedy = f"write [{place[-1]}], with one bracket, once"
    return _fault(place, what, expected, where, remedy)


def _unknown_kind(place: Place, finding: Any, where: str) -> Fault:
    """Describe a table whose key says of which kind it is, and does not name one that there is."""
    context = finding["ctx"]
    key = context["discriminator"].strip("'")
    known = context.get("expected_tags", "").replace("'", "").split(", ")
    if "tag" not in context:
        what = "The key is missing."
    else:
        what = f"The value is {_shown(context['tag'])}.{suggest(context['tag'], known)}"
    expected = "one of " + ", ".join(known) if "tag" in context else "what kind of step it is"
    return _fault((*place, key), what, expected, where, "say of which kind it is")


def _expectation(finding: Any) -> str:
    text: str = finding["msg"].removeprefix("Input should be ")
    if finding["type"] != "literal_error":
        text = text.partition(", ")[0]  # the rest says why it is not
    return _PLAIN_WORDS.get(text, f"a value {text}" if text.split()[1:2] == ["than"] else text)


def _unknown_key(place: Place, data: Any, schema: Mapping[str, Any], where: str) -> Fault:
    key = str(place[-1])
    known = list(_node(schema, place[:-1], data).get("properties", {}))
    hint = suggest(key, known)
    elsewhere = [table for table, keys in _tables(schema) if key in keys]
    if not hint and elsewhere:
        hint = f" It is a key of [{elsewhere[0]}]."
    expected = "one of " + ", ".join(known)
    return _fault(place, f"The key is unknown.{hint}", expected, where, "correct or remove it")


def _tables(schema: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[str, list[str]]]:
    """Names of all tables with their keys."""
    properties = _node(schema, place).get("properties")
    if properties:
        yield ".".join(map(str, place)), list(properties)
        for key in properties:
            yield from _tables(schema, (*place, key))


def _node(schema: Mapping[str, Any], place: Place, data: Any = None) -> Mapping[str, Any]:
    """Follow a place into a JSON schema, and into `data`, which says which member of a union it is.

    An unknown place gives an empty node.
    """
    node = _resolved(schema, schema, data)
    for step in place:
        child = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        if not isinstance(child, dict):
            return {}
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        node = _resolved(child, schema, data)
    return node


def _resolved(node: Mapping[str, Any], schema: Mapping[str, Any], data: Any) -> Mapping[str, Any]:
    """Replace a reference, or a union, by what it stands for."""
    if "$ref" in node:
        return _resolved(schema["$defs"][node["$ref"].rpartition("/")[2]], schema, data)
    options = [
        _resolved(option, schema, data)
        for option in (*node.get("anyOf", ()), *node.get("oneOf", ()))
        if option.get("type") != "null"
    ]
    return max(options, key=lambda option: _likeness(option, data)) if options else node


def _likeness(node: Mapping[str, Any], data: Any) -> tuple[int, ...]:
    """Say how well a table fits a node: fixed values met, required keys missing and met, keys."""
    properties, required = node.get("properties", {}), node.get("required", ())
    if not isinstance(data, dict):
        return (0,)
    shared = [key for key in data if key in properties]
    met = sum(key in data for key in required)
    fixed = sum("const" in properties[k] and properties[k]["const"] == data[k] for k in shared)
    return fixed, met - len(required), met, len(shared)


def _fault(place: Place, what: str, expected: str, where: str, remedy: str | None = None) -> Fault:
    words: list[str] = []
    for step in place:  # positions count from one, as people do
        if isinstance(step, int):
            words[-1] += f" {step + 1}"
        else:
            words.append(step)
    table = f", [{'.'.join(words[:-1])}]" if words[:-1] else ""
    return Fault(
        what=what,
        where=f"{where}{table}, {words[-1]}" if words else where,
        expected=expected,
        remedy=remedy or "correct it, or leave it out to take the default",
    )


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
