"""Send a signal to processes of the target, chosen by their command line."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from signal import Signals
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.heaviest_on_gpu import heaviest, held_on
from leakdrill.targets.base.capabilities import OnGpus, Signallable
from leakdrill.targets.kinds import capability, find_capability

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leakdrill.scenario.actions import Kill
    from leakdrill.targets.base.capabilities import Target

_ENDING: Final = frozenset({Signals.SIGTERM, Signals.SIGKILL, Signals.SIGINT, Signals.SIGQUIT})
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class _Seen:
    """A process as it was when it was chosen."""

    process: psutil.Process
    line: str
    resident_bytes: int
    started: float


def kill(action: Kill, target: Target) -> dict[str, str]:
    """Send the signal, and say to which processes. It cannot be undone.

    The target's first process is left alone by signals that end it: nothing would start it again, and a step that
    should do that is `restart`. By the memory of cards, the one that holds most of them is meant, or none at all.

    Raises:
        StepFailed: when this kind of target does not show its processes, or none of them matches.
    """
    try:
        signallable = capability(target, Signallable, step="kill")
        living = signallable.processes()
    except LeakdrillError as e:
        raise StepFailed(str(e)) from e
    first = signallable.pid if action.number in _ENDING else None
    if action.by == "gpu_memory":
        living = [_heaviest_on_its_cards(target, living)]
    seen = _look(process for process in living if process.pid != first)
    matching = [one for one in seen if re.search(action.match, one.line)]
    if not matching:
        others = "; ".join(one.line for one in seen[:_SHOWN]) or "it has no other process"
        raise StepFailed(
            f"no process of target '{target.name}' besides its first matches \"{action.match}\"; found: {others}"
        )
    chosen = _chosen(matching, action.which)
    for one in chosen:
        with contextlib.suppress(psutil.NoSuchProcess):  # it was faster
            one.process.send_signal(action.number)
    return {
        "signal": action.number.name,
        "pids": " ".join(str(one.process.pid) for one in chosen),
        "killed": "; ".join(one.line for one in chosen[:_SHOWN]),
    }


def _heaviest_on_its_cards(target: Target, living: Sequence[psutil.Process]) -> psutil.Process:
    own = {process.pid: process for process in living}
    on_gpus = find_capability(target, OnGpus)
    return own[heaviest(held_on(on_gpus.gpus if on_gpus else ()), own)]


def _look(processes: Iterable[psutil.Process]) -> list[_Seen]:
    found: list[_Seen] = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
            line = " ".join(process.cmdline())
            found.append(_Seen(process, line, process.memory_info().rss, process.create_time()))
    return found


def _chosen(matching: list[_Seen], which: str) -> list[_Seen]:
    if which == "heaviest":
        return [max(matching, key=lambda one: one.resident_bytes)]
    if which == "all":
        return matching
    by_age = sorted(matching, key=lambda one: (one.started, one.process.pid))
    return [by_age[0 if which == "oldest" else -1]]
