"""The alert that a runbook is for: the one of the rules that its text names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leakdrill.runbooks.runbook import Runbook
    from leakdrill.scenario.alerts import AlertName


def named_alerts(runbook: Runbook, known: Iterable[str]) -> list[str]:
    """The names in `known` that stand in the runbook, in the order of their first place.

    A name with words of its own is also found as those words: `HighMemoryUsage` is "High Memory Usage".
    """
    text = "\n".join(runbook.lines)
    places = {name: place for name in set(known) if (place := _place(text, name)) is not None}
    return sorted(places, key=lambda name: (places[name], name))


def chosen_alert(runbook: Runbook, expected: Sequence[AlertName]) -> AlertName | None:
    """The first of the alerts that a scenario expects whose name the runbook has; None where it names none."""
    named = named_alerts(runbook, [alert.alert for alert in expected])
    return next((alert for name in named for alert in expected if alert.alert == name), None)


def _place(text: str, name: str) -> int | None:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    spaced = r"[\s_-]*".join(map(re.escape, words)) if words else re.escape(name)
    found = re.search(rf"(?<![\w]){re.escape(name)}(?![\w])|(?<![\w]){spaced}(?![\w])", text, re.IGNORECASE)
    return found.start() if found else None
