"""Files of variables beside a compose file: `.env`, and those that `env_file` names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.targets.compose.interpolation import interpolate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ENTRY: Final = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<name>[^\s=#'"]+)[ \t]*
    (?:=[ \t]*(?:'(?P<literal>(?:[^'\\]|\\.)*)'|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\n]*)))?[^\n]*""",
    re.VERBOSE,
)
_BLANK: Final = re.compile(r"\s*(?:#[^\n]*)?(?:\n|$)")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}


def read_env_file(path: Path, values: Mapping[str, str]) -> dict[str, str]:
    """The variables in the file at `path`; those in their values are `values`, or stand further up in the file.

    Raises:
        BadInput: when it cannot be read, or a line sets nothing; names file and line.
    """
    text, read, position = _text_of(path), dict[str, str](), 0
    while position < len(text):
        if blank := _BLANK.match(text, position):
            position = blank.end()
            continue
        line = text.count("\n", 0, position) + 1
        entry = _ENTRY.match(text, position)
        if entry is None:
            raise BadInput(f"{path}:{line}: expected NAME=VALUE")
        try:
            value = _value(entry, {**read, **values})
        except ValueError as e:
            raise BadInput(f"{path}:{line}: {entry['name']}: {e}") from e
        if value is not None:
            read[entry["name"]] = value
        position = entry.end()
    return read


def read_raw_env_file(path: Path) -> dict[str, str]:
    """The variables in a file whose values are taken as they stand (`format: raw`).

    Raises:
        BadInput: when it cannot be read.
    """
    lines = [line for line in _text_of(path).split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return {name.strip(): value for name, equal, value in (line.partition("=") for line in lines) if equal}


def _text_of(path: Path) -> str:
    try:
        return read_file(path).decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as e:
        raise BadInput(f"{path}: cannot be read: {e.strerror}; expected a file of variables") from e
    except UnicodeDecodeError as e:
        raise BadInput(f"{path}: is not UTF-8 text: {e.reason} at byte {e.start}") from e


def _value(entry: re.Match[str], values: Mapping[str, str]) -> str | None:
    """What an entry sets; a name alone is passed on from outside, where it is set there."""
    if entry["literal"] is not None:
        return entry["literal"].replace("\\'", "'")
    if entry["quoted"] is not None:
        escaped = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), entry["quoted"])
        return interpolate(escaped, values)
    if entry["plain"] is not None:
        return interpolate(re.sub(r"(^|\s)#.*", "", entry["plain"]).strip(), values)
    return values.get(entry["name"])
