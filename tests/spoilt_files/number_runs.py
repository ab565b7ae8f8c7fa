"""Stored runs of each kind, in which numbers are changed: a place of each kind of event, and of the plan."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson
import test_gate_run
import test_varied_records
import test_watch_checks
from histories import MIB, Record
from stored_runs import as_sealed

from leakdrill.judging.watch.run_files import write_watch_info
from leakdrill.record.event import event_line
from leakdrill.record.events import RecordCovers, RecordEnd
from leakdrill.record.reseal import reseal
from leakdrill.record.store import RunFolder, write_run_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.record.event import Event

Keys = tuple[str | int, ...]
Place = tuple[int | None, Keys]
"""A line of the history, or None for `run.json`, and the keys that lead to the number in it."""
_QUANTITY: Final = re.compile(r"\s*-?\d[\d.]*\s*(ms|s|m|h|d|w|[kKMGT]?i?B|%|/s|/m|/h)?\s*")
_SEALS: Final = (RecordCovers, RecordEnd)


@dataclass(frozen=True, slots=True)
class Stored:
    """A run as it was recorded.

    Attributes:
        name: its kind.
        folder: where it lies.
        run_json: its `run.json`.
        lines: of its history, without those of the seal.
    """

    name: str
    folder: RunFolder
    run_json: dict[str, Any]
    lines: list[dict[str, Any]]

    def write(self, run_json: bytes, lines: list[bytes]) -> None:
        """Write it with these contents, sealed again."""
        self.folder.run_json.write_bytes(run_json)
        reseal(self.folder, lines)

    def restore(self) -> None:
        """Write it as it was."""
        self.write(json.dumps(self.run_json).encode(), [orjson.dumps(line) for line in self.lines])

    def places(self) -> list[Place]:
        """Where its numbers stand: in a line of each kind of event, the middle one, and in `run.json` (None)."""
        kinds: dict[tuple[str, str, str], list[int]] = {}
        for number, line in enumerate(self.lines[:-1]):  # the last is read by what seals
            kinds.setdefault((line["source"], line["name"], line["kind"]), []).append(number)
        middle = [numbers[len(numbers) // 2] for numbers in kinds.values()]
        found: list[Place] = [(None, path) for path in _numbers(self.run_json)]
        return found + [(number, path) for number in middle for path in _numbers(self.lines[number])]


def _numbers(tree: Any, path: Keys = ()) -> Iterator[Keys]:
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield from _numbers(tree[key], (*path, key))
    is_number = isinstance(tree, int | float) and not isinstance(tree, bool)
    if is_number or (isinstance(tree, str) and _QUANTITY.fullmatch(tree)):
        yield path


def stored_of_each_kind(root: Path) -> list[Stored]:
    """Returns a drill on memory, on disk, on a card and with torch, a gate run and a watched command, below `root`."""
    found = []
    for name in test_varied_records.BASES:
        record, scenario = test_varied_records.thin(name)
        whole = as_sealed(record, scenario).history().events
        found.append(_stored(root, name, list(whole), scenario=scenario))
    gate = [replace(event, t=float(at)) for at, event in enumerate(test_gate_run.run().events)]
    found.append(_stored(root, "gate", gate, scenario=test_gate_run.SCENARIO, kind="gate"))
    command = test_watch_checks.attempt(Record(), 1, 0.0, 10.0).history().events
    found.append(_stored(root, "watch", list(command), watch=test_watch_checks.plan(limit_bytes=550 * MIB)))
    return found


def _stored(
    root: Path, name: str, events: list[Event], *, scenario: Any = None, watch: Any = None, kind: Any = "drill"
) -> Stored:
    folder = RunFolder(root / name / "20260101T000000Z")
    folder.path.mkdir(parents=True)
    if watch is not None:
        write_watch_info(folder, watch)
    else:
        write_run_info(folder, scenario, root / "cart.yaml", {}, kind=kind)
    kept = [event for event in events if not any(one.matches(event) for one in _SEALS)]
    lines = [orjson.loads(event_line(replace(event, index=at))) for at, event in enumerate(kept)]
    made = Stored(name, folder, json.loads(folder.run_json.read_bytes()), lines)
    made.restore()
    return made
