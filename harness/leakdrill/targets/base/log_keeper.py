"""Keeps the log of a target short while it is written: its start and its end stay, the middle is cut out.

The service writes into the file itself, so it never waits for the harness, not even for one that is stopped. A file
that is opened to append can be cut under its writer: the next line goes to the new end. What was tried and rejected: a
pipe with a reader, which stalls the service whenever the reader does; and punching a hole, which leaves a file that
looks like gigabytes to everybody who copies it.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

from leakdrill.record.events import Notice
from leakdrill.units import show_size

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.record.recorder import Recorder

HEAD_BYTES: Final = 8 * 1024 * 1024
"""What stays of a long log's start."""

MOST_BYTES: Final = 24 * 1024 * 1024
"""A log that is longer is cut."""

_KEPT_BYTES: Final = 1024 * 1024
_EVERY_S: Final = 0.1


class LogKeeper:
    """Looks ten times a second at the length of `log`, and cuts out of its middle what is too much.

    Args:
        log: may not be there yet; whoever writes to it must have opened it to append.
        recorder: gets a notice when it was cut for the first time.
    """

    def __init__(self, log: Path, recorder: Recorder) -> None:
        self._log = log
        self._recorder = recorder
        self._was_cut = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, on a thread of its own; does nothing while it looks."""
        if self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="log-keeper", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look once more and stop; does nothing the second time."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            self.cut()

    def cut(self) -> None:
        """Cut the log if it is too long. What is written in that moment may be lost with the middle."""
        try:
            with self._log.open("r+b") as file:
                size = os.fstat(file.fileno()).st_size
                if size <= MOST_BYTES:
                    return
                file.seek(size - _KEPT_BYTES)
                end = file.read(_KEPT_BYTES)
                file.truncate(HEAD_BYTES)
            with self._log.open("ab") as file:
                left_out = size - HEAD_BYTES - len(end)
                file.write(f"\n(leakdrill left out {left_out} bytes here)\n".encode() + end)
        except OSError:
            return  # it is not there, or the disk is full: nobody can read more of it than is there
        self._note()

    def _note(self) -> None:
        if not self._was_cut:
            self._was_cut = True
            self._recorder.record(
                Notice(f"{self._log.name} outgrew {show_size(MOST_BYTES)}: parts of its middle are left out")
            )

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            self.cut()
