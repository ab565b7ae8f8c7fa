"""Runs in folders, made of literal records: sealed as a run seals them, and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from histories import complete, drill, plan

from leakdrill.judging.analyze import analyze
from leakdrill.record.event import event_line
from leakdrill.record.reseal import reseal
from leakdrill.record.store import RunFolder, write_run_info

if TYPE_CHECKING:
    from pathlib import Path

    from histories import Record

    from leakdrill.scenario.scenario import Scenario


def store_run(folder: Path, record: Record | None = None, scenario: Scenario | None = None) -> RunFolder:
    """A stored and sealed run without verdicts: of `record`, or of a drill that passes."""
    path = folder / "shop-cart" / "20260101T000000Z"
    path.mkdir(parents=True)
    run = RunFolder(path)
    write_run_info(run, scenario or plan(), folder / "cart.yaml", {})
    reseal(run, [event_line(event) for event in (record or complete(drill())).history()])
    return run


def judged_run(folder: Path, record: Record | None = None, scenario: Scenario | None = None) -> RunFolder:
    """The same with its verdicts."""
    run = store_run(folder, record, scenario)
    analyze(run)
    return run
