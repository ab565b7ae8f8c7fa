"""A container that somebody else started, followed to its end: who asked for that end, by the engine's events.

It may outlive the drill, so what follows it can be let go, which waiting for an end cannot.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from leakdrill.targets.docker.container import RunningContainer, engine_errors, why_unseen

if TYPE_CHECKING:
    from pathlib import Path

    from docker import DockerClient
    from docker.models.containers import Container

    from leakdrill.record.recorder import Recorder

_ENDING: Final = frozenset({"2", "3", "6", "9", "15"})
"""Signals whose `kill` event is somebody's wish that it ends; a stop and a removal begin with one."""


class WatchedContainer(RunningContainer):
    """A container that somebody else started.

    Args:
        container: as the engine knows it.
        log: gets what it writes.
        recorder: gets an end that nobody asked for, and that it could no longer be watched.
        client: of the engine.

    Attributes:
        ended_by: what ended it when it was somebody else's doing, as a sentence; None otherwise.
    """

    ended_by: str | None = None

    def __init__(self, container: Container, *, log: Path, recorder: Recorder, client: DockerClient) -> None:
        filters = {"container": str(container.id), "type": "container"}
        self._events: Any = client.events(filters=filters, decode=True)
        self._asked_for = False
        super().__init__(container, log=log, recorder=recorder)

    def let_go(self) -> None:
        """Follow it no longer; it goes on."""
        self.asked = True
        for stream in (self._events, self._lines):
            with contextlib.suppress(*engine_errors()):
                stream.close()
        self.join()

    def _until_end(self) -> int:
        self._container.reload()
        if self._container.status in ("running", "paused", "restarting"):
            self._read_events()
            self._container.reload()
        return int(self._container.attrs["State"]["ExitCode"])

    def _read_events(self) -> None:
        """Return at its end, or when it is let go."""
        for event in self._events:
            action = str(event.get("Action"))
            if action == "kill" and event["Actor"]["Attributes"].get("signal") in _ENDING:
                self._asked_for = True
            if action in ("die", "destroy"):
                return
        if not self.asked:
            raise OSError("it sends no more events")

    def _outlast(self, error: Exception) -> bool:
        """Only tell it: who ends it meanwhile would not be known, so that the drill ends."""
        self._note_unwatched(why_unseen(error))
        return False

    def _note_unwatched(self, message: str) -> None:
        told = f"container {self._container.name}: {message}"
        super()._note_unwatched(told)
        self.ended_by = told  # whoever reads this may count on the record

    def _note_end(self, status: int, state: dict[str, Any]) -> None:
        if self._asked_for:
            self._note_unwatched("somebody else than the drill ended it")
        else:
            super()._note_end(status, state)
