"""Whether a run's record is as the run wrote it: the chain of its history, its end, and the files that it covers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.files import open_below, read_below
from leakdrill.record.chain import ChainCheck
from leakdrill.record.event import Event, read_event
from leakdrill.record.events import RecordCovers, RecordEnd
from leakdrill.record.history import whole_lines
from leakdrill.record.schema_version import read_schema_version
from leakdrill.record.signature import read_signature, signature_fault
from leakdrill.record.verdict_file import verdicts_fault
from leakdrill.record.writing import writing
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leakdrill.record.signature import Key
    from leakdrill.record.store import RunFolder

UNSEALED_VERSION: Final = 1
"""The schema version of records that have no hash chain."""
RUN_JSON: Final = "run.json"
STORED_BASELINE: Final = "baseline.json"
"""A gate run that was compared with a stored baseline keeps a copy of it, so that it can be judged again."""
COVERABLE: Final = (RUN_JSON, STORED_BASELINE)
"""The files that the verdicts depend on beside the history."""
_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What the seal of a record says.

    Attributes:
        head: the chain of the last line; empty where the record has no chain.
        lines: of the history.
        fault: the file and line at which it is not as the run wrote it, and why; empty when all is.
        hint: what to do about it.
        verdicts_edited: whether the fault is in `verdicts.json` alone.
        signed_with: the id of the key with which the record says that it was signed; empty where it was not.
        signature_checked: whether that was checked with the key, and holds.
    """

    head: str
    lines: int
    fault: str = ""
    hint: str = ""
    verdicts_edited: bool = False
    signed_with: str = ""
    signature_checked: bool = False

    @property
    def is_sealed(self) -> bool:
        """Whether there is a chain."""
        return bool(self.head)


def covered_file(folder: RunFolder, name: str) -> RecordCovers:
    """The event that covers the file `name` of a run that begins.

    Raises:
        EnvironmentProblem: when it cannot be read, although the run has just written it.
    """
    with writing(folder.path / name):
        content = read_below(folder.path, name)
    return RecordCovers(name, hashlib.sha256(content).hexdigest(), " ".join(_line_digests(content)))


def check_seal(folder: RunFolder, *, unsealed: bool = False, key: Key | None = None) -> Seal:
    """Compare the record in `folder` with its seal.

    Args:
        folder: the run.
        unsealed: whether a record of a version that had no seal is accepted as it is.
        key: the record must be signed with this one, if given.

    Raises:
        BadInput: when a file cannot be read, or is of a version that is not known here.
    """
    version = read_schema_version(folder.run_json)
    lines = _HistoryLines(folder, sealed=version != UNSEALED_VERSION)
    if version == UNSEALED_VERSION and not lines.shows_a_seal:
        return _checked(folder, "", lines, [(_fault_of_unsealed(folder, accepted=unsealed), _UNSEALED)], key)
    downgraded = f"{folder.run_json}: says schema version {version}, which has no hash chain, and the history has one"
    unstated = f"{folder.run_json}: does not state its schema version"
    version_fault = {UNSEALED_VERSION: downgraded, None: unstated}.get(version, "")
    covered = _faults_of_covered(folder, lines.covers) if lines.check.lines else ()  # an empty history covers nothing
    wrong = (lines.fault(), *covered, version_fault)
    faults = [*((fault, _EDITED) for fault in wrong), (lines.unfinished(), _UNFINISHED)]
    return _checked(folder, lines.check.head, lines, faults, key)


_EDITED: Final = "nothing can be concluded from a record that is not as the run wrote it; run the drill again"
_UNFINISHED: Final = (
    "if the run still goes on, wait; else `leakdrill clean` undoes what it may have left behind, "
    "and it has to be run again: one that did not reach its end proves nothing"
)
JUDGE_AGAIN: Final = "remove verdicts.json, and `leakdrill analyze` judges the record again"
_UNSEALED: Final = f"--unsealed judges a record of schema version {UNSEALED_VERSION} all the same"
_UNSIGNED: Final = "name the key of whoever ran it with --key; without a key, the signature is not asked for"


def _fault_of_unsealed(folder: RunFolder, *, accepted: bool) -> str:
    if accepted:
        return ""
    return f"{folder.history}:1: the record has no hash chain, so nothing shows whether it was changed"


def _checked(
    folder: RunFolder, head: str, lines: _HistoryLines, faults: Iterable[tuple[str, str]], key: Key | None
) -> Seal:
    """The seal with the first of `faults`, each with its hint, or else the one of the signature or the verdicts."""
    fault, hint = next(((fault, hint) for fault, hint in faults if fault), ("", ""))
    if not fault and (fault := signature_fault(folder, head, key)):
        hint = _UNSIGNED
    verdicts = "" if fault else verdicts_fault(folder.verdicts, head)
    signature = None if fault else read_signature(folder)
    return Seal(
        head=head,
        lines=lines.check.lines,
        fault=fault or verdicts,
        hint=hint or (JUDGE_AGAIN if verdicts else ""),
        verdicts_edited=bool(verdicts),
        signed_with=signature.key if signature else "",
        signature_checked=bool(signature and key),
    )


@dataclass(slots=True)
class _HistoryLines:
    """The lines of the history, read once: to the end, or to the first that is not as it was written.

    Attributes:
        sealed: whether its version has a seal; else only a line of it can say so.
    """

    folder: RunFolder
    sealed: bool
    check: ChainCheck = field(default_factory=ChainCheck)
    covers: list[RecordCovers] = field(default_factory=list)
    end_line: int = 0
    torn: bool = False
    last: bytes = b""

    def __post_init__(self) -> None:
        path = self.folder.history
        try:
            with open_below(path.parent, path.name) as file:
                for line in whole_lines(file, path):
                    self._take(line)
                    if self.check.fault_line and (self.sealed or self.shows_a_seal):
                        break  # nothing that follows makes it sound again, and it may be long
        except OSError as e:
            raise BadInput(
                f"{path}: cannot be read: {e.strerror}", hint="name a run folder, such as runs/NAME/latest"
            ) from e

    @property
    def shows_a_seal(self) -> bool:
        """Whether anything says that the record was sealed once."""
        return bool(self.check.linked or self.covers or self.end_line)

    def fault(self) -> str:
        """The first line that is not as it was written, and why."""
        path, check = self.folder.history, self.check
        if self.end_line and (0 < self.end_line < check.lines or self.torn):
            return f"{path}:{self.end_line + 1}: this line follows the end of the record"
        if check.fault_line:
            return f"{path}:{check.fault_line}: {check.fault}"
        return ""

    def unfinished(self) -> str:
        """Where a record stops that has no end: its drill was killed, or the lines behind were removed."""
        if self.end_line:
            return ""
        fault = f"{self.folder.history}: the record ends at line {self.check.lines} without its end"
        try:
            event = read_event(self.last, "")
        except BadInput:
            return fault
        in_phase = f", in the phase `{event.phase}`" if event.phase else ""
        stopped = "the run was killed, or the machine went down, or lines were removed behind this one"
        return f"{fault}, {show_duration(event.t)} after its start{in_phase}: {stopped}"

    def _take(self, line: bytes) -> None:
        if not line.endswith(b"\n"):
            self.torn = True
            return
        self.last = body = self.check.take(line[:-1])
        event = seal_event(body)
        if event is None:
            return
        if RecordEnd.matches(event):
            self.end_line = self.end_line or self.check.lines
        elif RecordCovers.matches(event) and len(self.covers) + 1 == self.check.lines:
            self.covers.append(RecordCovers.from_event(event))


def seal_event(body: bytes) -> Event | None:
    """The event of a line, without its chain, that says what the seal covers, or that the record ends; else None."""
    if b'"record"' not in body:
        return None
    try:
        event = read_event(body, "")
    except BadInput:
        return None
    return event if RecordCovers.matches(event) or RecordEnd.matches(event) else None


def _faults_of_covered(folder: RunFolder, covers: list[RecordCovers]) -> Iterator[str]:
    covered = {event.file: event for event in covers}
    if RUN_JSON not in covered:
        yield f"{folder.history}:1: the record does not say which {RUN_JSON} it belongs to"
    for name in COVERABLE:
        yield _fault_of_covered(folder, name, covered.get(name))


def _fault_of_covered(folder: RunFolder, name: str, covers: RecordCovers | None) -> str:
    path = folder.path / name
    try:
        content = read_below(folder.path, name)
    except FileNotFoundError:
        return f"{path}: was removed after the run began" if covers else ""
    except OSError as e:
        return f"{path}: cannot be read: {e.strerror}"
    if covers is None:
        return f"{path}: was added after the run began"
    if hashlib.sha256(content).hexdigest() == covers.sha256:
        return ""
    was, now = covers.lines.split(), _line_digests(content)
    same = next((n for n, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
    return f"{path}:{same + 1}: was changed after the run began, or belongs to another run"


def _line_digests(content: bytes) -> list[str]:
    return [hashlib.sha256(line).hexdigest()[:_DIGITS] for line in content.splitlines(keepends=True)]
