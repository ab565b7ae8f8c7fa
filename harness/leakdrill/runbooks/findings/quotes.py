"""Text that a shell cannot read to its end."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.findings.urls import has_bad_url
from leakdrill.runbooks.fragment import COMMANDS, FragmentKind, Place
from leakdrill.runbooks.languages import SHELLS
from leakdrill.runbooks.shell.lines import open_quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Runbook

_FENCE: Final = re.compile(r"[ \t>*+-]*(?:```|~~~)")
QUOTE: Final = "unclosed-quote"
QUOTE_SUMMARY: Final = "a quote opens and never closes"
SYNTAX: Final = "shell-syntax"
SYNTAX_SUMMARY: Final = "a command that the shell's parser cannot read"


def unclosed_quotes(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each command with a quote that never closes, in it or in the rest of its block."""
    for fragment in _commands(runbook):
        if (found := _open_quote(runbook, fragment)) is not None:
            line, mark = found
            text = f"the quote {mark} opens here and never closes: a shell waits for more, and runs nothing"
            yield Finding(QUOTE, Level.ERROR, line, text)


def unreadable_commands(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each command that does not parse, where no other finding says why."""
    for fragment in _commands(runbook):
        if not fragment.parsed and _open_quote(runbook, fragment) is None and not has_bad_url(fragment):
            text = "is no command that a shell can read: it is taken for unknown"
            yield Finding(SYNTAX, Level.WARNING, fragment.line, text)


def _open_quote(runbook: Runbook, fragment: Fragment) -> tuple[int, str] | None:
    """The line and the mark of a quote that opens in a command and never closes."""
    if fragment.parsed or (found := open_quote(fragment.text)) is None:
        return None
    if fragment.place in (Place.FENCE, Place.INDENTED):
        rest = [*takewhile(lambda line: not _FENCE.match(line), runbook.lines[fragment.line - 1 :])]
        if open_quote("\n".join(rest)) is None:
            return None
    return fragment.line + found[0], found[1]


def _commands(runbook: Runbook) -> Iterator[Fragment]:
    for fragment in runbook.fragments:
        shell = fragment.language in SHELLS or fragment.language == ""
        if shell and (fragment.kind in COMMANDS or fragment.kind is FragmentKind.UNKNOWN):
            yield fragment
