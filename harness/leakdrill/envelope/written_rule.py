"""A rule as YAML that can be pasted: as its author wrote it, with another `expr` and `for`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from leakdrill.alerting.durations import show_ms
from leakdrill.alerting.time_scale import parse
from leakdrill.yaml_file import Verbatim, unshared

if TYPE_CHECKING:
    from leakdrill.alerting.rules import AlertRule, Rules

_LONGEST_LINE: Final = 110
_NEVER_BROKEN: Final = 10**6


def rule_as_yaml(rules: Rules, alert: AlertRule) -> str:
    """Returns the rule of `alert` as the item of a list, every key of the author's in its order.

    Args:
        rules: in which it was read, by its file and line.
        alert: perhaps with another expression or `for` than it was read with.
    """
    changed = {"expr": _in_lines(alert.expr)}
    if alert.for_s:
        changed["for"] = show_ms(round(alert.for_s * 1000))
    rule: dict[str, Any] = {}
    for key, value in _as_read(rules, alert).items():
        if key != "for":
            rule[key] = changed.get(key, unshared(value))
        if key == "expr" and "for" in changed:
            rule["for"] = changed["for"]
    text: str = yaml.dump([rule], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_NEVER_BROKEN)
    return text


def _in_lines(expr: str) -> str:
    """`expr` on one line where it fits, and means the same there; else as it is."""
    joined = " ".join(expr.split())
    if len(joined) <= _LONGEST_LINE and parse(joined).prettify() == parse(expr).prettify():
        return joined
    lines = [line.rstrip() for line in expr.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _as_read(rules: Rules, alert: AlertRule) -> dict[str, Any]:
    for source in rules.sources:
        if source.document.path != alert.file:
            continue
        for g, group in enumerate(source.groups):
            for r, rule in enumerate(group.get("rules") or []):
                if source.document.line((*source.loc, g, "rules", r)) == alert.line and "alert" in rule:
                    return dict(rule)
    raise AssertionError(f"{alert.file}:{alert.line} was not read")


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, and text that was read without quotes without quotes."""


def _represent(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")
    if not isinstance(text, Verbatim):
        return dumper.represent_str(text)
    tag: str = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return dumper.represent_scalar(tag, str(text))


_Dumper.add_representer(str, _represent)
_Dumper.add_representer(Verbatim, _represent)
