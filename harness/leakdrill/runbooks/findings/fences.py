"""Blocks that end where nobody meant them to, and blocks whose fence says something else than what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import FragmentKind, Place
from leakdrill.runbooks.languages import SHELLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.runbook import Runbook

OPEN: Final = "unclosed-fence"
OPEN_SUMMARY: Final = "a fence that opens a block and is never closed: all that follows is read as code"
LANGUAGE: Final = "wrong-language"
LANGUAGE_SUMMARY: Final = "a block that is not what its fence says"
_NOT_SHELL: Final = frozenset({FragmentKind.RULE, FragmentKind.QUERY, FragmentKind.CONFIGURATION, FragmentKind.CODE})


def unclosed_fences(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each fence that nobody closes."""
    for line in runbook.unclosed:
        text = "the fence that opens here is never closed: what follows, headings too, is read as code"
        yield Finding(OPEN, Level.ERROR, line, text)


def wrong_languages(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each block that its fence calls a shell's and that is something else."""
    for fragment in runbook.fragments:
        if fragment.place is Place.FENCE and fragment.language in SHELLS and fragment.kind in _NOT_SHELL:
            text = f"the fence says {fragment.language}, and the block is {fragment.kind.value}: {fragment.reason}"
            yield Finding(LANGUAGE, Level.NOTE, fragment.line, text)
