"""What happened in a run that an alert should be seen beside: leaks, steps, restarts, kills, changes, live alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakdrill.backtest.past import Happening
from leakdrill.record.events import (
    AlertTransition,
    LeakSwitchOff,
    LeakSwitchOn,
    StepAct,
    TargetExited,
    TargetLimits,
    TargetReplicas,
    TargetRestart,
)
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leakdrill.record.history import Event, History

_ENDS = {"ok": "done", "failed": "failed", "unknown": "unknown how it ended"}


def run_happenings(history: History, scale: float, end_s: float) -> list[Happening]:
    """Returns what happened until `end_s`, in production time, ordered by it."""
    told = [one for event in history.events for one in _told(event, scale)]
    ends = Happening(end_s * scale, "end", "the drill ends its watch")
    return sorted([*(one for one in told if one.t_s <= end_s * scale), ends], key=lambda one: one.t_s)


def _told(event: Event, scale: float) -> Iterator[Happening]:
    t_s = event.t * scale
    alert, exited = AlertTransition.read(event), TargetExited.read(event)
    if alert is not None:
        at_s = (event.t if event.at is None else event.at) * scale
        yield Happening(max(at_s, 0.0), "alert", alert_text(alert.labels, alert.state), alert.labels, alert.state)
    elif exited is not None:
        yield Happening(t_s, "kill", _exit_text(exited))
    elif event.kind == "ok" and LeakSwitchOn.matches(event):
        yield Happening(t_s, "leak", f"leak {event.labels.get('leak', '')} on")
    elif event.kind == "ok" and LeakSwitchOff.matches(event):
        yield Happening(t_s, "leak", f"leak {event.labels.get('leak', '')} off")
    elif event.kind == "ok" and TargetRestart.matches(event):
        yield Happening(t_s, "restart", "the service was restarted")
    elif event.source == StepAct.source and event.kind in _ENDS:
        yield Happening(t_s, "step", f'step "{event.name}" {_ENDS[event.kind]}')
    else:
        yield from _changes(event, t_s)


def _changes(event: Event, t_s: float) -> Iterator[Happening]:
    limits, scaled = TargetLimits.read(event), TargetReplicas.read(event)
    if limits is not None and limits.memory_bytes is not None:
        yield Happening(t_s, "change", f"the memory limit is {show_size(limits.memory_bytes)}")
    if limits is not None and limits.cpus is not None:
        yield Happening(t_s, "change", f"the CPU limit is {limits.cpus:g} cores")
    if scaled is not None and scaled.replicas is not None:
        yield Happening(t_s, "change", f"{scaled.replicas:g} replicas")


def _exit_text(exited: TargetExited) -> str:
    where = f" (pod {exited.pod})" if exited.pod else ""
    if exited.oom_kill == "true":
        return f"the service was killed for its memory{where}"
    return f"the service ended{where}{f': {exited.reason}' if exited.reason else ''}"


def alert_text(labels: Mapping[str, str], state: str) -> str:
    """Returns a few words about an alert that was seen live."""
    severity = labels.get("severity", "")
    return f"live: {labels.get('alertname', '')}{f' ({severity})' if severity else ''} {state}"
