"""Send a signal to processes of the target, chosen by their command line."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from signal import Signals
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.expression import is_found
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.heaviest_on_gpu import heaviest, held_on
from leakdrill.targets.base.capabilities import OnGpus, Signallable
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leakdrill.scenario.actions import Kill
    from leakdrill.steps.context import StepContext

NEEDS: Final = (Signallable,)
_ENDING: Final = frozenset({Signals.SIGTERM, Signals.SIGKILL, Signals.SIGINT, Signals.SIGQUIT})
_MOST_LISTED: Final = 5
_LOOKED_FOR_S: Final = 2.0
_AGAIN_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A process as it was when it was chosen."""

    process: psutil.Process
    line: str
    resident_bytes: int
    started: float


def act(action: Kill, context: StepContext) -> dict[str, str]:
    """Sends the signal, and returns to which processes.

    The target's first process is left alone by signals that end it: nothing would start it again, and a step that
    should do that is `restart`. By GPU memory, the one that holds most of it is meant, or none at all.

    Raises:
        StepFailed: when none of the processes matches, for two seconds.
        LeakdrillError: when this kind of target does not show its processes.
    """
    matching = _matching(action, context)
    chosen = _chosen(matching, action.which)
    for one in chosen:
        with contextlib.suppress(psutil.NoSuchProcess):  # it was faster
            one.process.send_signal(action.number)
    return {
        "signal": action.number.name,
        "pids": " ".join(str(one.process.pid) for one in chosen),
        "killed": "; ".join(one.line for one in chosen[:_MOST_LISTED]),
    }


def _matching(action: Kill, context: StepContext) -> list[_Candidate]:
    """The processes that match; a service may start them for each request, so it is looked for them again and again."""
    looked_for_s = 0.0 if action.by == "gpu_memory" else _LOOKED_FOR_S
    candidates: list[_Candidate] = []

    def matching() -> list[_Candidate]:
        candidates[:] = _candidates(action, context)
        return [one for one in candidates if is_found(action.match, one.line)]

    try:
        return wait_for(matching, what="a process that matches", timeout_s=looked_for_s, every_s=_AGAIN_S)
    except TimedOut:
        others = "; ".join(one.line for one in candidates[:_MOST_LISTED]) or "it has no other process"
        raise StepFailed(
            f"no process of target '{context.target.name}' besides its first matches \"{action.match}\"; "
            f"found: {others}"
        ) from None


def _candidates(action: Kill, context: StepContext) -> list[_Candidate]:
    """The processes that the signal may be sent to."""
    signallable = context.require(Signallable)
    living = signallable.processes()
    first = signallable.pid if action.number in _ENDING else None
    if action.by == "gpu_memory":
        living = [_heaviest_on_gpus(context, living)]
    return _look(process for process in living if process.pid != first)


def _heaviest_on_gpus(context: StepContext, living: Sequence[psutil.Process]) -> psutil.Process:
    own = {process.pid: process for process in living}
    on_gpus = context.find(OnGpus)
    return own[heaviest(held_on(on_gpus.gpus if on_gpus else ()), own)]


def _look(processes: Iterable[psutil.Process]) -> list[_Candidate]:
    candidates: list[_Candidate] = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
            line = " ".join(process.cmdline())
            candidates.append(_Candidate(process, line, process.memory_info().rss, process.create_time()))
    return candidates


def _chosen(matching: list[_Candidate], which: str) -> list[_Candidate]:
    if which == "heaviest":
        return [max(matching, key=lambda one: one.resident_bytes)]
    if which == "all":
        return matching
    by_age = sorted(matching, key=lambda one: (one.started, one.process.pid))
    return [by_age[0 if which == "oldest" else -1]]
