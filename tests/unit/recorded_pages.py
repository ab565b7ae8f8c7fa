"""The page of each run that is stored with the tests: drills on every platform, a gate run, a watched command."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "sabotage"))
from typing import TYPE_CHECKING

from tape import RECORDS, Tape

from leakdrill.judging.watch.run_files import WatchInfo
from leakdrill.record.store import RunInfo
from leakdrill.reports.page.drill_page import drill_page
from leakdrill.reports.page.gate_page import gate_page
from leakdrill.reports.page.watch_page import watch_page

if TYPE_CHECKING:
    from leakdrill.reports.page.content import Page

__all__ = ["NAMES", "Tape", "page_of_recorded"]

NAMES = sorted(file.name.removesuffix(".jsonl.xz") for file in RECORDS.glob("*.jsonl.xz"))
STARTED = datetime(2026, 1, 1, tzinfo=UTC)


def page_of_recorded(name: str) -> Page:
    """The page of the stored run `name`."""
    tape = Tape(name)
    history, verdicts = tape.history(), tape.verdicts()
    if tape.watch is not None:
        info = WatchInfo(run_id=name, started=STARTED, watch=tape.watch, versions={})
        return watch_page(history, info, verdicts)
    run = RunInfo(
        kind="gate" if tape.is_gate else "drill",
        run_id=name,
        started=STARTED,
        scenario_file=f"{name}.yaml",
        scenario=tape.scenario,
        versions={},
        machine=tape.machine,
    )
    return gate_page(history, run, verdicts, None) if tape.is_gate else drill_page(history, run, verdicts)
