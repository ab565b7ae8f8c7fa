"""A value of a label that all matchers on it allow: the usual one, one that they name, or one made for a pattern."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from leakdrill.expression import check_expression, is_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Condition = tuple[str, str]
"""Operator and value of a matcher."""

_WORDS: Final = ("app", "x", "a", "1", "node-1")
_ANY: Final = "."
_REPEATS: Final = re.compile(r"[*+?]|\{(\d+)(?:,\d*)?\}")
_ESCAPED: Final = {"d": "1", "w": "a", "s": " ", "S": "a", "D": "a", "W": "-", "b": "", "B": ""}
_MOST_EXAMPLES: Final = 12


def fitting_value(conditions: Iterable[Condition], usual: str, *, word: str = "app") -> str | None:
    """Returns a value that meets every one of `conditions`; None where we find none; empty for a label left out.

    Args:
        conditions: of the matchers on one label.
        usual: the value that the label has in production; taken where it fits.
        word: what patterns such as `.+` are filled with.
    """
    wanted = list(conditions)
    return next((value for value in _candidates(wanted, usual, word) if _meets_all(value, wanted)), None)


def _candidates(conditions: list[Condition], usual: str, word: str) -> Iterator[str]:
    yield usual
    yield from (value for sign, value in conditions if sign == "=")
    for filling in (word, *_WORDS):
        yield from (one for sign, value in conditions if sign == "=~" for one in examples(value, filling))
    yield from (word, *_WORDS, "")


def _meets_all(value: str, conditions: list[Condition]) -> bool:
    return all(meets(value, condition) for condition in conditions)


def meets(value: str, condition: Condition) -> bool:
    """Returns whether a label of this value meets `condition`; a pattern that we cannot read is met by nothing."""
    sign, wanted = condition
    if sign in ("=", "!="):
        return (value == wanted) == (sign == "=")
    pattern = f"^(?s:{wanted})$"
    try:
        check_expression(pattern)
    except ValueError:
        return False
    return is_found(pattern, value) == (sign == "=~")


def examples(pattern: str, word: str) -> list[str]:
    """Returns texts that `pattern` may match, one for each of its outer alternatives; to be tried, not trusted."""
    try:
        return [_Example(part, word).text() for part in _alternatives(pattern)[:_MOST_EXAMPLES]]
    except IndexError:
        return []


def _alternatives(pattern: str) -> list[str]:
    """The parts between the `|` that stand in no group and no class."""
    parts, depth, in_class, begin, at = [], 0, False, 0, 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            at += 1
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and depth == 0:
            parts.append(pattern[begin:at])
            begin = at + 1
        at += 1
    return [*parts, pattern[begin:]]


class _Example:
    """A text for one alternative of a pattern, its first choice at every place."""

    def __init__(self, pattern: str, word: str) -> None:
        self._pattern, self._word, self._at = pattern, word, 0

    def text(self) -> str:
        made = ""
        while self._at < len(self._pattern):
            piece, is_any = self._piece()
            found = _REPEATS.match(self._pattern, self._at)
            if found is None:
                made += "a" if piece == _ANY and is_any else piece
                continue
            self._at = found.end()
            if self._pattern[self._at : self._at + 1] == "?":
                self._at += 1
            made += self._repeated(piece, found, is_any=is_any)
        return made

    def _repeated(self, piece: str, found: re.Match[str], *, is_any: bool) -> str:
        if found[1] is not None:
            return ("a" if piece == _ANY and is_any else piece) * min(int(found[1]), 64)
        if is_any:
            return self._word
        return piece if found[0] == "+" else ""

    def _piece(self) -> tuple[str, bool]:
        """The next piece as text, and whether other characters would do as well."""
        sign = self._pattern[self._at]
        self._at += 1
        if sign == "\\":
            escaped = self._pattern[self._at]
            self._at += 1
            return _ESCAPED.get(escaped, escaped), escaped in "wS"
        if sign == "[":
            return self._of_class()
        if sign == "(":
            return self._of_group(), False
        return ("", False) if sign in "^$" else (sign, sign == _ANY)

    def _of_class(self) -> tuple[str, bool]:
        end = self._pattern.index("]", self._at + 1) if "]" in self._pattern[self._at + 1 :] else len(self._pattern)
        inner = self._pattern[self._at : end]
        self._at = end + 1
        if inner.startswith("^"):
            return "a", True
        first = _ESCAPED.get(inner[1], inner[1]) if inner.startswith("\\") else inner[0]
        return first, "a-z" in inner or "\\w" in inner

    def _of_group(self) -> str:
        begin, depth = self._at, 1
        while depth:
            sign = self._pattern[self._at]
            depth += {"(": 1, ")": -1}.get(sign, 0)
            self._at += 2 if sign == "\\" else 1
        inner = re.sub(r"^\?(?:P?<\w+>|[ims-]*:)", "", self._pattern[begin : self._at - 1])
        return _Example(_alternatives(inner)[0], self._word).text()


def series_name(name: str, labels: dict[str, str]) -> str:
    """Returns the series as promtool's test files write it; labels that are empty are left out."""
    written = ",".join(f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in labels.items() if value)
    return f"{name}{{{written}}}"
