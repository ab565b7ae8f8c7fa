"""One watched run from its start to its verdicts: attempts in their modes, the record, and undo always."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import Interrupted
from leakdrill.judging.watch.budgets import memory_reason
from leakdrill.judging.watch.memory_split import attempts
from leakdrill.judging.watch.plan import starting_mode
from leakdrill.judging.watch.run_files import run_name, write_watch_info
from leakdrill.machine.cgroup import CgroupRefused, make_cgroup, watched
from leakdrill.machine.signals import StopRequest
from leakdrill.machine.undo import UNDO
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.sampler import Sampler
from leakdrill.record.events import WatchAttempt, WatchExited, WatchInterrupted, WatchNotice
from leakdrill.record.ownership import NAME_PREFIX
from leakdrill.record.seal import RUN_JSON
from leakdrill.record.undo import take_back
from leakdrill.runs.session import RunSession
from leakdrill.runs.watch.command import PART, STOP_TIMEOUT_S, Command
from leakdrill.runs.watch.machine import available_bytes
from leakdrill.runs.watch.processes import CommandProcesses
from leakdrill.runs.watch.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.judging.watch.plan import Mode, WatchPlan
    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.runs.session import FinishedRun
    from leakdrill.runs.watch.command import Ended

_POLL_S: Final = 0.02


def run_watch(plan: WatchPlan, *, runs: Path, notify: Callable[[str], None]) -> FinishedRun:
    """Run the command of `plan`, again where the plan says so, and judge.

    Args:
        plan: what to run, and what it is held to.
        runs: the folder of all runs.
        notify: gets one sentence at a time for standard error.
    """
    stop = StopRequest()
    with RunSession(runs, run_name(plan.command), notify=notify, signals=stop) as session:
        write_watch_info(session.folder, plan)
        session.cover(RUN_JSON)
        with session.keeping_error():
            with session.recorder.in_phase("load"):
                _Attempts(plan, session, stop, notify).run()
            if stop:
                ended = "the command and all it started have ended"
                raise Interrupted(f"stopped by {stop.signal_name}; {ended}; {session.folder.path}")
    return session.finish()


class _Attempts:
    """The attempts at one command, from the first to the last."""

    def __init__(self, plan: WatchPlan, session: RunSession, stop: StopRequest, notify: Callable[[str], None]) -> None:
        self._plan = plan
        self._run_id = session.folder.run_id
        self._recorder = session.recorder
        self._journal = session.journal
        self._stop = stop
        self._notify = notify
        self._cgroup: Cgroup | None = None

    def run(self) -> None:
        """Run the command until it succeeds, or nothing is left to try.

        Raises:
            EnvironmentProblem: when the command could not be started.
        """
        self._enforce()
        self._attempts()

    def _enforce(self) -> None:
        if not (self._plan.enforce and self._plan.limit_bytes):
            return
        try:
            self._cgroup = make_cgroup(f"{NAME_PREFIX}{self._run_id}", self._journal, part=PART)
            self._cgroup.limit_memory(self._plan.limit_bytes)
        except (CgroupRefused, OSError) as e:
            reason = str(e) if isinstance(e, CgroupRefused) else e.strerror or str(e)
            notice = watched("memory", float(self._plan.limit_bytes), reason)
            self._recorder.record(WatchNotice(notice))
            self._notify(notice)

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
            self._notify(f"attempt {number}: {why}; trying again in mode {modes[index].name}")
            free = min(available_bytes(), self._plan.limit_bytes or float("inf"))

    def _why_again(self) -> str:
        """Returns why another attempt makes sense; empty when it does not."""
        if self._stop:
            return ""
        history = self._recorder.history()
        last = attempts(history)[-1]
        reason = memory_reason(history, self._plan, last)
        failed = last.exited is not None and last.status != 0
        return reason or (f"exit code {last.status:.0f}" if failed and self._plan.retry_any else "")

    def _attempt(self, number: int, mode: Mode | None, free: float) -> None:
        act = WatchAttempt(str(number), mode.name if mode else "", f"{free:.0f}")
        env = {**mode.env, "LEAKDRILL_MODE": mode.name} if mode else {}
        with self._recorder.act(act):
            command = Command(self._plan, env=env, cgroup=self._cgroup, journal=self._journal, run_id=self._run_id)
            watcher = Watcher(CommandProcesses(command.family, self._cgroup), self._plan, self._recorder, self._notify)
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
        """Return its end. Our signals are passed on; a command that then goes on is ended with all it started."""
        while (ended := command.poll()) is None:
            for number in self._stop.take():
                command.forward(number)
            if self._stop.is_urgent(STOP_TIMEOUT_S):
                command.family.end(term_timeout_s=0.0)
            time.sleep(_POLL_S)
        return ended

    def _note_end(self, ended: Ended, number: int, at_s: float) -> None:
        self._recorder.record(
            WatchExited(
                float(ended.status),
                None if ended.largest_process_bytes is None else float(ended.largest_process_bytes),
                number=str(number),
                signal=ended.signal,
                oom_kill=ended.oom_kill,
                at=at_s,
            )
        )
        if self._stop:
            self._recorder.record(WatchInterrupted(self._stop.signal_name))

    def _end_family(self, command: Command) -> None:
        left = len(command.family.members())
        if left:
            self._notify(f"{left} process{'es' if left > 1 else ''} outlived the command; ending what it started")
        reason = take_back(self._journal, command.entry, UNDO)
        if reason:
            self._notify(reason)
