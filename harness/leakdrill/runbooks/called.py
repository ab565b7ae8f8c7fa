"""The services that a runbook's commands are about, by what restarts, enters, scales or looks at them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.fragment import COMMANDS

if TYPE_CHECKING:
    from leakdrill.runbooks.runbook import Runbook

_FLAGS: Final = r"(?:(?:-n|--namespace|-c|-e|-u|-f|-t|--tail|-m)[ =]\S+\s+|-{1,2}[\w-]+(?:=\S+)?\s+)*"
_NAME: Final = r"['\"]?(?P<name>[A-Za-z][\w.-]*)"
_CALLS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:docker|podman)(?:\s+container)?\s+(?:exec|restart|stats|logs|inspect|update|top|kill)\s+{_FLAGS}{_NAME}",
        rf"\b(?:docker-compose|docker\s+compose)\s+{_FLAGS}(?:exec|restart|logs)\s+{_FLAGS}{_NAME}",
        r"--scale\s+(?P<name>[A-Za-z][\w.-]*)=",
        r"\b(?:deployment|deploy|statefulset|sts|daemonset|ds)[/ ]+(?P<name>[A-Za-z][\w.-]*)",
        rf"\bsystemctl\s+(?:restart|status|reload)\s+{_FLAGS}{_NAME}",
        r"\bservice\s+(?P<name>[A-Za-z][\w.-]*)\s+(?:restart|status)\b",
    )
)


def services(runbook: Runbook) -> dict[str, list[int]]:
    """The services, the one that most commands are about first, with the lines of those."""
    lines: dict[str, list[int]] = {}
    for fragment in runbook.fragments:
        if fragment.kind in COMMANDS:
            for name in dict.fromkeys(match["name"] for call in _CALLS for match in call.finditer(fragment.text)):
                lines.setdefault(name.removesuffix(".service"), []).append(fragment.line)
    often = Counter({name: len(places) for name, places in lines.items()})
    return {name: lines[name] for name, _ in often.most_common()}
