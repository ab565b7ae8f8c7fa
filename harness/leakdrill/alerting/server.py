"""Runs one of Prometheus' servers for a drill: a free loopback port, a folder, a log, and an entry for each to undo."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Final

import httpx
import psutil

from leakdrill.errors import ComponentDied, EnvironmentProblem
from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.machine.ports import free_port
from leakdrill.machine.reaped import reap
from leakdrill.record.journal_header import MARK_VARIABLE
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from leakdrill.record.journal import Entry, Journal

MARKER: Final = "LEAKDRILL_RUN_ID"
"""Environment variable by which `leakdrill clean` knows a process of ours, whatever its pid has become."""

_READY_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 5.0
_PORT_TRIES: Final = 4


def find_binary(names: Sequence[str], *, package: str) -> str:
    """The first of `names` that is on PATH.

    Raises:
        EnvironmentProblem: when none is; the hint names the Debian package.
    """
    executable = next((path for name in names if (path := shutil.which(name))), None)
    if executable is None:
        raise EnvironmentProblem(f"{' or '.join(names)} is not on PATH", hint=f"apt-get install {package}")
    return executable


class Server:
    """A server process of ours, from its first file to its last.

    Args:
        title: its name in messages.
        folder: configuration and log; kept with the record.
        journal: hears of the process and of the data folder before they exist.
        run_id: goes into the process' environment, so that a leftover is known as ours.
        on_exit: gets the exit code (a signal's number with a minus) when the process, once ready, ends unasked; called
            on a thread of its own.
    """

    def __init__(
        self, title: str, folder: Path, journal: Journal, *, run_id: str, on_exit: Callable[[float], None]
    ) -> None:
        self.title = title
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / f"{title.lower()}.log"
        self._journal = journal
        self._run_id = run_id
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._data_entry: Entry | None = None
        self._process_entry: Entry | None = None
        self._stopping = threading.Lock()
        self._on_exit = on_exit
        self._stop_requested = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address that it answers at, such as `http://127.0.0.1:40123`; known after `start`."""
        return f"http://127.0.0.1:{self._port}"

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, command: Callable[[int], list[str]]) -> None:
        """Start `command(port)` and return when it says that it is ready; a port that was taken is tried again.

        Raises:
            ComponentDied: when it ends before, or is not ready in time; with the last lines of its log.
        """
        self._make_data()
        for attempt in range(1, _PORT_TRIES + 1):
            self._port = free_port()
            self._launch(command(self._port))
            if self._became_ready():
                self._watch_exit()
                return
            clash = "address already in use" in self._tail()
            problem = f"{self.title} (pid {self.pid}) ended before it was ready, status {self._status()}"
            self._end_process()
            if not clash or attempt == _PORT_TRIES:
                self.stop()
                raise ComponentDied(f"{problem}; its last lines:\n{self._tail()}", hint=f"read {self.log}")

    def reload(self) -> None:
        """Have the process read its configuration again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End the process and remove its data. May be called again, and from any thread."""
        with self._stopping:
            self._end_process()
            if self._data_entry:
                shutil.rmtree(self.data, ignore_errors=True)
                self._journal.undone(self._data_entry)
                self._data_entry = None

    @property
    def pid(self) -> int:
        """The process id; 0 before `start`."""
        return self._process.pid if self._process else 0

    def _make_data(self) -> None:
        self._data_entry = self._journal.plan("folder", run_id=self._run_id, path=str(self.data))
        self.data.mkdir(parents=True, exist_ok=True)
        self._data_entry = self._journal.done(self._data_entry)

    def _launch(self, command: list[str]) -> None:
        entry = self._journal.plan("process", run_id=self._run_id, argv0=command[0])
        self._process_entry = entry
        environment = {**os.environ, MARKER: self._run_id, MARK_VARIABLE: self._journal.mark}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                with_default_sigint(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._journal.done(entry, pid=self._process.pid, create_time=psutil.Process(self._process.pid).create_time())

    def _became_ready(self) -> bool:
        awaited = f"{self.title} at {self.url}/-/ready answering 200"
        try:
            return wait_for(self._ready_or_dead, what=awaited, timeout_s=_READY_TIMEOUT_S) == "ready"
        except TimedOut as e:
            self.stop()
            raise ComponentDied(f"{e}; its last lines:\n{self._tail()}", hint=f"read {self.log}") from e

    def _ready_or_dead(self) -> str | None:
        if not self.alive():
            return "dead"
        try:
            response = httpx.get(f"{self.url}/-/ready", timeout=2.0, trust_env=False)
        except httpx.HTTPError:
            return None
        # Another process may have taken the port between our choice and the bind; its 200 is not ours.
        return "ready" if response.status_code == httpx.codes.OK and self._listens() else None

    def _listens(self) -> bool:
        try:
            connections = psutil.Process(self.pid).net_connections(kind="tcp")
        except psutil.Error:
            return False
        return any(c.status == psutil.CONN_LISTEN and c.laddr.port == self._port for c in connections)

    def _watch_exit(self) -> None:
        self._stop_requested.clear()
        self._watcher = threading.Thread(target=self._wait_for_exit, args=(self._process,), daemon=True)
        self._watcher.start()

    def _wait_for_exit(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        if not self._stop_requested.is_set():
            self._on_exit(float(code))

    def _end_process(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._stop_requested.set()
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            reap(self._process)
        if self._watcher:
            self._watcher.join()
            self._watcher = None
        self._process = None
        if self._process_entry:
            self._journal.undone(self._process_entry)
            self._process_entry = None

    def _status(self) -> int | None:
        return self._process.poll() if self._process else None

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        # What it says while it goes down, after the reason, is of no help.
        return "\n".join([line for line in lines if "level=info" not in line][-5:] or lines[-5:])
