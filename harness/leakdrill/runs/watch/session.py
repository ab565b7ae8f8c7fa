"""One watched run from its start to its verdicts: attempts in their modes, the record, and undo always."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.judging.watch.budgets import why_memory
from leakdrill.judging.watch.memory_split import attempts
from leakdrill.judging.watch.plan import starting_mode
from leakdrill.judging.watch.record import analyze_watch, write_watch_info
from leakdrill.machine.cgroup import CgroupRefused, make_cgroup, watched
from leakdrill.machine.signals import StopRequest
from leakdrill.machine.undo import UNDO
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.sampler import Sampler
from leakdrill.record.journal import Journal
from leakdrill.record.ownership import NAME_PREFIX, note_owner
from leakdrill.record.recorder import Recorder
from leakdrill.record.undo import take_back, undo_all
from leakdrill.runs.watch.child import PART, STOP_TIMEOUT_S, Command
from leakdrill.runs.watch.machine import available_bytes
from leakdrill.runs.watch.sampler import Watcher
from leakdrill.runs.watch.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.judging.watch.plan import Mode, WatchPlan
    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.record.store import RunFolder
    from leakdrill.record.verdict import Verdict
    from leakdrill.runs.watch.child import Ended

_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Watched:
    """A watched run that is over: its verdicts, the signal that stopped it, and what could not be undone."""

    verdicts: list[Verdict]
    stopped_by: str
    leftovers: list[str]


class Session:
    """Runs `plan`, recording into `folder`; `say` gets one sentence at a time for standard error."""

    def __init__(self, plan: WatchPlan, folder: RunFolder, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._folder = folder
        self._say = say
        self._recorder = Recorder(folder.history)
        self._journal = Journal(folder.journal)
        self._cgroup: Cgroup | None = None
        self._stop = StopRequest()

    def run(self) -> Watched:
        """Run the command, again where the plan says so, and judge.

        Raises:
            EnvironmentProblem: when the command could not be started.
        """
        note_owner(self._folder.path)
        write_watch_info(self._folder, self._plan)
        leftovers: list[str] = []
        try:
            with self._stop, self._recorder.in_phase("load"):
                self._enforce()
                self._attempts()
        finally:
            leftovers = undo_all(self._journal, UNDO)
            self._recorder.close()
            self._journal.close()
        return Watched(analyze_watch(self._folder), self._stop.signal_name, leftovers)

    def _enforce(self) -> None:
        if not (self._plan.enforce and self._plan.limit_bytes):
            return
        try:
            self._cgroup = make_cgroup(f"{NAME_PREFIX}{self._folder.run_id}", self._journal, part=PART)
            self._cgroup.limit_memory(self._plan.limit_bytes)
        except (CgroupRefused, OSError) as e:
            why = str(e) if isinstance(e, CgroupRefused) else e.strerror or str(e)
            notice = watched("memory", float(self._plan.limit_bytes), why)
            self._recorder.sample("watch", "notice", notice)
            self._say(notice)

    def _attempts(self) -> None:
        modes = self._plan.modes
        free = min(available_bytes(), self._plan.limit_bytes or float("inf"))
        index = starting_mode(modes, free)
        for number in range(1, self._plan.retries + 2):
            mode = modes[index] if modes else None
            self._attempt(number, mode, free)
            why = self._why_again()
            index += 1
            if not why or number > self._plan.retries or index >= len(modes):
                return
            self._say(f"attempt {number}: {why}; trying again in mode {modes[index].name}")
            free = min(available_bytes(), self._plan.limit_bytes or float("inf"))

    def _why_again(self) -> str:
        """Why another attempt makes sense; empty when it does not."""
        if self._stop:
            return ""
        history = self._recorder.history()
        last = attempts(history)[-1]
        why = why_memory(history, self._plan, last)
        failed = last.exited is not None and last.status != 0
        return why or (f"exit code {last.status:.0f}" if failed and self._plan.retry_any else "")

    def _attempt(self, number: int, mode: Mode | None, free: float) -> None:
        labels = {"number": str(number), "mode": mode.name if mode else "", "available_bytes": f"{free:.0f}"}
        env = {**mode.env, "LEAKDRILL_MODE": mode.name} if mode else {}
        with self._recorder.act("watch", "attempt", **labels):
            command = Command(
                self._plan, env=env, cgroup=self._cgroup, journal=self._journal, run_id=self._folder.run_id
            )
            watcher = Watcher(Tree(command.family, self._cgroup), self._plan, self._recorder, self._say)
            sampler = Sampler([CgroupMeter(self._cgroup)] if self._cgroup else [], self._recorder)
            watcher.start()
            sampler.start()
            try:
                ended = self._wait(command)
                ended_at_s = self._recorder.now_s()
            finally:
                sampler.stop()
                watcher.stop()
            self._note_end(ended, number, ended_at_s)
            self._end_family(command)

    def _wait(self, command: Command) -> Ended:
        """Its end. What we are sent is passed on; a command that then does not end is ended with all it started."""
        while (ended := command.poll()) is None:
            for number in self._stop.take():
                command.forward(number)
            if self._stop.is_urgent(STOP_TIMEOUT_S):
                command.family.end(term_timeout_s=0.0)
            time.sleep(_POLL_S)
        return ended

    def _note_end(self, ended: Ended, number: int, at_s: float) -> None:
        value = {"status": float(ended.status)}
        if ended.largest_process_bytes is not None:
            value["largest_process_bytes"] = float(ended.largest_process_bytes)
        labels = {"number": str(number), "signal": ended.signal, "oom_kill": ended.oom_kill}
        self._recorder.sample("watch", "exited", value, at=at_s, **labels)
        if self._stop:
            self._recorder.sample("watch", "interrupted", self._stop.signal_name)

    def _end_family(self, command: Command) -> None:
        left = len(command.family.members())
        if left:
            self._say(f"{left} process{'es' if left > 1 else ''} outlived the command; ending what it started")
        reason = take_back(self._journal, command.entry, UNDO)
        if reason:
            self._say(reason)
