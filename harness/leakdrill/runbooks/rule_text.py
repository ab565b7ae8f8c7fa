"""The rules that a runbook prints: each with its expression and the lines where its parts stand in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.durations import parse_ms
from leakdrill.errors import BadInput
from leakdrill.yaml_file import Document, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.yaml_file import Loc

_LIKE_RULE: Final = re.compile(r"^[ \t]*(?:- )?[ \t]*(?:alert|record)[ \t]*:[ \t]*\S", re.MULTILINE)
_LIKE_EXPR: Final = re.compile(r"^[ \t]*(?:- )?[ \t]*expr[ \t]*:", re.MULTILINE)
_NOWHERE: Final = Path("runbook")


@dataclass(frozen=True)
class PrintedRule:
    """One rule; lines are those of the runbook, from 1."""

    name: str
    is_alert: bool
    expr: str
    line: int
    expr_line: int
    for_s: float | None
    """None where the rule has no `for`, or none that can be read."""
    for_line: int
    labels: Mapping[str, str]
    annotations: Mapping[str, tuple[int, str]]
    """Each with its line."""


def holds_rules(text: str) -> bool:
    """Returns whether `text` is YAML of rules, whether or not it can be read."""
    return bool(_LIKE_RULE.search(text) and _LIKE_EXPR.search(text))


def printed_rules(fragment: Fragment) -> list[PrintedRule]:
    """Returns the rules of a fragment of kind RULE.

    Raises:
        BadInput: when it is no YAML; the line is that of the runbook.
    """
    return list(_printed(fragment.text, fragment.line - 1))


@lru_cache(maxsize=1024)
def _printed(text: str, above: int) -> tuple[PrintedRule, ...]:
    try:
        document = parse_yaml(text, _NOWHERE, expected="rules", scalars="text")
    except BadInput as e:
        message = re.sub(rf"^{_NOWHERE}:(\d+)", lambda found: f"{_NOWHERE}:{int(found[1]) + above}", e.message)
        raise BadInput(message, hint=e.hint) from e
    lines = {loc: line + above for loc, line in document.lines.items()}
    found = document.mappings(lambda value, _: "expr" in value and ("alert" in value or "record" in value))
    return tuple(_rule(Document(_NOWHERE, document.data, lines), loc, rule) for loc, rule in found)


def rules_that_can_be_read(fragment: Fragment) -> list[PrintedRule]:
    """Returns what `printed_rules` does, and nothing for a fragment that is no YAML."""
    try:
        return printed_rules(fragment)
    except BadInput:
        return []


def _rule(document: Document, loc: Loc, rule: dict[str, Any]) -> PrintedRule:
    def texts(key: str) -> dict[str, str]:
        value = rule.get(key)
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}

    return PrintedRule(
        name=str(rule.get("alert") or rule.get("record")),
        is_alert="alert" in rule,
        expr=str(rule["expr"]),
        line=document.line(loc),
        expr_line=document.line((*loc, "expr")),
        for_s=_seconds(rule.get("for")),
        for_line=document.line((*loc, "for")),
        labels=texts("labels"),
        annotations={k: (document.line((*loc, "annotations", k)), v) for k, v in texts("annotations").items()},
    )


def _seconds(value: object) -> float | None:
    try:
        return None if value is None else parse_ms(value) / 1000
    except ValueError:
        return None
