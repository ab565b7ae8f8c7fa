"""All findings of a runbook, those that a comment silences apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.findings import (
    alerts,
    allow,
    awk,
    fences,
    flags,
    links,
    numbers,
    pids,
    proof,
    quotes,
    rules,
    terminal,
    urls,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from leakdrill.runbooks.runbook import Runbook


class Rule(NamedTuple):
    """One rule of lint: its name, what it finds, and the function that does; None for rules about comments."""

    name: str
    summary: str
    find: Callable[[Runbook], Iterator[Finding]] | None


RULES: Final = (
    Rule(quotes.QUOTE, quotes.QUOTE_SUMMARY, quotes.unclosed_quotes),
    Rule(fences.OPEN, fences.OPEN_SUMMARY, fences.unclosed_fences),
    Rule(quotes.SYNTAX, quotes.SYNTAX_SUMMARY, quotes.unreadable_commands),
    Rule(fences.LANGUAGE, fences.LANGUAGE_SUMMARY, fences.wrong_languages),
    Rule(urls.RULE, urls.SUMMARY, urls.unescaped_braces),
    Rule(flags.RULE, flags.SUMMARY, flags.unknown_flags),
    Rule(pids.RULE, pids.SUMMARY, pids.unresolved_pids),
    Rule(terminal.RULE, terminal.SUMMARY, terminal.needs_terminal),
    Rule(awk.RULE, awk.SUMMARY, awk.columns_without_numbers),
    Rule(rules.UNREADABLE, rules.UNREADABLE_SUMMARY, rules.unreadable_rules),
    Rule(rules.LIMIT, rules.LIMIT_SUMMARY, rules.limits_that_may_be_zero),
    Rule(rules.CACHE, rules.CACHE_SUMMARY, rules.page_cache),
    Rule(rules.SHARE, rules.SHARE_SUMMARY, rules.shares_against_per_cent),
    Rule(numbers.THRESHOLD, numbers.THRESHOLD_SUMMARY, numbers.thresholds_that_differ),
    Rule(numbers.UNIT, numbers.UNIT_SUMMARY, None),
    Rule(numbers.DURATION, numbers.DURATION_SUMMARY, numbers.durations_that_differ),
    Rule(alerts.RULE, alerts.SUMMARY, None),
    Rule(links.RULE, links.SUMMARY, links.broken_links),
    Rule(proof.CHECK, proof.CHECK_SUMMARY, proof.steps_without_check),
    Rule(proof.BACK, proof.BACK_SUMMARY, proof.changes_without_way_back),
    Rule(allow.REASON, allow.REASON_SUMMARY, None),
    Rule(allow.UNKNOWN, allow.UNKNOWN_SUMMARY, None),
    Rule(allow.UNUSED, allow.UNUSED_SUMMARY, None),
)
"""Every rule. `threshold-unit-differs` is found with `threshold-differs`."""


@dataclass(frozen=True)
class Silenced:
    """A finding that a comment of the file silences, and the reason that it gives."""

    finding: Finding
    reason: str


@dataclass(frozen=True)
class Lint:
    """What lint has to say about one file."""

    runbook: Runbook
    findings: tuple[Finding, ...]
    """In the order of the file."""
    silenced: tuple[Silenced, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return all(finding.level is Level.NOTE for finding in self.findings)


def lint(runbook: Runbook, *, alerts_elsewhere: AbstractSet[str] | None = None) -> Lint:
    """Returns every finding of a runbook.

    Args:
        runbook: as `read_runbook` returns it.
        alerts_elsewhere: names of alerts in rules beside the file; None where nobody looked.
    """
    checks = [rule.find for rule in RULES if rule.find is not None]
    checks.append(partial(alerts.alerts_in_no_rule, known=alerts_elsewhere))
    found = [finding for check in checks for finding in check(runbook)]
    comments = allow.allowances(runbook)
    silenced: list[Silenced] = []
    left: list[Finding] = []
    used: set[int] = set()
    for finding in found:
        comment = next((one for one in comments if one.covers(finding)), None)
        if comment is None:
            left.append(finding)
        else:
            used.add(comment.line)
            silenced.append(Silenced(finding, comment.reason))
    left += allow.findings_of(comments, used, {rule.name for rule in RULES})
    return Lint(runbook, tuple(sorted(left, key=lambda one: (one.line, one.rule))), tuple(silenced))
