"""Alerts that the text names and no rule has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import FragmentKind
from leakdrill.runbooks.rule_text import rules_that_can_be_read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.runbook import Runbook

RULE: Final = "alert-in-no-rule"
SUMMARY: Final = "the text names an alert that no rule has"
_NAME: Final = r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*"
_CAMEL: Final = re.compile(
    r"\b(?:(?:[A-Z]+[a-z0-9]+){2,}[A-Z]*|[A-Z][a-z0-9]+[A-Z]{2,}[A-Za-z0-9]*|[A-Z]{3,}[a-z]+[A-Za-z0-9]*)\b"
)
_KEYED: Final = re.compile(
    r"^\W*(?:(?:firing|triggering|prometheus)\s+)?alert(?:\s*name|s)?\s*[:=]\s*(?P<rest>.+)", re.IGNORECASE
)
_LISTS: Final = re.compile(r"\balert (?:types|names)\b|\balerts?\s*:?$|^alerts? (?:that|covered|this)", re.IGNORECASE)
_OTHERS: Final = re.compile(r"related|other alerts|see also", re.IGNORECASE)


def alerts_in_no_rule(runbook: Runbook, known: AbstractSet[str] | None) -> Iterator[Finding]:
    """Yields a finding for each alert that the text names as the one it is about, and that is in no rule.

    Args:
        runbook: the file.
        known: the alerts in the files that `--rules` named; None where none was given.
    """
    printed = {rule.name for fragment in _rules(runbook) for rule in rules_that_can_be_read(fragment) if rule.is_alert}
    rules = {_plain(name) for name in (*printed, *(known or ()))}
    missing = {name: line for name, line in named_alerts(runbook).items() if _plain(name) not in rules}
    if printed or known is not None:
        where = "the rules of this file" if known is None else "the given rules"
        for name, line in missing.items():
            yield Finding(RULE, Level.WARNING, line, f"the text names the alert {name}, which is not in {where}")
    elif missing := {name: line for name, line in missing.items() if line not in {h.line for h in runbook.headings}}:
        names = "the alert " if len(missing) == 1 else "the alerts "
        text = f"the text names {names}{', '.join(missing)}, and this file has no rules to look in"
        yield Finding(RULE, Level.NOTE, min(missing.values()), text, "--rules FILE looks in yours")


def named_alerts(runbook: Runbook) -> dict[str, int]:
    """Returns the alerts that a runbook says it is about, each with the first line that names it."""
    found: dict[str, int] = {}
    heading = next(iter(runbook.headings), None)
    if heading is not None:
        _take(found, re.sub(r"^(?:alert|runbook)\W+", "", heading.text, flags=re.IGNORECASE), heading.line)
    listing = False
    for paragraph in runbook.paragraphs:
        if any(_OTHERS.search(title) for title in paragraph.section[-1:]):
            continue
        for number, line in enumerate(paragraph.text.split("\n")):
            keyed = _KEYED.match(line)
            if keyed:
                _take(found, keyed["rest"], paragraph.line + number, quoted=True)
            elif listing:
                _take(found, line.split(":")[0], paragraph.line + number)
                listing = bool(re.match(rf"\W*{_NAME}\W*(?::|$)", line))
            listing = listing or (_LISTS.search(line) is not None and line.rstrip().endswith(":"))
    return found


def _take(found: dict[str, int], text: str, line: int, *, quoted: bool = False) -> None:
    for match in _CAMEL.finditer(text):
        found.setdefault(match[0], line)
    in_quotes = re.search(r"[\"\u201c'`]([A-Z][\w ]+)[\"\u201d'`]", text) if quoted else None
    if in_quotes and " " in in_quotes[1]:
        found.setdefault(in_quotes[1], line)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _rules(runbook: Runbook) -> Iterator[Fragment]:
    return (fragment for fragment in runbook.fragments if fragment.kind is FragmentKind.RULE)
