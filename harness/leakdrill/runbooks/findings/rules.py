"""Rules that a runbook prints: whether they can be read, and expressions that do not say what they should."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import promql_parser as promql

from leakdrill.alerting.time_scale import nodes, parse
from leakdrill.errors import BadInput
from leakdrill.runbooks.expressions import Expression, expressions, metric_names, threshold
from leakdrill.runbooks.finding import Finding, Level
from leakdrill.runbooks.fragment import FragmentKind
from leakdrill.runbooks.named_parts import bound
from leakdrill.runbooks.rule_text import printed_rules
from leakdrill.units import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leakdrill.runbooks.runbook import Runbook

UNREADABLE: Final = "rule-unreadable"
UNREADABLE_SUMMARY: Final = "a rule that is no YAML, or whose expression is no PromQL"
LIMIT: Final = "limit-may-be-zero"
LIMIT_SUMMARY: Final = "an alert divides by, or compares with, a limit that is 0 or without bound where none is set"
CACHE: Final = "page-cache"
CACHE_SUMMARY: Final = "container_memory_usage_bytes counts page cache; what is killed for is the working set"
SHARE: Final = "share-against-per-cent"
SHARE_SUMMARY: Final = "a share (1 is all of it) is compared with a number of per cent, or the other way round"
_ZERO_LIMITS: Final = {
    "container_spec_memory_limit_bytes": "0 for a container without a limit",
    "container_spec_memory_swap_limit_bytes": "0 for a container without a limit",
    "container_spec_memory_reservation_limit_bytes": "0 for a container without a reservation",
    "container_spec_cpu_quota": "0 or missing for a container without a limit",
    "redis_memory_max_bytes": "0 where maxmemory is not set",
    "redis_config_maxmemory": "0 where maxmemory is not set",
    "jvm_memory_max_bytes": "-1 for an area without a limit",
    "jvm_memory_bytes_max": "-1 for an area without a limit",
    "node_memory_SwapTotal_bytes": "0 on a machine without swap",
    "process_virtual_memory_max_bytes": "beyond all memory where no limit is set",
    "windows_pagefile_limit_bytes": "0 on a machine without a page file",
}
_CACHE_METRIC: Final = "container_memory_usage_bytes"
_CACHE_TAKEN_OFF: Final = re.compile(r"container_memory_(?:cache|total_inactive_file_bytes|total_active_file_bytes)")
_ALL_OF_IT: Final = 1.0
_LEAST_PER_CENT: Final = 2.0


def unreadable_rules(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each block of rules that is no YAML, and for each expression that is no PromQL."""
    for fragment in runbook.fragments:
        if fragment.kind is FragmentKind.RULE:
            try:
                rules = printed_rules(fragment)
            except BadInput as e:
                place, _, text = e.message.partition(": ")
                line = int(place.rpartition(":")[2]) if place.rpartition(":")[2].isdigit() else fragment.line
                yield Finding(UNREADABLE, Level.ERROR, line, text.partition("; expected")[0])
                continue
            for rule in rules:
                if (problem := _problem(rule.expr)) is not None:
                    text = f"the expression of {rule.name} is no PromQL: {problem}"
                    yield Finding(UNREADABLE, Level.ERROR, rule.expr_line, text)


def _problem(expr: str) -> str | None:
    try:
        parse(bound(expr))
    except ValueError as e:
        return str(e).splitlines()[0]
    return None


def limits_that_may_be_zero(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each alert that trusts such a limit, and each query that compares like one."""
    for one in expressions(runbook):
        if one.in_command or (one.rule is None and not _compares(one.tree)):
            continue
        name = next((name for name in _trusted(one.tree) if not _is_guarded(name, one.text)), None)
        if name is not None:
            what = f"the alert {one.rule.name}" if one.rule else "the query"
            outcome = "divides by" if _is_divisor(name, one.tree) else "compares with"
            text = f"{what} {outcome} {name}, which is {_ZERO_LIMITS[name]}: it fires for ever there, or never"
            yield Finding(LIMIT, Level.WARNING, one.line, text, f"({name} > 0)")


def _compares(tree: Any) -> bool:
    return any(isinstance(node, promql.BinaryExpr) and str(node.op) in (">", ">=", "<", "<=") for node in nodes(tree))


def _trusted(tree: Any) -> list[str]:
    """The limits in a divisor, or on the low side of a comparison."""
    found: list[str] = []
    for node in nodes(tree):
        if isinstance(node, promql.BinaryExpr) and str(node.op) in ("/", ">", ">="):
            found += [name for name in metric_names(node.rhs) if name in _ZERO_LIMITS]
    return found


def _is_divisor(name: str, tree: Any) -> bool:
    divisors = [node.rhs for node in nodes(tree) if isinstance(node, promql.BinaryExpr) and str(node.op) == "/"]
    return any(name in metric_names(divisor) for divisor in divisors)


def _is_guarded(name: str, text: str) -> bool:
    """Whether the expression leaves out what has no limit: `limit > 0`, `limit != 0`, `unless limit == 0`."""
    return (
        re.search(rf"{name}(?:\s*\{{[^}}]*\}})?\s*\)*\s*(?:>\s*0|!=\s*0|==\s*0|<\s*\d|>=?\s*1)(?![.\d])", text)
        is not None
    )


def page_cache(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each rule and query over memory that counts page cache."""
    for one in expressions(runbook):
        if _CACHE_METRIC in metric_names(one.tree) and not _CACHE_TAKEN_OFF.search(one.text):
            text = f"{_CACHE_METRIC} counts page cache, which the kernel gives back: a busy disk looks like a leak"
            yield Finding(
                CACHE, Level.WARNING, _line_of(one, _CACHE_METRIC, runbook), text, "container_memory_working_set_bytes"
            )


def shares_against_per_cent(runbook: Runbook) -> Iterator[Finding]:
    """Yields a finding for each comparison that can never hold, or always does, because of a factor of 100."""
    for one in expressions(runbook):
        found = threshold(one.tree)
        if found is None or found.factor is None or not found.whole:
            continue
        what = f"the alert {one.rule.name}" if one.rule else "the query"
        if found.factor == 1 and found.value >= _LEAST_PER_CENT:
            outcome = "never" if found.above else "always"
            text = f"{what} compares a share, at most 1, with {plain(found.value)}: it {outcome} holds"
            yield Finding(SHARE, Level.ERROR, one.line, text, f"{plain(found.value / 100)}, or the share times 100")
        elif found.factor == 100 and 0 < found.value <= _ALL_OF_IT:  # noqa: PLR2004 - per cent
            text = f"{what} compares per cent with {plain(found.value)}, which is less than one per cent"
            yield Finding(SHARE, Level.WARNING, one.line, text, f"{plain(found.value * 100)}")


def _line_of(one: Expression, word: str, runbook: Runbook) -> int:
    """The line at or below that of the expression on which `word` stands."""
    lines = range(one.line, min(one.line + one.text.count("\n") + 2, len(runbook.lines) + 1))
    return next((line for line in lines if word in runbook.lines[line - 1]), one.line)
