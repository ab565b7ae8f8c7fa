"""The reader of JSON that people keep and may have changed: a model checks it, mistakes have file and line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.units import quoted
from leakdrill.yaml_file import dotted

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from leakdrill.yaml_file import Loc

M = TypeVar("M", bound=BaseModel)
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_LINE_OF_PYDANTIC: Final = re.compile(r" at line (\d+) column \d+$")
_SHOWN_CHARS: Final = 40
_DEEPEST: Final = 20
"""How deep places are told: no file of ours is nested deeper, and each place is as long as it is deep."""


def read_json(path: Path, model: type[M], *, expected: str, hint: str = "") -> M:
    """Returns what is in the file at `path`, as `model` has it.

    Args:
        path: the file.
        model: what must be in it; a number is not read from text, nor a whole number from a fraction.
        expected: what the file should hold, for messages.
        hint: what writes such a file.

    Raises:
        BadInput: when it cannot be read, is no JSON, gives a key twice, or does not fit.
    """
    try:
        content = read_file(path)
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}", hint=hint) from e
    text = content.decode("utf-8", "replace")
    try:
        read = model.model_validate_json(content, strict=True)
    except ValidationError as e:
        raise BadInput(f"{path}:{_explained(e.errors()[0], text, expected)}", hint=hint) from e
    for loc, line in keys_twice(text):
        raise BadInput(f"{path}:{line}: {dotted(loc)}: is given twice; expected {expected}", hint=hint)
    return read


def _explained(error: ErrorDetails, text: str, expected: str) -> str:
    """Returns `line: place: what is wrong`."""
    loc, message, lines = error["loc"], error["msg"].removeprefix("Value error, "), dict(places(text))
    if at := _LINE_OF_PYDANTIC.search(message):
        return f"{at[1]}: {message[: at.start()]}; expected {expected}"
    while loc and loc not in lines:
        loc = loc[:-1]
    place = f"{lines.get(loc, 1)}: {dotted(tuple(error['loc'])) or 'the file'}"
    kind, value = error["type"], error["input"]
    if kind in ("missing", "extra_forbidden"):
        return f"{place}: is {'missing' if kind == 'missing' else 'not a key here'}; expected {expected}"
    message = message.replace("Input should be", "expected").partition(", unable")[0]
    if kind == "value_error" or isinstance(value, dict | list | tuple | BaseModel):
        return f"{place}: {message}"
    return f"{place}: found {quoted(str(value)[:_SHOWN_CHARS])}; {message[:1].lower()}{message[1:]}"


def places(text: str) -> list[tuple[Loc, int]]:
    """Returns each key and item of the JSON in `text` with its line, in their order; as far as it can be followed."""
    found: list[tuple[Loc, int]] = []
    owners: list[int | str | None] = []  # of each open object its last key, of each open list the number of its item
    line, end, waits_for_key = 1, 0, False
    for token in _TOKEN.finditer(text):
        line += text.count("\n", end, token.start())
        end, word = token.start(), token[0]
        if len(owners) > _DEEPEST:
            break
        if waits_for_key and word.startswith('"'):
            owners[-1], waits_for_key = _name(word), False
            found.append((_loc(owners), line))
            continue
        if word in "{[":
            _item(owners, found, line)
            owners.append(None if word == "{" else -1)
            waits_for_key = word == "{"
        elif word in "}]":
            if owners:
                owners.pop()
            waits_for_key = False
        elif word == ",":
            waits_for_key = bool(owners) and not isinstance(owners[-1], int)
        elif word != ":":
            _item(owners, found, line)
    return found


def keys_twice(text: str) -> list[tuple[Loc, int]]:
    """Returns each key of the JSON in `text` that its object has already, with its line."""
    seen: set[Loc] = set()
    return [(loc, line) for loc, line in places(text) if loc in seen or seen.add(loc)]  # type: ignore[func-returns-value]


def _item(owners: list[int | str | None], found: list[tuple[Loc, int]], line: int) -> None:
    """Note the next item of the list that is open, if it is a list."""
    if owners and isinstance(owners[-1], int):
        owners[-1] += 1
        found.append((_loc(owners), line))


def _loc(owners: list[int | str | None]) -> Loc:
    return tuple(part for part in owners if part is not None)


def _name(word: str) -> str:
    """Returns a key as it was written, without its quotes."""
    return word[1:-1]
