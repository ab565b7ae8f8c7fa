"""A line of shell as words, where it is one simple command; everything else is left to a shell."""

from __future__ import annotations

import re
import shlex
from typing import Final

_NOT_SIMPLE: Final = re.compile(r"[|;&<>`\n]|\$\(|\$\{|(?<!\\)\$[A-Za-z_]")
_QUOTED: Final = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\$`])*\"")
_PREFIXES: Final = frozenset({"sudo", "time", "nohup"})


def simple_words(line: str) -> list[str] | None:
    """The words of `line`; None where it is more than one command, or the shell would fill something in."""
    joined = re.sub(r"\\\s*\n\s*", " ", without_comment(line)).strip()
    if _NOT_SIMPLE.search(_QUOTED.sub("''", joined)):
        return None
    try:
        words = shlex.split(joined)
    except ValueError:
        return None
    while words and words[0] in _PREFIXES:
        words = words[1:]
    return words or None


def without_comment(line: str) -> str:
    """`line` without what a `#` outside of quotes begins."""
    kept = []
    for row in line.split("\n"):
        masked = _QUOTED.sub(lambda match: "x" * len(match[0]), row)
        found = re.search(r"(?:^|\s)#", masked)
        kept.append(row[: found.start()].rstrip() if found else row)
    return "\n".join(kept)


def options_of(words: list[str], known: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """The options in `words` with their values, and the rest; `known` are those that take a value."""
    options: dict[str, str] = {}
    rest: list[str] = []
    waiting = ""
    for word in words:
        name, equals, value = word.partition("=")
        if waiting:
            options[waiting], waiting = word, ""
        elif word.startswith("-") and equals:
            options[name] = value
        elif word in known:
            waiting = word
        elif word.startswith("-") and word != "-":
            options[word] = ""
        else:
            rest.append(word)
    return options, rest
