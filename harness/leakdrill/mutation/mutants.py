"""The mutants of an alerting rule: the rule with one small wrong change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from leakdrill.mutation.wrong_exprs import wrong_exprs
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.alerting.rules import AlertRule

_FOR: Final = 4
_SEVERITY: Final = {"warning": "critical", "critical": "warning", "emergency": "warning"}
_OTHER: Final = "info"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong rule.

    Attributes:
        rule: the number of the rule that it was made of.
        what: what is wrong.
        alert: the wrong rule.
        text: the part that is wrong, as it is written now.
    """

    rule: int
    what: str
    alert: AlertRule
    text: str


def mutants_of(number: int, alert: AlertRule) -> list[Mutant]:
    """Returns the mutants of the rule of this number."""
    found = [
        Mutant(number, what, replace(alert, expr=expr), " ".join(expr.split()))
        for what, expr in wrong_exprs(alert.expr)
    ]
    if alert.for_s:
        longer_s = alert.for_s * _FOR
        text = f"for: {show_duration(longer_s)}"
        found.append(Mutant(number, "for four times as long", replace(alert, for_s=longer_s), text))
    severity = alert.labels.get("severity")
    if severity:
        other = _SEVERITY.get(severity, _OTHER)
        labels = {**alert.labels, "severity": other}
        found.append(Mutant(number, "severity swapped", replace(alert, labels=labels), f"severity: {other}"))
    return found
