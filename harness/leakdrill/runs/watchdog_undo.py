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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from leakdrill.files import write_below
from leakdrill.machine import undo as machine
from leakdrill.record.undo import clean, undo_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leakdrill.record.journal_header import Header
    from leakdrill.record.undo import UndoFunction

LOG_FILE: Final = "watchdog.log"
"""In the run folder of a drill that died: what its watchdog did."""

_AT_ONCE: Final = frozenset({"process", "container", "project", "namespace", "object", "leaks"})
"""Kinds of entries behind which something runs. They are independent of one another; what fails is tried again."""

_PATIENCE_S: Final = 1.0
"""From SIGTERM to SIGKILL, whatever the scenario allows a target that is stopped in good order."""


def main(arguments: list[str]) -> int:
    """Undo the journals, the latest first; returns 4 when something is left."""
    journals = [(Path(path), int(fd)) for path, fd in zip(arguments[::2], arguments[1::2], strict=True)]
    impatient = {"process": _impatient(machine.UNDO["process"])}
    for path, fd in reversed(journals):
        undo_kinds(_reachable(path, fd), impatient)
    # Only now, because it takes ten times as long as all above: what engines and clusters need is imported.
    from leakdrill.runs.undo import UNDO  # noqa: PLC0415

    left = 0
    for path, fd in reversed(journals):
        problems = clean(_reachable(path, fd), {**UNDO, **impatient}, at_once=_AT_ONCE)
        left += len(problems)
        _note(path.parent, ["the drill has died; what it had started was ended and undone", *map(str, problems)])
    return 4 if left else 0


def _impatient(undo: UndoFunction) -> UndoFunction:
    def hurried(data: Mapping[str, Any], header: Header) -> str | None:
        return undo({**data, "stop_timeout_s": _PATIENCE_S}, header)

    return hurried


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
