"""Comments that silence a finding: `<!-- leakdrill: allow RULE because … -->`.

A comment counts for the line that it is on; where it has its lines to itself, for the block or paragraph that follows;
above the first heading, for the whole file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from leakdrill.runbooks.finding import Finding, Level
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from leakdrill.runbooks.runbook import Runbook

REASON: Final = "allow-without-reason"
REASON_SUMMARY: Final = "a comment that silences a finding and does not say why"
UNKNOWN: Final = "allow-unknown"
UNKNOWN_SUMMARY: Final = "a comment that silences a rule that there is not"
UNUSED: Final = "allow-unused"
UNUSED_SUMMARY: Final = "a comment that silences nothing"
_COMMENT: Final = re.compile(r"<!--\s*leakdrill\s*:\s*allow\b(?P<rest>.*?)-->", re.DOTALL)
_FENCES: Final = ("```", "~~~")
_PARTS: Final = re.compile(r"\s*(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)?\s*(?:because\b\s*(?P<reason>.*))?", re.DOTALL)


@dataclass(frozen=True)
class Allowance:
    """One comment: which rules it silences, on which lines, and why."""

    line: int
    rules: tuple[str, ...]
    reason: str
    first_line: int
    last_line: int

    def covers(self, finding: Finding) -> bool:
        """Whether it silences `finding`; one without a reason silences nothing."""
        return bool(self.reason) and finding.rule in self.rules and self.first_line <= finding.line <= self.last_line


def allowances(runbook: Runbook) -> list[Allowance]:
    """Returns the comments of a file, in its order; those in a block of code are code."""
    text = "\n".join(runbook.lines)
    ends = list(accumulate(len(line) + 1 for line in runbook.lines))
    found = []
    for comment in _COMMENT.finditer(text):
        line, end = bisect_right(ends, comment.start()) + 1, bisect_right(ends, comment.end()) + 1
        if not any(one.line <= line <= one.end_line for one in runbook.fragments):
            found.append(_allowance(runbook, comment, line, end))
    return found


def _allowance(runbook: Runbook, comment: re.Match[str], line: int, end: int) -> Allowance:
    parts = _PARTS.match(comment["rest"])
    rules = tuple(one.strip() for one in (parts["rules"] or "").split(",")) if parts else ()
    rules = tuple(one for one in rules if one and one != "because")
    reason = " ".join((parts["reason"] or "").split()) if parts else ""
    alone = not _COMMENT.sub("", "\n".join(runbook.lines[line - 1 : end])).strip(" >-*\n")
    first, last = _following(runbook, end) if alone else (line, end)
    return Allowance(line, rules, reason, first, last)


def _following(runbook: Runbook, end: int) -> tuple[int, int]:
    """The lines of what follows a comment: the whole file where no heading stands before it."""
    if not any(heading.line <= end for heading in runbook.headings):
        return 1, len(runbook.lines)
    lines, marks = runbook.lines, _marks(runbook)
    at = end
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at >= len(lines):
        return at + 1, at + 1
    fence, opened, stop = _fence(lines[at]), at, _next(marks.blank, at, len(lines))
    if not fence and (inside := _next(marks.fences, at, stop)) < stop:
        fence, opened = _fence(lines[inside]), inside
    if fence:
        stop = _next(marks.closing[fence], opened, len(lines))
    return at + 1, min(stop, len(lines) - 1) + 1


class _Marks(NamedTuple):
    """The lines, from 0, that are blank, that open a fence, and that begin with the mark of one."""

    blank: list[int]
    fences: list[int]
    closing: dict[str, list[int]]


@lru_cache(maxsize=1)
def _marks(runbook: Runbook) -> _Marks:
    lines = runbook.lines
    starts = [line.lstrip(" >") for line in lines]
    return _Marks(
        [at for at, line in enumerate(lines) if not line.strip()],
        [at for at, line in enumerate(lines) if _fence(line)],
        {mark: [at for at, start in enumerate(starts) if start.startswith(mark)] for mark in _FENCES},
    )


def _next(numbers: Sequence[int], after: int, otherwise: int) -> int:
    """The first of `numbers` behind `after`; `otherwise` where there is none."""
    at = bisect_right(numbers, after)
    return numbers[at] if at < len(numbers) else otherwise


def _fence(line: str) -> str:
    text = line.lstrip(" >-*0123456789.")
    return next((mark for mark in _FENCES if text.startswith(mark)), "")


def findings_of(comments: Sequence[Allowance], used: AbstractSet[int], rules: AbstractSet[str]) -> Iterator[Finding]:
    """Yields what is wrong with the comments themselves; `used` has the lines of those that silence something."""
    for one in comments:
        unknown = [rule for rule in one.rules if rule not in rules]
        if not one.rules or unknown:
            what = quoted(unknown[0]) if unknown else "no rule"
            yield Finding(UNKNOWN, Level.WARNING, one.line, f"the comment allows {what}; expected a rule of lint")
        elif not one.reason:
            text = f"the comment allows {', '.join(one.rules)} and gives no reason: it silences nothing"
            yield Finding(REASON, Level.WARNING, one.line, text, "<!-- leakdrill: allow RULE because … -->")
        elif one.line not in used:
            yield Finding(
                UNUSED, Level.NOTE, one.line, f"the comment allows {', '.join(one.rules)}, and nothing is found there"
            )
