"""The load on a target: a Locust in a session of its own, its workers, its pause gate and its counts."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem, LeakdrillError
from leakdrill.load.command import argv, environment
from leakdrill.load.counter_reader import CounterReader
from leakdrill.load.first_request import LAST_WORDS_S, FirstRequest
from leakdrill.load.locust_process import LocustProcess
from leakdrill.load.locust_start import note_shape, wait_started
from leakdrill.load.monitor import LocustMonitor
from leakdrill.load.pause_control import PauseControl
from leakdrill.load.remote_workers import RemoteWorkers
from leakdrill.units import show_count, show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakdrill.load.workers import WorkerPlace
    from leakdrill.record.journal import Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.load import Load

STOP_TIMEOUT_S: Final = 8.0
"""Locust lets running tasks finish for 2 s (command.py), and distributed it then collects its workers."""


class LocustLoad:
    """One load, from `start` to `stop`. `LocustMonitor` says what it records.

    Args:
        spec: what the scenario says.
        host: the target's address.
        run_dir: gets `load.csv` (a row a second) and `load.log` (Locust's own output).
        run_id: marks the processes.
        recorder: where the samples go.
        journal: where the process is announced.
        max_run_s: Locust ends itself after this long, whatever becomes of the drill.
        record_corpus: gets the first requests, for `replay_spec` (corpus.py); None records none.
        place: where the workers run; None for processes of this machine.
        labels: `build` and `corpus` of a gate run, on what is recorded of its requests.
    """

    def __init__(  # noqa: PLR0913 - all that a load is made of; each is named at the call
        self,
        spec: Load,
        *,
        host: str,
        run_dir: Path,
        run_id: str,
        recorder: Recorder,
        journal: Journal,
        max_run_s: float,
        record_corpus: Path | None = None,
        place: WorkerPlace | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self._spec = spec
        self._host, self._run_dir, self._run_id = host, run_dir, run_id
        self._recorder, self._max_run_s = recorder, max_run_s
        self._record_corpus = record_corpus.absolute() if record_corpus else None
        self._place = place
        self._folder = (run_dir / "load-counts").absolute()
        self._counters = CounterReader(self._folder)
        self._process = LocustProcess(
            log=run_dir / "load.log", locustfile=spec.locustfile, cwd=spec.cwd, run_id=run_id, journal=journal
        )
        self._pause_control = PauseControl(spec, self._process, alive=self.alive)
        self._monitor = LocustMonitor(
            self._process,
            counters=self._counters,
            recorder=recorder,
            table=run_dir / "load.csv",
            wanted_workers=spec.workers,
            labels=labels or {},
        )
        self._remote_workers: RemoteWorkers | None = None

    def start(self) -> None:
        """Start Locust, and return when it has loaded the locustfile and is about to spawn users.

        Raises:
            BadInput: when Locust cannot use the locustfile or an argument, or when what it does cannot be recorded.
            ComponentDied: when Locust itself does not come up.
            EnvironmentProblem: when remote workers do not reach it.
        """
        if self._record_corpus is not None:
            self._pause_control.require_one_process("recording a corpus")
        if self._place is not None:
            self._remote_workers = RemoteWorkers(
                self._spec, self._place, recorder=self._recorder, run_dir=self._run_dir
            )
            self._host = self._remote_workers.host
        self._folder.mkdir(parents=True, exist_ok=True)
        self._spawn()
        self._monitor.start()
        try:
            if self._remote_workers is not None:
                self._remote_workers.start(self._max_run_s)
            note_shape(wait_started(self._process, self._monitor, self._spec), self._recorder)
            if self._remote_workers is not None:
                self._remote_workers.wait_connected(lambda: self._monitor.workers, alive=lambda: self._process.running)
        except LeakdrillError:
            self.stop()
            raise

    def _spawn(self) -> None:
        """Start the process with what it inherits."""
        remote = self._remote_workers
        status_fd, control_fd = self._monitor.open(), self._pause_control.open()
        addresses_fd = remote.far_fd if remote else None
        env = environment(
            self._spec,
            counts=self._folder,
            status_fd=status_fd,
            run_id=self._run_id,
            control_fd=control_fd,
            record=self._record_corpus,
            addresses_fd=addresses_fd,
        )
        master = remote.master if remote else None
        try:
            self._process.start(
                argv(self._spec, host=self._host, max_run_s=self._max_run_s, master=master),
                env,
                inherited_fds=[fd for fd in (status_fd, control_fd, addresses_fd) if fd is not None],
            )
        finally:
            self._monitor.hand_over()
        self._pause_control.hand_over()

    def pause(self) -> None:
        """Shut the load: no user begins another task; those under way end. See `PauseControl`."""
        self._pause_control.pause()

    def resume(self, requests: int | None = None) -> None:
        """Let the users go on; with `requests`, the load is shut again as soon as so many more were made."""
        self._pause_control.resume(requests)

    def drained(self) -> bool:
        """Whether the load is shut, every user has come to rest, and no request is under way."""
        return self._pause_control.wait_drained_s(0) is not None

    def wait_drained(self, timeout_s: float) -> float:
        """Return when `drained`: after `pause`, or when the requests of `resume` are made.

        Returns:
            The seconds from the moment the load was shut until the last user came to rest.

        Raises:
            ComponentDied: when Locust ended before that.
            EnvironmentProblem: when it takes longer than `timeout_s`.
        """
        seconds = self._pause_control.wait_drained_s(timeout_s)
        if seconds is None:
            busy = self._monitor.status.get("busy", "unknown")
            raise EnvironmentProblem(
                f"the load did not come to rest within {show_duration(timeout_s)}: {busy} of {self._spec.users} users "
                "are in a task (a second ago), expected none; "
                f"{show_count(self._counters.completed(), 'request was', 'requests were')} answered",
                hint=f"does {self._host} still answer, and how long do tasks of {self._spec.locustfile} take?",
            )
        return seconds

    def completed(self) -> float:
        """Returns the requests that got a response so far, error statuses and all; exact at any moment.

        Unlike `requests`, this counts a 404 or 500, and what the locustfile marked as a failure: the target has worked
        on it and may have leaked. Requests that got no response are in neither.
        """
        return float(self._counters.completed())

    def completed_by_name(self) -> dict[str, float]:
        """Returns the completed requests under each name of the locustfile's, as it stood when last drained."""
        return dict(self._pause_control.completed_by_name)

    def requests(self) -> float:
        """Returns the requests that succeeded so far, over all Locust processes; exact at any moment.

        Refused and failed requests are left out: they reached nothing that could have leaked.
        """
        return float(self._counters.answered())

    @property
    def pid(self) -> int:
        """The process id of Locust, of its master when there are several; 0 before `start`."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether Locust runs and has a process left that makes requests."""
        return self._process.running and not (self._monitor.lost_workers and self._monitor.workers == 0)

    @property
    def ended_by(self) -> str:
        """What ended Locust before its time, as a clause; empty while it runs and where nobody can say."""
        self._monitor.join(LAST_WORDS_S)
        return str(self._monitor.status.get("ended_by") or "")

    def wait_first_request(self, timeout_s: float, *, success_s: float = 0.0) -> None:
        """Return when a request was answered: for `success_s` only a success counts, then any status is an answer.

        Raises:
            ComponentDied: when Locust ended, or nothing was answered in time; says why, where that is known.
        """
        FirstRequest(
            spec=self._spec, host=self._host, process=self._process, monitor=self._monitor, counters=self._counters
        ).wait(alive=self.alive, timeout_s=timeout_s, success_s=success_s)

    def stop(self) -> None:
        """End Locust and its workers; requests under way may finish. Safe to call twice, and after it died."""
        if self._process.pid:
            if self._remote_workers is not None and not self._monitor.stopping:
                self._remote_workers.note_ended()
            if self._process.running:
                self._monitor.stopping = True
                self._process.terminate()
                self._monitor.join(STOP_TIMEOUT_S)
            self._process.kill()
            self._monitor.join()
        if self._remote_workers is not None:
            self._remote_workers.stop()
        self._pause_control.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._process.forget()
