"""One watched run from its start to its verdicts: attempts in their modes, the record, and undo always."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.errors import Interrupted
from leakdrill.judging.watch.budgets import memory_reason
from leakdrill.judging.watch.memory_split import attempts
from leakdrill.judging.watch.plan import starting_mode
from leakdrill.judging.watch.run_files import run_name, write_watch_info
from leakdrill.machine.cgroup import CgroupRefused, make_cgroup, watched
from leakdrill.machine.orphans import adopting_orphans
from leakdrill.machine.signals import StopRequest
from leakdrill.machine.undo import UNDO
from leakdrill.meters.cgroup import CgroupMeter
from leakdrill.meters.sampler import Sampler
from leakdrill.record.events import WatchAttempt, WatchExited, WatchInterrupted, WatchNotice
from leakdrill.record.seal import RUN_JSON
from leakdrill.record.undo import take_back
from leakdrill.runs.session import RunSession
from leakdrill.runs.watch.command import PART, STOP_TIMEOUT_S, Command
from leakdrill.runs.watch.machine import available_bytes
from leakdrill.runs.watch.memory_source import GroupMemory, UngroupedMemory
from leakdrill.runs.watch.processes import CommandProcesses, forks_so_far, own_children
from leakdrill.runs.watch.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.judging.watch.plan import Mode, WatchPlan
    from leakdrill.machine.cgroup import Cgroup
    from leakdrill.record.events import WatchMemory
    from leakdrill.runs.session import FinishedRun
    from leakdrill.runs.watch.command import Ended
    from leakdrill.runs.watch.watcher import Peak

_POLL_S: Final = 0.02
_SETTLED_S: Final = 3.0
_LONGEST_S: Final = 10.0
_RISE_BYTES: Final = 64 << 10
_UNSEEN: Final = (
    "there is no control group, so memory is read from processes: what processes of less than a fiftieth of a second "
    "hold together, the kernel's own memory (pipes, sockets) and files in memory that nobody has open are not counted"
)


@dataclass(frozen=True, slots=True)
class _End:
    """What is known when an attempt is over: how it ended, and the most memory that it had.

    Attributes:
        ended: the end of the command.
        adopted_bytes: the largest resident set of an orphan of it.
        peak: of all memory.
        left: the last reading of all memory, when every process has ended.
        unseen: processes outside the control group, or too short to be read.
        growing: whether what outlived the command still took more memory when it was ended.
    """

    ended: Ended
    adopted_bytes: int
    peak: Peak
    left: WatchMemory | None
    unseen: int
    growing: bool


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
        self._adopts = False
        self._noticed: list[str] = []

    def run(self) -> None:
        """Run the command until it succeeds, or nothing is left to try.

        Raises:
            EnvironmentProblem: when the command could not be started.
        """
        with adopting_orphans() as adopts:
            self._adopts = adopts
            self._attempts()

    def _make_cgroup(self, number: int) -> Cgroup | None:
        """A control group for one attempt, which the kernel counts for; None where this machine gives us none."""
        try:
            cgroup = make_cgroup(self._journal.header.own_name(f"{self._run_id}-{number}"), self._journal, part=PART)
        except (CgroupRefused, OSError) as e:
            self._without_cgroup(str(e) if isinstance(e, CgroupRefused) else e.strerror or str(e))
            return None
        if cgroup.memory is None:
            self._without_cgroup("the memory controller is not available here")
            return None
        self._limit(cgroup)
        return cgroup

    def _limit(self, cgroup: Cgroup) -> None:
        if self._plan.enforce and self._plan.limit_bytes:
            try:
                cgroup.limit_memory(self._plan.limit_bytes)
            except OSError as e:
                self._notice(watched("memory", float(self._plan.limit_bytes), e.strerror or str(e)))

    def _without_cgroup(self, reason: str) -> None:
        if self._plan.enforce and self._plan.limit_bytes:
            self._notice(watched("memory", float(self._plan.limit_bytes), reason))
        self._notice(f"{_UNSEEN}: {reason}")

    def _notice(self, sentence: str) -> None:
        if sentence not in self._noticed:
            self._noticed.append(sentence)
            self._recorder.record(WatchNotice(sentence))
            self._notify(sentence)

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
        cgroup = self._make_cgroup(number)
        followed = "cgroup" if cgroup else "processes"
        act = WatchAttempt(str(number), mode.name if mode else "", f"{free:.0f}", followed)
        env = {**mode.env, "LEAKDRILL_MODE": mode.name} if mode else {}
        before, forks = own_children(), forks_so_far()
        source = GroupMemory(cgroup) if cgroup else UngroupedMemory()
        with self._recorder.act(act), contextlib.closing(source):
            command = Command(
                self._plan, env=env, cgroup=cgroup, adopts=self._adopts, journal=self._journal, run_id=self._run_id
            )
            processes = CommandProcesses(command.family, cgroup, before)
            watcher = Watcher(processes, source, self._plan, self._recorder, self._notify)
            sampler = Sampler([CgroupMeter(cgroup)] if cgroup else [], self._recorder)
            watcher.start()
            sampler.start()
            try:
                ended = self._wait(command, processes)
                ended_at_s = self._recorder.now_s()
                growing = self._end_family(command, processes, watcher)
            finally:
                sampler.stop()
                left = watcher.stop()
            too_short = 0 if cgroup else forks_so_far() - forks - len(processes.seen)
            unseen = len(processes.escaped) + max(too_short, 0)
            end = _End(ended, processes.adopted_bytes, watcher.peak, left, unseen, growing)
            self._note_end(end, number, ended_at_s)

    def _wait(self, command: Command, processes: CommandProcesses) -> Ended:
        """Return its end. Our signals are passed on; a command that then goes on is ended with all it started.

        Raises:
            EnvironmentProblem: when the record was lost.
        """
        while (ended := command.poll()) is None:
            self._recorder.raise_if_lost()
            for number in self._stop.take():
                command.forward(number)
            if self._stop.is_urgent(STOP_TIMEOUT_S):
                command.family.end(term_timeout_s=0.0)
            processes.reap()
            time.sleep(_POLL_S)
        return ended

    def _outlast(self, processes: CommandProcesses, watcher: Watcher) -> bool:
        """Return whether what goes on still takes more memory after ten seconds.

        Sooner when it has ended, or when for three seconds it has not taken more and none of it was asleep: a process
        that sleeps for a time goes on by itself, and one that waits for a request or a file does not.
        """
        began = risen = awake = time.monotonic()
        high = watcher.peak.low_bytes
        while not self._stop and processes.living():
            now = time.monotonic()
            if watcher.peak.low_bytes > high + _RISE_BYTES:
                high, risen = watcher.peak.low_bytes, now
            if processes.asleep():
                awake = now
            if now >= began + _LONGEST_S:
                return now < risen + _SETTLED_S
            if now >= max(risen, awake) + _SETTLED_S:
                break
            time.sleep(_POLL_S)
        return False

    def _note_end(self, end: _End, number: int, at_s: float) -> None:
        ended = end.ended
        largest = max(ended.largest_process_bytes or 0, end.adopted_bytes)
        self._recorder.record(
            WatchExited(
                float(ended.status),
                float(largest) if largest > ended.unknown_bytes else None,
                end.peak.low_bytes,
                end.peak.high_bytes,
                end.left.shmem_bytes if end.left else None,
                float(end.unseen),
                float(end.growing),
                number=str(number),
                signal=ended.signal,
                oom_kill=ended.oom_kill,
                at=at_s,
            )
        )
        if self._stop:
            self._recorder.record(WatchInterrupted(self._stop.signal_name))

    def _end_family(self, command: Command, processes: CommandProcesses, watcher: Watcher) -> bool:
        """End what outlived the command, when it has shown for a while how much memory it takes.

        Returns whether it still took more.
        """
        left = len(command.family.members())
        if left:
            self._notify(f"{left} process{'es' if left > 1 else ''} outlived the command; ending what it started")
        growing = (left or processes.living()) and self._outlast(processes, watcher)
        reason = take_back(self._journal, command.entry, UNDO)
        if reason:
            self._notify(reason)
        if stay := processes.end_strays():
            self._notify(f"{stay} process{'es' if stay > 1 else ''} could not be ended")
        return bool(growing)
