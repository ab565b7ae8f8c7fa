"""Suggestions for a terminal, a small table and the rules behind it, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.envelope.sentence import least_seen_s
from leakdrill.envelope.written_rule import rule_as_yaml
from leakdrill.printable import printable_lines
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from leakdrill.alerting.rules import Rules
    from leakdrill.envelope.suggestion import Suggestions


def print_suggestions(found: Sequence[Suggestions], rules: Rules, console: Console) -> None:
    """Prints for each alert what is better, best first, and what was tried."""
    for one in found:
        text = printable_lines("\n".join(_lines(one, rules)))
        console.print(text, markup=False, soft_wrap=True, highlight=False)


def suggestions_as_json(found: Sequence[Suggestions], rules: Rules) -> list[dict[str, Any]]:
    """Returns `found` as JSON, in the order of the alerts that have an envelope."""
    return [
        {
            "alert": one.envelope.alert.name,
            "file": str(one.envelope.alert.file),
            "line": one.envelope.alert.line,
            "tried": one.tried,
            "fire_for_nothing": one.fire_for_nothing,
            "refused": one.refused,
            "see_no_more": one.see_no_more,
            "leaks": list(one.leaks),
            "healthy": list(one.healthy),
            "better": [
                {
                    "changes": list(better.candidate.changes),
                    "gains": list(better.gains),
                    "costs": list(better.costs),
                    "sees_from_s": least_seen_s(better.envelope.steady),
                    "expr": better.candidate.alert.expr,
                    "for_s": better.candidate.alert.for_s,
                    "rule": rule_as_yaml(rules, better.candidate.alert),
                }
                for better in one.best
            ],
        }
        for one in found
    ]


def _lines(one: Suggestions, rules: Rules) -> Iterator[str]:
    alert = one.envelope.alert
    yield f"{alert.name} {alert.file.name}:{alert.line}: {_found(one)}"
    seen = least_seen_s(one.envelope.steady)
    rows = [("", "change", "sees from", "what is better")]
    rows.append(("0", "as it is written", _from(seen), ""))
    for number, better in enumerate(one.best, 1):
        first, *more = [*better.gains, *better.costs]
        changes = better.candidate.changes
        rows.append((str(number), changes[0], _from(least_seen_s(better.envelope.steady)), first))
        for index in range(max(len(more), len(changes) - 1)):
            change = changes[index + 1] if index + 1 < len(changes) else ""
            rows.append(("", change, "", more[index] if index < len(more) else ""))
    if one.best:
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            yield f"  {'  '.join([*cells, row[3]])}".rstrip()
    for number, better in enumerate(one.best, 1):
        yield f"  # {number}"
        yield from (f"  {line}" for line in rule_as_yaml(rules, better.candidate.alert).splitlines())
    yield ""


def _from(least_s: float | None) -> str:
    return "none" if least_s is None else show_duration(least_s)


def _found(one: Suggestions) -> str:
    """What was tried, and what came of it."""
    better = f"{len(one.best)} of {one.tried} other ways to write it are better"
    none = f"none of {one.tried} other ways to write it is better"
    worse = [f"{one.fire_for_nothing} fire without a leak", f"{one.see_no_more} see no more or lose something"]
    worse += [f"{one.refused} are refused by promtool"] if one.refused else []
    courses = f"leaks ({', '.join(one.leaks)}) and {len(one.healthy)} healthy courses"
    return f"{better if one.best else none}: {', '.join(worse)}; tried on {courses}"
