"""One container: made, started, watched until it ends, its output kept, and where it shows on this machine."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from leakdrill.machine.joined_cgroup import group_of
from leakdrill.record.events import TargetExited, TargetUnwatched, TargetWatchedAgain

if TYPE_CHECKING:
    from pathlib import Path

    from docker.models.containers import Container

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.record.recorder import Recorder

_AGAIN_S: Final = 0.5
"""How often an engine that does not answer is asked again."""


class RunningContainer:
    """A started container, followed until it ends.

    Args:
        container: as the engine knows it.
        log: gets what it writes.
        recorder: gets an end that nobody asked for.

    Attributes:
        asked: set before we end it ourselves; its end is no news then.
    """

    def __init__(self, container: Container, *, log: Path, recorder: Recorder) -> None:
        self.asked = False
        self._container = container
        self._recorder = recorder
        self._exit_status: int | None = None
        self._log = log
        self._threads: list[threading.Thread] = []
        self._lines: Any = None
        self._follow_log(since=_started(container))
        self._begin(threading.Thread(target=self._wait, name="container-watcher", daemon=True))

    @property
    def exit_status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._exit_status

    def join(self, timeout_s: float = 5.0) -> None:
        """Return when its end is known and its last line is kept."""
        for thread in tuple(self._threads):
            thread.join(timeout_s)

    def _begin(self, thread: threading.Thread) -> None:
        self._threads.append(thread)
        thread.start()

    def _wait(self) -> None:
        errors = engine_errors()
        while True:
            try:
                status = self._until_end()
                self._container.reload()
                break
            except errors as e:
                if self.asked or not self._outlast(e):
                    return
        self._exit_status = status
        if not self.asked:
            self._note_end(status, self._container.attrs["State"])

    def _outlast(self, error: Exception) -> bool:
        """Tell that it cannot be seen any more, and return when it can; False when it is gone, or not needed now."""
        self._note_unwatched(why_unseen(error))
        lost_at, start = time.time(), self._container.attrs["State"]["StartedAt"]
        while not (self.asked or _is_gone(error)):
            time.sleep(_AGAIN_S)
            try:
                self._container.reload()
                self._follow_log(since=int(lost_at))
            except engine_errors() as e:
                error = e
                continue
            if self._container.attrs["State"]["StartedAt"] == start:
                self._recorder.record(TargetWatchedAgain())
            return True
        return False

    def _until_end(self) -> int:
        """Its exit status, once it has ended."""
        return int(self._container.wait()["StatusCode"])

    def _note_unwatched(self, message: str) -> None:
        self._recorder.record(TargetUnwatched(message=message))

    def _note_end(self, status: int, state: dict[str, Any]) -> None:
        signal = "SIGKILL" if status == 137 else "SIGTERM" if status == 143 else ""  # noqa: PLR2004 - 128 + the signal
        self._recorder.record(
            TargetExited(
                exit_code=float(status),
                pid=str(self._container.short_id),
                signal=signal,
                oom_kill="true" if state.get("OOMKilled") else "false",
            )
        )

    def _follow_log(self, *, since: int) -> None:
        self._lines = self._container.logs(stream=True, follow=True, since=since)
        self._begin(threading.Thread(target=self._keep_log, args=(self._lines,), name="container-log", daemon=True))

    def _keep_log(self, lines: Any) -> None:
        with self._log.open("ab", buffering=0) as file:
            try:
                for line in lines:
                    file.write(line)
            except engine_errors():
                file.write(b"(the engine stopped sending the log)\n")


def _is_gone(error: Exception) -> bool:
    import docker.errors

    return isinstance(error, docker.errors.NotFound)


def why_unseen(error: Exception) -> str:
    """Why nothing more is known of a container."""
    return "the container was removed" if _is_gone(error) else f"the engine does not answer: {error}"


def _started(container: Container) -> int:
    """When the container was started this time, in whole Unix seconds, so that a restart repeats no line."""
    started: str = container.attrs["State"]["StartedAt"]
    return int(datetime.fromisoformat(started[:19] + "+00:00").timestamp())


def engine_errors() -> tuple[type[Exception], ...]:
    """What the engine, or the way to it, raises."""
    import docker.errors
    import requests
    import urllib3

    return (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError)


def cgroup_of(pid: int, container_id: str) -> Cgroup | None:
    """The control group of process `pid` on this machine; None when the engine runs elsewhere.

    A pid of another machine's engine may exist here and be somebody else, so its group must carry the container's id.
    """
    return group_of(pid, wanted=lambda paths: container_id in paths)
