"""Facts that the pages of all kinds of runs state in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from leakdrill.scenario.scenario import Scenario


def target_fact(scenario: Scenario) -> str:
    """What is measured, and within which limits."""
    target, limits = scenario.target, scenario.target.limits
    parts = [f"{target.name} ({target.kind})"]
    parts += [f"{show_size(limits.memory)} memory"] if limits.memory is not None else []
    parts += [f"{limits.cpus:g} CPU{'' if limits.cpus == 1 else 's'}"] if limits.cpus is not None else []
    return ", ".join(parts)


def record_facts(
    run_id: str,
    started: datetime,
    leakdrill: str,
    versions: Mapping[str, str],
    machine: Mapping[str, str | int],
    note: str,
) -> tuple[tuple[str, str], ...]:
    """Which run it was, and with what and on what it was made."""
    shown = {
        name: show_size(value) if name.endswith("_bytes") and isinstance(value, int) else str(value)
        for name, value in machine.items()
    }
    facts = [
        ("run", run_id),
        ("started", f"{started.isoformat(timespec='seconds')}"),
        ("Leakdrill", leakdrill),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("machine", ", ".join(f"{name.removesuffix('_bytes')} {value}" for name, value in shown.items())),
        ("seal", note or "the record is as the run wrote it"),
    ]
    return tuple((term, text) for term, text in facts if text)
