"""A first file of bindings for a runbook: what could be told from it, and what a person must say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.called import services
from leakdrill.runbooks.fragment import COMMANDS, FragmentKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leakdrill.runbooks.runbook import Runbook

_VALUES: Final = (
    (r"\bpid\b|process.?id", "@{pid}"),
    (r"\bpod\b", "@{pod}"),
    (r"namespace|\bns\b", "@{namespace}"),
    (r"container", "@{container}"),
    (r"\bport\b", "@{port}"),
    (r"\b(app|service|deployment|workload)\b", "{target}"),
)
"""What a placeholder with such a name stands for in a drill."""
_OTHERS: Final = frozenset({"3000", "9091", "9093", "9100"})
"""Ports that others than a service of the user's have by custom."""
_MOST_LINES: Final = 4


def first_bindings(runbook: Runbook, *, alert: str | None, target: str | None) -> str:
    """The text of a file of bindings.

    Args:
        runbook: what was read.
        alert: the alert that it is for, where that is known.
        target: the name of the drill's target, where that is known.
    """
    found = services(runbook)
    name = target if target in found else next(iter(found), target)
    rows = [
        f"# The meaning of the words of {runbook.path.name} in a drill. Read it through, then see what comes of it:",
        f"# leakdrill runbook plan {runbook.path.name}",
        *_alert(alert),
        *_target(found, name),
        *_values("placeholders", _placeholders(runbook, name or "")),
        *_values("hosts", _hosts(runbook, found)),
        *_steps(runbook),
    ]
    return "\n".join(rows) + "\n"


def _alert(alert: str | None) -> list[str]:
    if alert is None:
        return [
            "# The alert that it is for; by default one of the scenario's that its text names.",
            "# alert: NAME",
        ]
    return [f"alert: {json.dumps(alert)}"]


def _target(found: Mapping[str, Sequence[int]], name: str | None) -> list[str]:
    others = [f"{other} ({_on(lines)})" for other, lines in found.items() if other != name]
    rows = [f"# It speaks of other services, too, which are not the target: {', '.join(others)}"] if others else []
    where = f"  # {_on(found[name])}" if name is not None and name in found else ""
    return [*rows, f"target: [{name or ''}]{where}"]


def _placeholders(runbook: Runbook, target: str) -> dict[str, tuple[str | None, list[int]]]:
    values: dict[str, tuple[str | None, list[int]]] = {}
    for fragment in runbook.fragments:
        if fragment.kind in COMMANDS:
            for placeholder in fragment.placeholders:
                values.setdefault(placeholder.name, (_value(placeholder.name, target), []))[1].append(fragment.line)
    return values


def _value(name: str, target: str) -> str | None:
    words = re.sub(r"[-_]", " ", name).lower()
    value = next((value for pattern, value in _VALUES if re.search(pattern, words)), None)
    return (target or None) if value == "{target}" else value


def _hosts(runbook: Runbook, found: Iterable[str]) -> dict[str, tuple[str | None, list[int]]]:
    values: dict[str, tuple[str | None, list[int]]] = {}
    for fragment in runbook.fragments:
        if fragment.kind in COMMANDS:
            for host in fragment.hosts:
                values.setdefault(host, (_meaning(host, set(found)), []))[1].append(fragment.line)
    return values


def _meaning(host: str, found: set[str]) -> str | None:
    name, _, port = host.rpartition(":") if ":" in host else (host, "", "")
    if port == "9090" or "prometheus" in name:
        return "@{prometheus}"
    own = name in ("localhost", "127.0.0.1", "0.0.0.0") or name in found  # noqa: S104 - an address that is read
    return "@{url}" if own and port not in _OTHERS else None


def _values(key: str, values: Mapping[str, tuple[str | None, list[int]]]) -> list[str]:
    if not values:
        return []
    rows = [f"{key}:"]
    for name, (value, lines) in values.items():
        missing = "" if value is not None else "; nobody knows: give it a value"
        rows.append(f"  {json.dumps(name)}: {json.dumps(value)}  # {_on(lines)}{missing}")
    return rows


def _steps(runbook: Runbook) -> list[str]:
    unknown = [fragment for fragment in runbook.fragments if fragment.kind is FragmentKind.UNKNOWN]
    if not unknown:
        return []
    rows = ["# Nobody knows what these do, so none of them runs. Say what each is: `do`, `run` or `skip`.", "# steps:"]
    for fragment in unknown:
        first = fragment.text.splitlines()[0]
        rows.append(f"#   - {{line: {fragment.line}, skip: why}}  # {first}")
    return rows


def _on(lines: Sequence[int]) -> str:
    shown = ", ".join(str(line) for line in lines[:_MOST_LINES])
    more = ", …" if len(lines) > _MOST_LINES else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}{more}"
