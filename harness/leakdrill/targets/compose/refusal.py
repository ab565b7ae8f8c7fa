"""Where in a compose file the thing stands that Docker's program refuses: its messages rarely name a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.targets.compose.reader import read_compose
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakdrill.yaml_file import Loc

_PARTS: Final = "services|networks|volumes|secrets|configs|include"
_PATH: Final = re.compile(
    rf"(?<![\w./-])(?P<path>(?:{_PARTS})(?:\[[^\]\n]+\]|\.[\w-]+)+)(?:[^\n.']*'(?P<key>[\w-]+)')?"
)
"""`services.web.ports.0`, `services[web].mem_limit`, and mostly the key below it that is not known."""
_NAMED: Final = re.compile(r"(?P<part>service|network|volume|secret|config) \"(?P<name>[^\"\n]+)\"")
_UNKNOWN: Final = re.compile(r"undefined (?P<part>\w+) \"?(?P<name>[\w.-]+)|(?P<key>env file|extend)\b")
_TOP: Final = re.compile(rf"additional properties '(?P<key>[\w-]+)'|^(?P<part>{_PARTS}) must be", re.MULTILINE)
_LINE: Final = re.compile(r"\bline (?P<line>\d+)(?:, column \d+)?: ")
_LISTS: Final = {
    "service": "depends_on",
    "network": "networks",
    "volume": "volumes",
    "secret": "secrets",
    "config": "configs",
}


def refused(file: Path, message: str, environ: Mapping[str, str], *, detail: str) -> BadInput:
    """Returns the error for `file`, which compose refuses with `message`, with the line where one can be told.

    Args:
        file: the user's compose file.
        message: what compose wrote.
        environ: the variables outside.
        detail: how the sentence goes on after the place; used where our own reader has nothing against the file.
    """
    try:
        read_compose(file, environ)
    except BadInput as e:
        return e
    return BadInput(f"{place(file, message)}: {detail}")


def place(file: Path, message: str) -> str:
    """Returns the file and the line of what `message` is about; the file alone where that cannot be told."""
    document = read_yaml(file, expected="a compose file", scalars="compose")
    loc = _loc(message)
    while loc:
        if loc in document.lines:
            return document.place(loc)
        loc = loc[:-1]
    line = _LINE.search(message)
    return f"{file}:{line['line']}" if line else str(file)


def _loc(message: str) -> Loc:
    path = _PATH.search(message)
    if path is not None:
        keys = re.findall(r"[\w-]+", path["path"])
        return _typed((*keys, *([path["key"]] if path["key"] else [])))
    named = _NAMED.search(message)
    if named is not None:
        below = _UNKNOWN.search(message, named.end())
        key = "" if below is None else _LISTS.get(below["part"] or "", "extends" if below["key"] == "extend" else "")
        return (f"{named['part']}s", named["name"], *([key] if key else []))
    top = _TOP.search(message)
    return () if top is None else (top["key"] or top["part"],)


def _typed(keys: tuple[str, ...]) -> Loc:
    return tuple(int(key) if key.isdigit() else key for key in keys)
