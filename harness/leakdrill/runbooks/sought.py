"""The number that a runbook tells to look for in what a command prints: "above 75 %", "expected: < 1s"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from leakdrill.runbooks.blocks import next_in_block
from leakdrill.runbooks.fragment import Place
from leakdrill.scenario.rehearsal import Sought

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Runbook

Unit = Literal["%", "bytes", "s", ""]
_ABOVE: Final = r"above|over|more than|higher than|greater than|exceed(?:s|ing)?|at least|≥|>=|>"
_BELOW: Final = r"below|under|less than|lower than|fewer than|at most|≤|<=|<"
_TOLD: Final = re.compile(
    rf"(?:\b(?P<not>no|not|never|\w+n't)\s+(?:(?:be|go|rise|drop|fall|get)\s+)?)?(?:(?P<above>{_ABOVE})|(?P<below>{_BELOW}))\s*(?P<number>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>%|percent\b|[KMGT]i?B?\b|ms\b|milliseconds?\b|s\b|sec(?:ond)?s?\b|min(?:ute)?s?\b|m\b)?",
    re.IGNORECASE,
)
_FACTORS: Final = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_FENCE: Final = re.compile(r"\s*(?:```|~~~)")
_UNINDENTED: Final = re.compile(r"(?! {4}|\t)\s*\S")
_REACH: Final = 6
"""How many lines before and after a command may speak of what it shows."""


def sought_by(runbook: Runbook, fragment: Fragment) -> Sought | None:
    """The one number that the lines about `fragment` tell to look for; None where they tell of none, or of several."""
    told = [sought for line, text in _lines_about(runbook, fragment) for sought in told_in(text, line)]
    bounds = {(one.above, one.bound, one.unit) for one in told}
    return told[0] if len(bounds) == 1 else None


def told_in(text: str, line: int = 0) -> list[Sought]:
    """Every bound in `text`, which stands on `line`."""
    found = []
    for match in _TOLD.finditer(text):
        unit, factor = _unit(match["unit"] or "", match["number"])
        bound = float(match["number"]) * factor
        above = bool(match["above"]) != bool(match["not"])
        found.append(Sought(line=line, text=match[0].strip(), above=above, bound=bound, unit=unit))
    return found


def _unit(word: str, number: str) -> tuple[Unit, float]:
    """The unit that `word` means, and what one of it is."""
    word = word.lower()
    if word in ("%", "percent"):
        return "%", 1.0
    if word.startswith(("ms", "milli")):
        return "s", 1e-3
    if word.startswith("min") or word == "m":
        return "s", 60.0
    if word.startswith("s"):
        return "s", 1.0
    size = word.removesuffix("b")
    return ("bytes", _FACTORS[size]) if size in _FACTORS and number else ("", 1.0)


def _lines_about(runbook: Runbook, fragment: Fragment) -> Iterator[tuple[int, str]]:
    """The comments right above a command, and what follows it up to the next command, its comments, or a heading.

    Prose between two blocks may speak of either, so it counts only where no command of the section follows, or where
    it ends in a colon right before the one. In a table, the other cells of its row speak of a command.
    """
    lines = runbook.lines
    if fragment.place is Place.TABLE:
        yield fragment.line, lines[fragment.line - 1].replace(fragment.text, " ")
        return
    yield from _leading_to(runbook, fragment)
    later = [other.line for other in runbook.fragments if other.line > fragment.end_line and other.kind != "output"]
    headings = {heading.line for heading in runbook.headings}
    next_line = min(later, default=len(lines) + 1)
    stop = min(
        [
            next_line - _comments_above(lines, next_line, headings),
            *(line for line in headings if line > fragment.end_line),
            fragment.end_line + 1 + _REACH,
        ]
    )
    if any(other.line == next_line and other.section == fragment.section for other in runbook.fragments):
        ends = _FENCE if fragment.place is Place.FENCE else _UNINDENTED
        stop = min([stop, *(at for at in range(fragment.end_line + 1, stop) if ends.match(lines[at - 1]))])
    first = fragment.line - _comments_above(lines, fragment.line, headings)
    for at in [*range(first, fragment.line), *range(fragment.end_line + 1, stop)]:
        yield at, lines[at - 1]


def _leading_to(runbook: Runbook, fragment: Fragment) -> Iterator[tuple[int, str]]:
    """The paragraph that ends in a colon right before the block in which `fragment` is the only command."""
    lines, at = runbook.lines, fragment.line - 1
    if fragment.place is Place.FENCE:
        if not _FENCE.match(lines[at - 1]) or next_in_block(runbook, fragment) is not None:
            return
        at -= 1
    elif fragment.place is not Place.INDENTED:
        return
    while at >= 1 and not lines[at - 1].strip():
        at -= 1
    if at < 1 or not lines[at - 1].rstrip().endswith(":"):
        return
    headings = {heading.line for heading in runbook.headings}
    for line in range(at, max(0, at - _REACH), -1):
        if line in headings or not lines[line - 1].strip() or _FENCE.match(lines[line - 1]):
            return
        yield line, lines[line - 1]


def _comments_above(lines: tuple[str, ...], line: int, headings: set[int]) -> int:
    """How many comments stand right above `line`."""
    count = 0
    while count < _REACH and (at := line - 1 - count) >= 1 and at not in headings:
        if not lines[at - 1].strip().startswith("#"):
            break
        count += 1
    return count
