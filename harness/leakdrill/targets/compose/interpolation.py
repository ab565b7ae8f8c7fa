"""Variables in a compose file: `$X`, `${X}`, `${X:-default}`, `${X:?message}`, `${X:+other}`, and `$$` for a dollar.

Source: the page on interpolation in the Compose specification.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR: Final = re.compile(r":?[-?+]")


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """`text` with the variables in it replaced; one that is not set is empty.

    Raises:
        ValueError: for what is no variable, or one that must be set and is not.
    """
    parts, position = list[str](), 0
    while (dollar := text.find("$", position)) >= 0:
        parts.append(text[position:dollar])
        part, position = _variable(text, dollar + 1, values)
        parts.append(part)
    return "".join([*parts, text[position:]])


def _variable(text: str, start: int, values: Mapping[str, str]) -> tuple[str, int]:
    """What the variable behind the dollar before `start` stands for, and where the text goes on."""
    if text[start : start + 1] == "$":
        return "$", start + 1
    braced = text[start : start + 1] == "{"
    name = _NAME.match(text, start + braced)
    if name is None:
        raise ValueError(f'"{text[start - 1 :][:40]}" is no variable; a dollar itself is written $$')
    if not braced:
        return values.get(name[0], ""), name.end()
    end = _closing(text, start)
    return _braced(name[0], text[name.end() : end], values), end + 1


def _closing(text: str, start: int) -> int:
    """Where the brace at `start` is closed; braces of variables inside of it come in pairs."""
    depth = 0
    for position in range(start, len(text)):
        if text[position] == "{" and (position == start or text[position - 1] == "$"):
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    raise ValueError(f'"{text[start - 1 :][:40]}" is not closed; expected a brace at its end')


def _braced(name: str, rest: str, values: Mapping[str, str]) -> str:
    value = values.get(name)
    if not rest:
        return value or ""
    operator = _OPERATOR.match(rest)
    if operator is None:
        raise ValueError(f'"${{{name}{rest[:40]}}}" is no variable; expected an operator such as :- behind the name')
    is_set = bool(value) if operator[0].startswith(":") else value is not None
    other = rest[operator.end() :]
    if operator[0].endswith("+"):
        return interpolate(other, values) if is_set else ""
    if is_set:
        return value or ""
    if operator[0].endswith("?"):
        raise ValueError(f"the variable {name} is not set: {interpolate(other, values) or 'it must be'}")
    return interpolate(other, values)
