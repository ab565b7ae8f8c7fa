"""Runs in folders, made of literal records: sealed as a run seals them, and judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from histories import complete, drill, plan

from leakdrill.judging.analyze import analyze
from leakdrill.judging.evidence.load_conduct import COUNTS
from leakdrill.record.event import event_line
from leakdrill.record.events import TargetStop
from leakdrill.record.reseal import reseal
from leakdrill.record.store import RunFolder, write_run_info

if TYPE_CHECKING:
    from pathlib import Path

    from histories import Record

    from leakdrill.record.event import Event, Value
    from leakdrill.scenario.scenario import Scenario

_PAGE = 4096


def store_run(folder: Path, record: Record | None = None, scenario: Scenario | None = None) -> RunFolder:
    """A stored and sealed run without verdicts: of `record`, or of a drill that passes."""
    path = folder / "shop-cart" / "20260101T000000Z"
    path.mkdir(parents=True)
    run = RunFolder(path)
    write_run_info(run, scenario or plan(), folder / "cart.yaml", {})
    whole = as_sealed(record or complete(drill()), scenario or plan())
    reseal(run, [event_line(event) for event in whole.history()])
    return run


def as_sealed(record: Record, scenario: Scenario) -> Record:
    """`record` with all that a sealed record of this version tells, but for its seal."""
    return _whole(_counted(record, scenario))


def _counted(record: Record, scenario: Scenario) -> Record:
    """`record` with what the reports of the load count besides requests, as those of a sealed record do."""
    nothing = dict.fromkeys(COUNTS, 0.0)

    def report(event: Event) -> dict[str, float]:
        values = event.value if isinstance(event.value, dict) else {}
        answered = values.get("requests", 0.0)
        users = float(scenario.load.users)
        return {**nothing, "users_started": users, "tasks": answered, "completed": answered, **values}

    return record.change("load", "requests", report)


def _whole(record: Record) -> Record:
    """`record` with what meters of this version tell besides, in whole pages, and with the end of the target."""
    record.events = [replace(event, value=_in_pages(event)) for event in record.events]
    return record.act(TargetStop(), 71.2, 71.8)


def _in_pages(event: Event) -> Value:
    if not isinstance(event.value, dict):
        return event.value
    values = dict(event.value)
    if event.source == "cgroup" and "anon_bytes" in values:
        values = {"memory_bytes": values["anon_bytes"], **values}
    return {name: round(n / _PAGE) * _PAGE if name.endswith("_bytes") else n for name, n in values.items()}


def judged_run(folder: Path, record: Record | None = None, scenario: Scenario | None = None) -> RunFolder:
    """The same with its verdicts."""
    run = store_run(folder, record, scenario)
    analyze(run)
    return run
