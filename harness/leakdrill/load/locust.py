"""Load on a target: a Locust in a session of its own, watched from a thread of the drill.

Locust is never imported here, because gevent would replace the sockets and threads of the harness.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.errors import BadInput, ComponentDied, EnvironmentProblem, LeakdrillError
from leakdrill.load.command import argv, environment
from leakdrill.load.counter_reader import CounterReader
from leakdrill.load.monitor import LocustMonitor
from leakdrill.load.pause_control import PauseControl
from leakdrill.load.remote_workers import RemoteWorkers
from leakdrill.machine.child_signals import with_default_sigint
from leakdrill.machine.session import kill_session
from leakdrill.units import show_duration
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.load.workers import Workers
    from leakdrill.record.journal import Entry, Journal
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.load import Load

READY_TIMEOUT_S: Final = 60.0
"""For the interpreter, Locust's imports, the locustfile and the workers, on a busy machine."""

STOP_TIMEOUT_S: Final = 8.0
"""Locust lets running tasks finish for 2 s (command.py), and distributed it then collects its workers."""

_LAST_LINES: Final = 3


class LocustLoad:
    """One load, from `start` to `stop`.

    Every second it records the sample `load.requests`; `load.errors` with the count of each of the most frequent, when
    it changes; `load.worker_lost` with the number missing; and `load.exited` with the return code when Locust ends
    though nobody stopped it.

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
        place: Workers | None = None,
    ) -> None:
        self._spec = spec
        self._host = host
        self._run_dir = run_dir
        self._run_id = run_id
        self._recorder = recorder
        self._journal = journal
        self._max_run_s = max_run_s
        self._record_corpus = record_corpus
        self._folder = run_dir / "load-counts"
        self._log = run_dir / "load.log"
        self._tally = CounterReader(self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: LocustMonitor | None = None
        self._pause_control: PauseControl | None = None
        self._place = place
        self._remote_workers: RemoteWorkers | None = None
        self._entry: Entry | None = None

    def start(self) -> None:
        """Start Locust, and return when it has loaded the locustfile and is about to spawn users.

        Raises:
            BadInput: when Locust cannot use the locustfile or an argument, or when what it does cannot be recorded.
            ComponentDied: when Locust itself does not come up.
            EnvironmentProblem: when workers that run elsewhere do not reach it.
        """
        if self._record_corpus is not None:
            self._demand_one_worker("recording a corpus")
        if self._place is not None:
            self._remote_workers = RemoteWorkers(
                self._spec, self._place, recorder=self._recorder, run_dir=self._run_dir
            )
            self._host = self._remote_workers.host
        self._folder.mkdir(parents=True, exist_ok=True)
        entry = self._entry = self._journal.plan("process", run_id=self._run_id, argv0="locust")
        reader, writer = os.pipe()
        try:
            process = self._process = self._spawn(writer)
        finally:
            os.close(writer)
        self._watch = LocustMonitor(
            process,
            reader,
            tally=self._tally,
            recorder=self._recorder,
            table=self._run_dir / "load.csv",
            wanted_workers=self._spec.workers,
        )
        self._entry = self._journal.done(entry, pid=process.pid, create_time=psutil.Process(process.pid).create_time())
        self._watch.start()
        try:
            if self._remote_workers is not None:
                self._remote_workers.start(self._max_run_s)
            self._wait_ready(process, self._watch)
        except LeakdrillError:
            self.stop()
            raise

    def pause(self) -> None:
        """Shut the load: no user begins another task; those under way end. Returns at once; see `wait_drained`.

        Until `resume` the load's clock stands still: what would have been due in the meantime is moved, not made up
        for. What the locustfile starts beside its users' tasks, such as greenlets of its own, is not held.

        Raises:
            BadInput: when the load has more than one worker.
            ComponentDied: when Locust is not running.
        """
        self._order("pause")

    def resume(self, requests: int | None = None) -> None:
        """Let the users go on; with `requests`, shut again by itself as soon as so many more were made.

        Tasks of one request make exactly that many; of several, a few more (pause_gate.py says how many).

        Raises:
            BadInput: when the load has more than one worker.
            ComponentDied: when Locust is not running.
        """
        self._order("resume", *(() if requests is None else (requests,)))

    def drained(self) -> bool:
        """Whether the load is shut, every user has come to rest, and no request is under way.

        Raises:
            ComponentDied: when Locust ended before that.
        """
        return self._drained_s(0) is not None

    def wait_drained(self, timeout_s: float) -> float:
        """Return when `drained`: after `pause`, or when the requests of `resume` are made.

        Returns:
            The seconds from the moment the load was shut until the last user came to rest.

        Raises:
            ComponentDied: when Locust ended before that.
            EnvironmentProblem: when it takes longer than `timeout_s`.
        """
        seconds = self._drained_s(timeout_s)
        if seconds is None:
            busy = self._watch.status.get("busy", "unknown") if self._watch else 0
            raise EnvironmentProblem(
                f"the load did not come to rest within {show_duration(timeout_s)}: {busy} of {self._spec.users} users "
                f"are in a task (a second ago), expected none; {self._tally.completed()} requests were answered",
                hint=f"does {self._host} still answer, and how long do tasks of {self._spec.locustfile} take?",
            )
        return seconds

    def completed(self) -> float:
        """Requests that the target has answered so far, error statuses and all; exact at any moment.

        Unlike `requests`, this counts a 404 or 500, and what the locustfile marked as a failure: the target has worked
        on it and may have leaked. Requests that got no answer are in neither.
        """
        return float(self._tally.completed())

    def completed_by_name(self) -> dict[str, float]:
        """Requests answered so far under each name that the locustfile gives them, as it stood when last drained."""
        return (
            {name: float(count) for name, count in self._pause_control.by_name.items()} if self._pause_control else {}
        )

    def requests(self) -> float:
        """Requests that the target has answered with success so far, over all Locust processes; exact at any moment.

        Refused and failed requests are left out: they reached nothing that could have leaked.
        """
        return float(self._tally.answered())

    @property
    def pid(self) -> int:
        """The process id of Locust, of its master when there are several; 0 before `start`."""
        return self._process.pid if self._process else 0

    def alive(self) -> bool:
        """Whether Locust runs and has a process left that makes requests."""
        if self._process is None or self._watch is None or self._process.poll() is not None:
            return False
        return not (self._watch.lost_workers and self._watch.status.get("workers") == 0)

    def wait_first_request(self, timeout_s: float, *, any_status: bool = False) -> None:
        """Return when the target has answered a request with success; with `any_status`, when it has answered one.

        Raises:
            ComponentDied: when Locust ended, or nothing was answered in time; names the most frequent error.
        """
        answers = self.completed if any_status else self.requests
        try:
            wait_for(lambda: answers() > 0 or not self.alive(), what="an answer", timeout_s=timeout_s)
        except TimedOut as e:
            error = self._watch.worst_error() if self._watch else "Locust was not started"
            raise ComponentDied(
                f"the load never reached {self._host}: {self._tally.totals().requests} requests within "
                f"{show_duration(timeout_s)}, none answered with success; {error}",
                hint=f"read {self._log}; is the target ready, and are the paths in {self._spec.locustfile} right?",
            ) from e
        if answers() == 0:
            raise ComponentDied(self._ended("before its first request was answered"))

    def stop(self) -> None:
        """End Locust and its workers; requests under way may finish. Safe to call twice, and after it died."""
        if self._process is None or self._watch is None:
            self._clear()
            return
        if self._remote_workers is not None and not self._watch.stopping:
            self._remote_workers.note_ended()
        if self._process.poll() is None:
            self._watch.stopping = True
            self._process.send_signal(signal.SIGTERM)
            self._watch.join(STOP_TIMEOUT_S)
        kill_session(self._process.pid)
        self._process.wait()
        self._watch.join()
        self._clear()

    def _demand_one_worker(self, what: str) -> None:
        if self._spec.workers > 1:
            message = f"load.workers: {self._spec.workers} of {self._spec.locustfile}: {what} needs one Locust process"
            raise BadInput(message, hint="the gate needs load.workers: 1")

    def _order(self, word: str, *numbers: int) -> None:
        self._demand_one_worker(f"{word[:-1]}ing the load")
        try:
            if self._pause_control is None or not self.alive():
                raise ComponentDied(self._ended(f"when it was to {word}"))
            self._pause_control.order(word, *numbers)
        except OSError as e:
            raise ComponentDied(self._ended(f"when it was to {word}")) from e

    def _drained_s(self, timeout_s: float) -> float | None:
        self._demand_one_worker("pausing the load")
        when = "before its users had come to rest"
        if self._pause_control is None:
            raise ComponentDied(self._ended(when))
        try:
            return self._pause_control.wait_drained_s(timeout_s)
        except EOFError as e:
            raise ComponentDied(self._ended(when)) from e

    def _clear(self) -> None:
        if self._remote_workers is not None:
            self._remote_workers.stop()
        if self._pause_control is not None:
            self._pause_control.close()
            self._pause_control = None
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._entry is not None:
            self._journal.undone(self._entry)
            self._entry = None

    def _spawn(self, status_fd: int) -> subprocess.Popen[bytes]:
        self._pause_control = PauseControl() if self._spec.workers == 1 else None
        control_fd = self._pause_control.far_fd if self._pause_control else None
        line_fd = self._remote_workers.far_fd if self._remote_workers else None
        env = environment(
            self._spec,
            counts=self._folder,
            status_fd=status_fd,
            run_id=self._run_id,
            control_fd=control_fd,
            record=self._record_corpus,
            line_fd=line_fd,
        )
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                with_default_sigint(
                    argv(
                        self._spec,
                        host=self._host,
                        max_run_s=self._max_run_s,
                        master=self._remote_workers.master if self._remote_workers else None,
                    )
                ),
                env=env,
                pass_fds=[fd for fd in (status_fd, control_fd, line_fd) if fd is not None],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self._pause_control is not None:
            self._pause_control.hand_over()
        return process

    def _wait_ready(self, process: subprocess.Popen[bytes], watch: LocustMonitor) -> None:
        try:
            wait_for(
                lambda: watch.running or process.poll() is not None,
                what="Locust's start",
                timeout_s=READY_TIMEOUT_S,
            )
        except TimedOut as e:
            raise ComponentDied(self._ended(f"was not ready after {READY_TIMEOUT_S:g} s")) from e
        if process.poll() is not None:
            watch.join()
            if not watch.running:
                raise self._refusal(watch)
        if "unrecordable" in watch.status:
            message = f"{self._spec.locustfile}: corpus: closed cannot record this load: {watch.status['unrecordable']}"
            raise BadInput(message, hint="use corpus: open, which runs the locustfile as it is")
        if self._remote_workers is not None:
            self._remote_workers.wait_connected(
                lambda: int(watch.status.get("workers", 0)), alive=lambda: process.poll() is None
            )

    def _refusal(self, watch: LocustMonitor) -> LeakdrillError:
        """Whose mistake an early end is: once our listener stood, only the locustfile and the arguments were left."""
        if not watch.status:
            return ComponentDied(self._ended("before it read the locustfile"))
        message = f"{self._spec.locustfile}: Locust could not load it (or its arguments): {self._last_lines()}"
        return BadInput(message, hint=f"read {self._log}; `locust -f {self._spec.locustfile}` must work on its own")

    def _ended(self, when: str) -> str:
        code = self._process.poll() if self._process else None
        state = "was not started" if self._process is None else "runs" if code is None else f"ended with {code}"
        return f"the load (Locust, {self._spec.locustfile}) {state} {when}; last log lines: {self._last_lines()}"

    def _last_lines(self) -> str:
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return " | ".join(lines[-_LAST_LINES:]) or "none"
