"""Rules as a rules file for `promtool test rules` has them: each alert told from the others by a label of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leakdrill.alerting.durations import show_ms
from leakdrill.envelope.sheet import RULE_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leakdrill.alerting.rules import AlertRule, Rules


def alert_as_written(number: int, alert: AlertRule) -> dict[str, Any]:
    """Returns `alert` as a rules file has it, with a label of its own that says its `number`."""
    rule: dict[str, Any] = {"alert": alert.name, "expr": alert.expr}
    rule["labels"] = {**alert.labels, RULE_LABEL: str(number)}
    if alert.for_s:
        rule["for"] = show_ms(round(alert.for_s * 1000))
    if alert.keep_firing_for_s:
        rule["keep_firing_for"] = show_ms(round(alert.keep_firing_for_s * 1000))
    return rule


def recording_rules(rules: Rules, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yields the recording rules of these names as they are written; one that rests on another stands behind it."""
    order = list(names)[::-1]
    written = [
        rule
        for source in rules.sources
        for group in source.groups
        for rule in group.get("rules") or []
        if str(rule.get("record")) in order
    ]
    for rule in sorted(written, key=lambda rule: order.index(str(rule["record"]))):
        labels = {str(label): str(value) for label, value in (rule.get("labels") or {}).items()}
        yield {"record": str(rule["record"]), "expr": str(rule["expr"]), **({"labels": labels} if labels else {})}
