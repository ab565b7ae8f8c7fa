"""The parts of a command that a person must fill in, and the text that a parser can read in their place.

`<pod-name>` would read as a redirection from a file `pod-name` and one to nothing, so placeholders are replaced by as many
letters before the text is parsed: every position stays the original's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from leakdrill.runbooks.base.placeholder import Placeholder

ANGLE: Final = re.compile(
    r"(?<![<\w&])<(?:[A-Za-z$][^<>\n&;|()`\"']{0,80}|\.\.\.|…|[0-9][\w.:/-]{0,40})>(?![A-Za-z~$>&(])"
)
ANGLE_IN_WORD: Final = re.compile(r"(?<=[\w/:.@=-])<[A-Za-z][A-Za-z0-9_ .:/-]{0,80}>")
FILE: Final = re.compile(r"\.(?:txt|log|sql|json|ya?ml|csv|conf|gz|in|out|dump)$")
"""A name in angle brackets that may be a file's: `<dump.sql> log` are two redirections."""
CURLY: Final = re.compile(r"(?<![$\w}{%])\{\{? ?([A-Za-z][A-Za-z0-9_-]*) ?\}?\}(?![{}])")
SQUARE: Final = re.compile(r"(?<=[\s/:=])\[([A-Za-z]{2,}[A-Za-z _-]*[A-Za-z])\](?=[\s/:.,]|$)", re.MULTILINE)
YOURS: Final = re.compile(r"(?<![\w$-])(?:YOUR|MY)[_-][A-Z0-9]+(?:[_-][A-Z0-9]+)*\b(?!=)|(?<![\w$.-])your-[a-z0-9-]+")
CAPITALS: Final = re.compile(
    r"(?<=[\s/:@=\"'])(?:[A-Z][A-Z0-9]*_)*(?:NAME|ID|IP|HOST|PORT|URL|TOKEN|NAMESPACE|POD|PID|NODE|CLUSTER|SERVICE|CONTAINER|"
    r"HOSTNAME|USERNAME|PASSWORD|BUCKET|REGION|DEPLOYMENT|DATABASE|REVISION|VERSION)(?=[\s/:.,\"'@)]|$)",
    re.MULTILINE,
)
EXES: Final = re.compile(r"(?<![\w$])(?<!\s-)[xX]{3,}(?:[-.][xX]+)*(?!\w)|(?<![\w.])x(?:\.x){3}(?![\w.])")
DOTS: Final = re.compile(r"(?<![\w./\"'])(?:\.\.\.|…)(?![\w./])")
SPELLINGS: Final = (
    *((ANGLE, "<"), (ANGLE_IN_WORD, "<"), (CURLY, "{"), (SQUARE, "["), (YOURS, ""), (CAPITALS, ""), (EXES, "")),
    (DOTS, ""),
)
"""The ways in which placeholders are written, each with a sign that it always has."""
F_STRING: Final = re.compile(r"\bf['\"][^'\"\n]*$")
"""The beginning of a text of Python whose braces are filled by the program."""
CODE_WORDS: Final = frozenset({"print", "next", "exit", "getline", "printf", "end", "else"})
"""What stands in braces in a program of awk."""


@dataclass(frozen=True)
class Bound:
    """A text whose placeholders are replaced by words."""

    original: bytes
    parseable: bytes
    spots: list[tuple[int, int, Placeholder]] = field(default_factory=list)
    """The bytes of each placeholder, in order, and itself."""

    def within(self, start: int, end: int) -> list[Placeholder]:
        """Returns the placeholders between two positions."""
        first = bisect_right(self.spots, start, key=lambda spot: spot[1])
        result = []
        for spot_start, _, placeholder in self.spots[first:]:
            if spot_start >= end:
                break
            result.append(placeholder)
        return result


def bind(text: str) -> Bound:
    """Replaces every placeholder by as many letters as it has bytes."""
    taken: list[tuple[int, int, str]] = []
    for pattern, sign in SPELLINGS:
        if sign not in text:
            continue
        taken += [(one.start(), one.end(), one.group()) for one in pattern.finditer(text) if _counts(pattern, one)]
    original = text.encode("utf-8", "surrogateescape")
    if not taken:
        return Bound(original, original)
    return _replace(text, original, sorted(taken, key=lambda spot: (spot[0], -spot[1])))


def _counts(pattern: re.Pattern[str], match: re.Match[str]) -> bool:
    if pattern in {ANGLE, ANGLE_IN_WORD}:
        return _is_no_redirection(match)
    if pattern is CURLY:
        return match.group(1) not in CODE_WORDS and not F_STRING.search(
            match.string[max(0, match.start() - 200) : match.start()]
        )
    return True


def _is_no_redirection(match: re.Match[str]) -> bool:
    """`<values.yaml>` behind an option, or with nothing behind it, is a placeholder; `<dump.sql> log` is two redirections."""
    inside = match.group()[1:-1]
    if re.search(r"\s\d?$", inside):
        return False
    if not FILE.search(inside):
        return True
    before = match.string[max(0, match.start() - 80) : match.start()]
    return bool(re.search(r"(?:[=:/,]|\s--?[\w-]+\s*)$", before)) or bool(
        re.match(r"\s*(?:$|[-|;&)\\\n])", match.string[match.end() : match.end() + 80])
    )


def _replace(text: str, original: bytes, taken: list[tuple[int, int, str]]) -> Bound:
    pieces: list[bytes] = []
    spots: list[tuple[int, int, Placeholder]] = []
    at = position = 0
    for start, end, spelt in taken:
        if start < at:
            continue
        before = text[at:start].encode("utf-8", "surrogateescape")
        length = len(spelt.encode("utf-8", "surrogateescape"))
        position += len(before)
        pieces += [before, b"x" * length]
        spots.append((position, position + length, Placeholder(spelt, name_of(spelt))))
        position += length
        at = end
    pieces.append(text[at:].encode("utf-8", "surrogateescape"))
    return Bound(original, b"".join(pieces), spots)


def name_of(spelt: str) -> str:
    """Returns what bindings call a placeholder: `pod-name` for `<pod-name>`."""
    return spelt.strip("<>{}[]$ ") or spelt
