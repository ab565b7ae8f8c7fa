"""One life of a service that was not started by us: followed until it ends, and never ended by us."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import EnvironmentProblem
from leakdrill.machine.joined_cgroup import sole_group, unit_members
from leakdrill.machine.ports import stranger_on
from leakdrill.record.events import TargetExited, TargetUnwatched
from leakdrill.targets.existing.search import lives, tree_of
from leakdrill.targets.existing.unit import describe_unit, end_of, show_unit

if TYPE_CHECKING:
    import psutil

    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.record.recorder import Recorder

_LOOK_S: Final = 0.1
_LOOKS_PER_STRANGER: Final = 20
_RESCAN_S: Final = 1.0


class Life:
    """The process of a service from now on, and all that came of it.

    Args:
        process: its first.
        unit: the systemd unit that it is, where it is one: then its control group says who belongs to it.
        recorder: gets an end that nobody asked for.
        port: where it listens, if that is known: who else does so has taken its place.

    Attributes:
        asked: set before a step ends it; its end is no news then.
        cgroup: its control group, where nobody else is in it.
        lost: who serves in its place while it still runs; None while nobody does.
    """

    def __init__(self, process: psutil.Process, *, unit: str | None, recorder: Recorder, port: int | None) -> None:
        self.asked = False
        self.lost: str | None = None
        self.process = process
        self._unit = unit
        self._control_group = describe_unit(unit).control_group if unit else ""
        self._recorder = recorder
        self._port = port
        self._suspected = 0
        self._scanned = (float("-inf"), list[int]())
        self.cgroup: Cgroup | None = sole_group(process.pid, self._look())
        self._oom_kills = self.cgroup.oom_kills() if self.cgroup else None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="target-watcher", daemon=True)
        self._thread.start()

    def pids(self, *, at_most_s: float = _RESCAN_S) -> list[int]:
        """Its processes as they were at most that long ago; none once its first has ended, whoever has its number."""
        if not self.is_alive():
            return []
        if self.cgroup:
            return self.cgroup.pids()
        scanned_at, pids = self._scanned
        if time.monotonic() - scanned_at > at_most_s:
            pids = self._look()
            self._scanned = (time.monotonic(), pids)
        return pids

    def is_alive(self) -> bool:
        """Whether its first process is still the same one."""
        return lives(self.process)

    def stranger(self) -> str:
        """Who listens at its port in its place; empty when it does itself, or nobody may know."""
        if not self.is_alive():
            return "another process: its own has ended"
        return stranger_on(self._port, self.pids(at_most_s=0)) if self._port else ""

    def leave(self) -> None:
        """Stop following it; it goes on."""
        self._over.set()
        self._thread.join()

    def _look(self) -> list[int]:
        tree = tree_of(self.process)
        if not tree or not self._control_group:
            return tree
        return sorted({*tree, *unit_members(self._control_group, self.process.pid)})

    def _watch(self) -> None:
        looks = 0
        while not self._over.wait(_LOOK_S):
            if not self.is_alive():
                if not self.asked:
                    self._note_end()
                return
            looks += 1
            if looks % _LOOKS_PER_STRANGER == 0 and not self.asked and not self.lost:
                self._look_for_stranger()

    def _look_for_stranger(self) -> None:
        """Record who has taken its place. A worker that has just begun to listen is not known yet: so look twice."""
        stranger = self.stranger()
        self._suspected = self._suspected + 1 if stranger else 0
        if self._suspected > 1 and self.is_alive():
            self.lost = f"{stranger} listens on port {self._port} in its place"
            self._recorder.record(TargetUnwatched(message=self.lost))

    def _note_end(self) -> None:
        """Record an end that nobody asked for. It was no child of ours, so only systemd can say how it ended."""
        shown: dict[str, str] = {}
        if self._unit:
            with contextlib.suppress(EnvironmentProblem):  # why it ended is good to know, and that it ended is known
                shown = show_unit(self._unit)
        end = end_of(shown, self.process.pid)
        self._recorder.record(
            TargetExited(
                exit_code=end.exit_code,
                pid=str(self.process.pid),
                signal=end.signal,
                oom_kill="true" if end.oom_killed else self._oom_kill(),
            )
        )

    def _oom_kill(self) -> str:
        """Whether the OOM killer ended a process of its group; `unknown` where nobody counts, or not any more."""
        now = self.cgroup.oom_kills() if self.cgroup else None
        if now is None or self._oom_kills is None or now < self._oom_kills:
            return "unknown"
        return "true" if now > self._oom_kills else "false"
