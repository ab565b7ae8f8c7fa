"""A stored run as a comparison takes it: what was asked for, what was recorded, and its verdicts. Writes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leakdrill.errors import BadInput
from leakdrill.judging.analyze import stored_verdicts
from leakdrill.judging.compare.plan_changes import plain_plan
from leakdrill.judging.watch.run_files import is_watch, read_watch_info
from leakdrill.record.history import read_history
from leakdrill.record.seal import check_seal
from leakdrill.record.store import read_run_info

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from leakdrill.judging.analyze import JudgedRun
    from leakdrill.record.history import History
    from leakdrill.record.seal import Seal
    from leakdrill.record.signature import Key
    from leakdrill.record.store import RunFolder
    from leakdrill.record.verdict import Verdict
    from leakdrill.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """One of two runs that are compared.

    Attributes:
        place: its folder.
        kind: `drill`, `rehearsal`, `gate` or `watch`.
        name: of its scenario; of a watched run its command line.
        started: when it began.
        asked: its plan as plain data, which is what may have been changed between two runs.
        scenario: None of a watched run.
        machine: what `run.json` says of the machine.
        history: its record.
        verdicts: as this version judges the record.
    """

    place: str
    kind: str
    name: str
    started: datetime
    asked: Mapping[str, Any]
    scenario: Scenario | None
    machine: Mapping[str, str | int]
    history: History
    verdicts: tuple[Verdict, ...]

    @property
    def label(self) -> str:
        """The run for a person: its folder below that of its scenario."""
        return self.place.rstrip("/").rsplit("/", 1)[-1]


def read_stored_run(folder: RunFolder, *, unsealed: bool = False, key: Key | None = None) -> StoredRun:
    """Read the run in `folder` and judge its record again.

    Args:
        folder: the run.
        unsealed: whether a record of a version that had no hash chain is compared all the same.
        key: the record must be signed with this one, if given.

    Raises:
        BadInput: when a file of it cannot be read, or its record is not as the run wrote it.
    """
    seal = check_seal(folder, unsealed=unsealed, key=key)
    if seal.fault and not seal.verdicts_edited:
        raise _not_comparable(seal)
    history = read_history(folder.history)
    return _stored_run(folder, history, stored_verdicts(folder, history))


def stored_run_of(folder: RunFolder, judged: JudgedRun) -> StoredRun:
    """The run in `folder`, which was judged just now.

    Raises:
        BadInput: when a file of it cannot be read, or its record is not as the run wrote it.
    """
    if judged.history is None:
        raise _not_comparable(judged.seal)
    return _stored_run(folder, judged.history, judged.verdicts)


def _not_comparable(seal: Seal) -> BadInput:
    return BadInput(f"{seal.fault}; it cannot be compared", hint=seal.hint)


def _stored_run(folder: RunFolder, history: History, verdicts: Sequence[Verdict]) -> StoredRun:
    place = str(folder.path)
    if is_watch(folder):
        watched = read_watch_info(folder)
        plan = watched.watch
        return StoredRun(
            place=place,
            kind="watch",
            name=plan.command_line,
            started=watched.started,
            asked=plain_plan(plan),
            scenario=None,
            machine=json.loads(plan.machine.model_dump_json()),
            history=history,
            verdicts=tuple(verdicts),
        )
    info = read_run_info(folder)
    asked = {"scenario": plain_plan(info.scenario)}
    if info.rehearsal is not None:
        asked["rehearsal"] = plain_plan(info.rehearsal)
    return StoredRun(
        place=place,
        kind="rehearsal" if info.rehearsal is not None else info.kind,
        name=info.scenario.name,
        started=info.started,
        asked=asked,
        scenario=info.scenario,
        machine=info.machine,
        history=history,
        verdicts=tuple(verdicts),
    )
