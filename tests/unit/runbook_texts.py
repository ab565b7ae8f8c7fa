"""Runbooks for tests of plans and rehearsals: one command a line of a fence, of the kind that the test says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from leakdrill.runbooks.fragment import Fragment, FragmentKind, Place, Placeholder
from leakdrill.runbooks.runbook import Heading, Paragraph, Runbook

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHANGES = ("restart", "scale", "update", "POST", "set env", "set resources", "delete pod", "autoscale")
_LOSSES = ("rm ", "kill", "-delete", "FLUSHDB", "prune")


def kind_of(line: str) -> FragmentKind:
    """What a line of these tests does; the real tables are the business of other tests."""
    if any(word in line for word in _LOSSES):
        return FragmentKind.DESTRUCTIVE
    return FragmentKind.CHANGE if any(word in line for word in _CHANGES) else FragmentKind.LOOK


def runbook(text: str, *, kinds: Mapping[str, FragmentKind] | None = None, path: str = "memory.md") -> Runbook:
    """The runbook that `text` is; `kinds` says what single lines are, where `kind_of` would say otherwise."""
    lines = tuple(text.split("\n"))
    headings: list[Heading] = []
    paragraphs: list[Paragraph] = []
    fragments: list[Fragment] = []
    section: list[tuple[int, str]] = []
    language: str | None = None
    for number, line in enumerate(lines, 1):
        names = tuple(name for _, name in section)
        if line.startswith("```"):
            language = line.strip("`") or "" if language is None else None
        elif language is not None:
            if line.strip() and not line.strip().startswith("#"):
                fragments.append(_fragment(line, number, language, names, kinds or {}))
        elif match := re.match(r"(#+) (.*)", line):
            level = len(match[1])
            section = [*((depth, name) for depth, name in section if depth < level), (level, match[2])]
            headings.append(Heading(number, level, match[2]))
        elif line.strip():
            paragraphs.append(Paragraph(number, line, names))
    title = headings[0].text if headings else path
    return Runbook(Path(path), title, lines, tuple(headings), tuple(paragraphs), (), tuple(fragments))


def _fragment(
    line: str, number: int, language: str, section: tuple[str, ...], kinds: Mapping[str, FragmentKind]
) -> Fragment:
    placeholders = tuple(Placeholder(f"<{name}>", name) for name in re.findall(r"<([a-z-]+)>", line))
    return Fragment(
        line=number,
        end_line=number,
        text=line,
        place=Place.FENCE,
        language=language,
        section=section,
        kind=kinds.get(line, kind_of(line)),
        reason="the test says so",
        placeholders=placeholders,
    )
