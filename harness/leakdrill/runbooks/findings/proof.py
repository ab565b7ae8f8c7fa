"""Changes of which the text does not say how to see that they worked, or how to take them back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.calls import calls, program
from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import FragmentKind
from leakdrill.runbooks.remedies import is_remedy, is_replaced_by_itself, writes_over_http
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Heading, Runbook

CHECK: Final = "no-check"
CHECK_SUMMARY: Final = "nothing says how to see that a step worked"
BACK: Final = "no-way-back"
BACK_SUMMARY: Final = "a change with no way back, of which the text says nothing"
_SHOWN: Final = re.compile(
    r"\b(?:verif(?:y|ies|ied|ication)|confirm\w*|validat\w+|make sure|ensure|expected"
    r"|should (?:now|then|be|have|drop|return|show|see|go|come|fall|decrease|clear|start|stop|resolve|recover|not)"
    r"|check (?:that|if|whether|the|for)|monitor\w*|watch|observe\w*|wait (?:for|until)|until|goes? away|resolves?d?"
    r"|recover(?:s|ed)|success(?:ful(?:ly)?)?|look for)\b",
    re.IGNORECASE,
)
_CHECKS: Final = re.compile(r"verif|validat|confirm|\bcheck|post[- ]|resolved", re.IGNORECASE)
_BACK: Final = re.compile(
    r"\b(?:roll(?:ing|ed)?[- ]?backs?|revert\w*|undo\w*|undone|back(?:ing|ed)?[- ]?(?:out|up|ups)|restor\w+|snapshot\w*"
    r"|re-?creat\w+|irreversib\w+|can(?:not|'t| not) be (?:undone|recovered|restored|reverted)|data loss"
    r"|los(?:e|es|ing|t) (?:data|all|any)|permanent\w*|set (?:it )?back|scale (?:it )?back|back to"
    r"|(?:original|previous) (?:value|version|setting|limit|state|config\w*)s?)\b",
    re.IGNORECASE,
)


def steps_without_check(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each section whose changes nobody is told how to check; one a section."""
    if any(_CHECKS.search(heading.text) and heading.level > 1 for heading in _after_changes(runbook)):
        return
    for section, fragments in _by_section(runbook).items():
        changes = [one for one in fragments if is_remedy(one)]
        if not changes or not section:
            continue
        last = changes[-1]
        looks = any(
            one.kind in (FragmentKind.LOOK, FragmentKind.QUERY, FragmentKind.OUTPUT) and one.line > last.line
            for one in fragments
        )
        if not looks and not _SHOWN.search(_words(runbook, section, changes[0].line)):
            text = f"nothing says how to see that {quoted(_short(last))} worked"
            yield Finding(
                CHECK, Level.WARNING, last.line, text, "say which command or metric shows it, and what it should be"
            )


def changes_without_way_back(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each section with a change that cannot be taken back, of which the text says nothing."""
    if any(_BACK.search(heading.text) for heading in runbook.headings):
        return
    for section, fragments in _by_section(runbook).items():
        lost = next((one for one in fragments if _loses(one)), None)
        if lost is not None and not _BACK.search(_words(runbook, section, 1)):
            text = f"{quoted(_short(lost))} has no way back that we know, and the text names none"
            yield Finding(BACK, Level.WARNING, lost.line, text, "say what is lost, or how it is kept or restored")


def _loses(fragment: Fragment) -> bool:
    """Whether something is lost for good: data that was deleted, or a setting that was overwritten by a request."""
    if fragment.undo is not None or not is_remedy(fragment):
        return False
    if fragment.kind is FragmentKind.DESTRUCTIVE:
        return not is_replaced_by_itself(fragment)
    sends = {"-d", "--data", "--data-raw", "--data-binary", "--json"}
    return any(writes_over_http(words) and sends & {*words} for words in calls(fragment) if program(words) == "curl")


def _after_changes(runbook: Runbook) -> list[Heading]:
    first = next((one.line for one in runbook.fragments if is_remedy(one)), None)
    return [heading for heading in runbook.headings if first is not None and heading.line > first]


def _by_section(runbook: Runbook) -> dict[tuple[str, ...], list[Fragment]]:
    found: dict[tuple[str, ...], list[Fragment]] = {}
    for fragment in runbook.fragments:
        found.setdefault(fragment.section, []).append(fragment)
    return found


def _words(runbook: Runbook, section: tuple[str, ...], line: int) -> str:
    """The prose of a section from `line` on, its headings and the comments in its blocks."""
    prose = [one.text for one in runbook.paragraphs if one.section[: len(section)] == section and one.line >= line - 1]
    comments = _comments(runbook, section, line)
    return "\n".join([*section[-1:], *prose, *comments])


def _comments(runbook: Runbook, section: tuple[str, ...], line: int) -> list[str]:
    """The comments in the blocks of a section: above, between and below its commands."""
    found: list[str] = []
    for fragment in runbook.fragments:
        if fragment.section == section and fragment.end_line >= line - 1:
            found += _around(runbook.lines, fragment.line - 2, -1)
            found += _around(runbook.lines, fragment.end_line, 1)
            found += [text for text in fragment.text.split("\n") if "#" in text]
    return found


def _around(lines: Sequence[str], at: int, step: int) -> Iterator[str]:
    """The comments from a line on, as far as the block goes without another command."""
    while 0 <= at < len(lines):
        text = lines[at].lstrip(" >")
        if text.startswith(("```", "~~~")) or (text and not text.startswith("#")):
            return
        if text:
            yield text
        at += step


def _short(fragment: Fragment) -> str:
    first, *rest = fragment.text.split("\n")
    longest = 60
    return first[:longest] + ("…" if rest or len(first) > longest else "")
