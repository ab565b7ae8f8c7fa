"""What a drill's watchdog becomes when the drill has died: it ends load and target, then undoes the whole journal.

    python -m leakdrill.runs.watchdog_undo JOURNAL FD [JOURNAL FD ...]

Within ten seconds nothing may send requests or leak any more, so everything that runs is ended at once and with little
patience; the rest goes in order, as `leakdrill clean` does it. Nobody waits for this process and nobody reads what it
says, so it writes it into the run folder.
"""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.files import write_below
from leakdrill.machine import undo as machine
from leakdrill.record.undo import clean, undo_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoFunction, UndoTable

LOG_FILE: Final = "watchdog.log"
"""In the run folder of a drill that died: what its watchdog did."""

_AT_ONCE: Final = frozenset(
    {
        "process",
        "container",
        "project",
        "namespace",
        "object",
        "leaks",
        "service leak",
        "container leak",
        "pod leak",
    }
)
"""Kinds of entries behind which something runs. They are independent of one another; what fails is tried again."""

_ELSEWHERE: Final = {
    "container": "leakdrill.targets.docker.undo",
    "project": "leakdrill.targets.compose.undo",
    "leaks": "leakdrill.targets.compose.undo",
    "service leak": "leakdrill.targets.existing.undo",
    "container leak": "leakdrill.targets.docker.existing_undo",
    "container limits": "leakdrill.targets.docker.existing_undo",
    "namespace": "leakdrill.targets.kubernetes.undo",
    "object": "leakdrill.targets.kubernetes.undo",
    "workload": "leakdrill.targets.kubernetes.undo",
    "pod leak": "leakdrill.targets.kubernetes.undo",
}
"""The module for each kind of entry that is not of this machine. All of them together take a second to import."""

_PATIENCE_S: Final = 1.0
"""From SIGTERM to SIGKILL, whatever the scenario allows a target that is stopped in good order."""


def main(arguments: list[str]) -> int:
    """Undo the journals, the latest first; returns 4 when something is left."""
    journals = [(Path(path), int(fd)) for path, fd in zip(arguments[::2], arguments[1::2], strict=True)]
    for path, fd in reversed(journals):
        undo_kinds(_reachable(path, fd), {"process": _undo_process})
    left = 0
    for path, fd in reversed(journals):
        problems = clean(_reachable(path, fd), table(), at_once=_AT_ONCE)
        left += len(problems)
        _note(path.parent, ["the drill has died; what it had started was ended and undone", *map(str, problems)])
    return 4 if left else 0


def table() -> UndoTable:
    """How each kind of entry is undone here: as `leakdrill clean` does it, with less patience."""
    return {**machine.UNDO, "process": _undo_process, **{kind: partial(_undo_elsewhere, kind) for kind in _ELSEWHERE}}


def _undo_process(data: Mapping[str, Any], header: Header) -> str | None:
    return machine.UNDO["process"]({**data, "stop_timeout_s": _PATIENCE_S}, header)


def _undo_elsewhere(kind: str, data: Mapping[str, Any], header: Header) -> str | None:
    """Undo what is on an engine or in a cluster; its module is imported only now, because that takes longest."""
    undo: UndoFunction = import_module(_ELSEWHERE[kind]).UNDO[kind]
    return undo(data, header)


def _reachable(path: Path, fd: int) -> Path:
    """The journal by its path, else by the file that was opened while it was there."""
    return path if path.is_file() else Path(f"/proc/self/fd/{fd}")


def _note(folder: Path, sentences: list[str]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    text = "".join(f"{now} {sentence}\n" for sentence in sentences)
    with contextlib.suppress(OSError):  # the run folder may be gone, and with it whoever could read this
        write_below(folder, LOG_FILE, text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
