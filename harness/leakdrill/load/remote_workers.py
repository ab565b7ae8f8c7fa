"""The remote workers of one load, which run beside the target: started, sent its addresses, and removed."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput, EnvironmentProblem, LeakdrillError
from leakdrill.load.workers import worker_plan
from leakdrill.machine.ports import free_port
from leakdrill.record.events import WorkerEnded
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.load.workers import WorkerPlace, WorkerState
    from leakdrill.record.recorder import Recorder
    from leakdrill.scenario.load import Load

CONNECT_TIMEOUT_S: Final = 90.0
"""From the order to start them until all have reached the master: a container's or a pod's start, and Locust's."""

_ADDRESSES_EVERY_S: Final = 0.1
_STATES_EVERY_S: Final = 0.5
_LAST_LINES: Final = 3


class RemoteWorkers:
    """The workers of `spec` in `place`, from `start` to `stop`.

    Args:
        spec: what the scenario says.
        place: where they run.
        recorder: gets a sample for a worker that ended though nobody stopped it.
        run_dir: gets `load-worker-N.log`.

    Attributes:
        master: where Locust's master is to listen: one address of this machine, never all of them.
        host: where the target answers when the load begins.

    Raises:
        BadInput: when this machine has no such address.
        EnvironmentProblem: when no address can be found, or the target answers nowhere that they can reach.
    """

    def __init__(self, spec: Load, place: WorkerPlace, *, recorder: Recorder, run_dir: Path) -> None:
        self._spec = spec
        self._place = place
        self._recorder = recorder
        self._run_dir = run_dir
        self._addresses = self._current_addresses()
        if not self._addresses:
            raise EnvironmentProblem(
                "load.workers: the target answers at no address that workers beside it could reach"
            )
        self.host = self._addresses[0]
        self.master = _listening_address(spec.master_host or place.master_host())
        self._near, self._far = socket.socketpair()
        self._stopping = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._send_addresses, name="load-addresses", daemon=True)

    @property
    def far_fd(self) -> int:
        """The descriptor that Locust's master inherits; on it come the target's addresses."""
        return self._far.fileno()

    def start(self, max_run_s: float) -> None:
        """Start the workers, once the master has inherited its end of the socket pair.

        Raises:
            LeakdrillError: when the platform refuses.
        """
        self._far.close()
        self._place.start(worker_plan(self._spec, master=self.master, addresses=self._addresses, max_run_s=max_run_s))
        self._thread.start()

    def wait_connected(self, connected: Callable[[], int], alive: Callable[[], bool]) -> None:
        """Return when all workers have reached the master, or when it has ended.

        Args:
            connected: how many the master knows.
            alive: whether it runs.

        Raises:
            EnvironmentProblem: when they do not in time, or one of them ended instead.
        """
        failed: list[WorkerState] = []

        def settled() -> bool:
            failed[:] = [state for state in self._place.states() if state.ended]
            return bool(failed) or connected() >= self._spec.workers or not alive()

        with contextlib.suppress(TimedOut):
            wait_for(settled, what="the workers", timeout_s=CONNECT_TIMEOUT_S, every_s=_STATES_EVERY_S)
            if not failed:
                return
        raise self._unreached(connected())

    def note_ended(self) -> None:
        """Record how each worker ended that has ended by now: nobody has stopped one yet."""
        with contextlib.suppress(LeakdrillError):
            for state in self._place.states():
                if state.ended:
                    self._recorder.record(WorkerEnded(message=state.description, worker=state.name))

    def stop(self) -> None:
        """Keep the logs of the workers, and remove them. Safe to call twice."""
        self._stopping.set()
        self._near.close()
        self._far.close()
        if self._stopped:
            return
        self._stopped = True
        self._keep_logs()
        self._place.stop()

    def _keep_logs(self) -> None:
        with contextlib.suppress(LeakdrillError):
            for number, state in enumerate(self._place.states(), start=1):
                (self._run_dir / f"load-worker-{number}.log").write_text(self._place.log(state.name))

    def _send_addresses(self) -> None:
        sent: list[str] = []
        while not self._stopping.is_set():
            now = self._current_addresses() or sent
            if now != sent:
                sent = now
                with contextlib.suppress(OSError):  # the master is gone, which the monitor records
                    self._near.sendall(json.dumps(now).encode() + b"\n")
            self._stopping.wait(_ADDRESSES_EVERY_S)

    def _current_addresses(self) -> list[str]:
        return [self._spec.service] if self._spec.service else self._place.addresses()

    def _unreached(self, connected: int) -> EnvironmentProblem:
        host, port = self.master
        states = "; ".join(f"{state.name}: {self._described(state)}" for state in self._place.states())
        return EnvironmentProblem(
            f"load.workers: {connected} of {self._spec.workers} workers reached Locust's master at {host}:{port} "
            f"within {CONNECT_TIMEOUT_S:g} s; expected all. {states or 'None of them is there'}",
            hint=f"is {host} reached from there, and is there a firewall? load.master_host names another address of "
            "this machine, load.image another image with Locust; load.workers_on: here runs all on this machine",
        )

    def _described(self, state: WorkerState) -> str:
        lines = [line.strip() for line in self._place.log(state.name).splitlines() if line.strip()]
        last = " | ".join(lines[-_LAST_LINES:])
        return f"{state.description}, last log lines: {last}" if last else state.description


def _listening_address(host: str) -> tuple[str, int]:
    try:
        return host, free_port(host)
    except OSError as e:
        raise BadInput(
            f"load.master_host: nothing can listen on {host}: {e.strerror or e}; expected an address of this machine "
            "that the workers can reach"
        ) from e
